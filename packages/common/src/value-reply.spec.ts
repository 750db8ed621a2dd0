import { describe, expect, it } from 'vitest';
import { replyConformance, valueMedium } from './testing/index.js';
import { ErrorReply, ValueReply } from './value-reply.js';

describe('ValueReply', () => {
  for (const { name, run } of replyConformance) it(name, () => run(valueMedium()));

  it('gives no reply before it is whole', () => {
    const reply = new ValueReply();
    reply.array(2);
    reply.integer(1);
    expect([reply.take(), reply.count]).toEqual([undefined, 0]);
    reply.integer(2);
    expect([reply.count, reply.take(), reply.take()]).toEqual([1, [1, 2], undefined]);
  });

  it('gives the replies before one that is not whole', () => {
    const reply = new ValueReply();
    reply.integer(1);
    reply.map(1);
    expect([reply.count, reply.take(), reply.take()]).toEqual([1, 1, undefined]);
  });

  it('takes for a text what a script called a big number, and is none', () => {
    const reply = new ValueReply();
    const digits = '1'.repeat(200_000);
    for (const text of ['-12345678901234567890', 'abc', '', '0x10', digits]) reply.bigNumber(text);
    const [abc, none, hex, long] = ['abc', '', '0x10', digits].map((text) => Buffer.from(text));
    for (const expected of [-12345678901234567890n, abc, none, hex, long]) {
      expect(reply.take()).toEqual(expected);
    }
  });

  it('names errors by their first word', () => {
    expect(new ErrorReply('WRONGTYPE Operation against').code).toBe('WRONGTYPE');
  });
});
