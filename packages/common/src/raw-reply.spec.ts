import { describe, expect, it } from 'vitest';
import { endOfReply, replayReplies } from './raw-reply.js';
import { DoubleReply, ErrorReply, MapReply, SetReply, StatusReply, ValueReply } from './value-reply.js';

function valuesOf(text: string): unknown[] {
  const reply = new ValueReply(3);
  const bytes = Buffer.from(`??${text}`, 'latin1');
  replayReplies(reply, bytes, 2, bytes.length);
  return Array.from({ length: reply.count }, () => reply.take());
}

function map(...entries: [never, never][]): MapReply {
  const reply = new MapReply();
  reply.entries.push(...entries);
  return reply;
}

const replies: [string, unknown][] = [
  ['+QUEUED\r\n', new StatusReply('QUEUED')],
  ['-ERR no\r\n', new ErrorReply('ERR no')],
  [':-12\r\n', -12],
  [':9223372036854775807\r\n', 9223372036854775807n],
  ['$5\r\na\r\n\xffb\r\n', Buffer.from('a\r\n\xffb', 'latin1')],
  ['$0\r\n\r\n', Buffer.alloc(0)],
  ['$-1\r\n', null],
  ['*-1\r\n', null],
  ['_\r\n', null],
  ['#t\r\n', true],
  [',-inf\r\n', new DoubleReply(Number.NEGATIVE_INFINITY)],
  [',1.5\r\n', new DoubleReply(1.5)],
  ['(123456789012345678901\r\n', 123456789012345678901n],
  ['=6\r\ntxt:hi\r\n', Buffer.from('hi')],
  ['*2\r\n*0\r\n*1\r\n:1\r\n', [[], [1]]],
  ['%1\r\n+a\r\n~1\r\n:2\r\n', map([new StatusReply('a') as never, setOf(2) as never])],
  ['>2\r\n$1\r\na\r\n:1\r\n', [Buffer.from('a'), 1]],
  ['|1\r\n+ttl\r\n*2\r\n:1\r\n|0\r\n:2\r\n:3\r\n', 3],
];

function setOf(...members: number[]): SetReply {
  const set = new SetReply();
  set.members.push(...members);
  return set;
}

describe('replies that were encoded elsewhere', () => {
  it.each(replies)('are read: %j', (text, value) => {
    expect(valuesOf(text)).toEqual([value]);
    const bytes = Buffer.from(`${text}+rest\r\n`, 'latin1');
    expect(endOfReply(bytes, 0, bytes.length)).toBe(text.length);
  });

  it('follow one another', () => {
    const all = replies.map(([text]) => text).join('');
    expect(valuesOf(all)).toEqual(replies.map(([, value]) => value));
  });

  it.each(replies)('are refused wherever they are cut: %j', (text) => {
    for (let length = 1; length < text.length; length++) {
      expect(() => valuesOf(text.slice(0, length))).toThrow('not RESP');
      expect(() => endOfReply(Buffer.from(text, 'latin1'), 0, length)).toThrow('not RESP');
    }
  });

  it('are refused when they are none', () => {
    for (const text of ['?\r\n', 'x', '$x\r\n', '*1\r\n?']) expect(() => valuesOf(text)).toThrow('not RESP');
  });
});
