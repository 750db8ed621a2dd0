import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import RedisParser from 'redis-parser';
import { describe, expect, it } from 'vitest';
import { ReplyReader, renderReply } from '../testing/index.js';
import { BufferPool } from './buffer-pool.js';
import { RespReply } from './reply.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));

type Writing = (reply: RespReply) => void;

function encode(dialect: 2 | 3, write: Writing): string {
  const reply = new RespReply(new BufferPool());
  reply.dialect = dialect;
  write(reply);
  return reply.bytes.toString('latin1', 0, reply.length);
}

const bytes = Buffer.from('xx\r\n\0\xffyy', 'latin1');

const encodings: [name: string, write: Writing, resp2: string, resp3: string][] = [
  ['a status', (r) => r.simple('QUEUED'), '+QUEUED\r\n', '+QUEUED\r\n'],
  ['OK', (r) => r.ok(), '+OK\r\n', '+OK\r\n'],
  ['an error', (r) => r.error('ERR no'), '-ERR no\r\n', '-ERR no\r\n'],
  ['an error of two lines', (r) => r.error('ERR a\r\nb'), '-ERR a  b\r\n', '-ERR a  b\r\n'],
  [
    'an error beyond ASCII',
    (r) => r.error('ERR \u00e9\u20ac'),
    '-ERR \xc3\xa9\xe2\x82\xac\r\n',
    '-ERR \xc3\xa9\xe2\x82\xac\r\n',
  ],
  [
    'an error with bytes that are no UTF-8',
    (r) => r.error('ERR \u00e9\udcfc'),
    '-ERR \xc3\xa9\xfc\r\n',
    '-ERR \xc3\xa9\xfc\r\n',
  ],
  [
    'a text with a byte that is no UTF-8',
    (r) => r.text('\u00e9\udcfc'),
    '$3\r\n\xc3\xa9\xfc\r\n',
    '$3\r\n\xc3\xa9\xfc\r\n',
  ],
  ['an integer', (r) => r.integer(7), ':7\r\n', ':7\r\n'],
  ['a negative integer', (r) => r.integer(-12345), ':-12345\r\n', ':-12345\r\n'],
  [
    'the largest safe integer',
    (r) => r.integer(2 ** 53 - 1),
    ':9007199254740991\r\n',
    ':9007199254740991\r\n',
  ],
  [
    'the smallest safe integer',
    (r) => r.integer(1 - 2 ** 53),
    ':-9007199254740991\r\n',
    ':-9007199254740991\r\n',
  ],
  [
    'a 64-bit integer',
    (r) => r.bigInteger(-(2n ** 63n)),
    ':-9223372036854775808\r\n',
    ':-9223372036854775808\r\n',
  ],
  ['a double', (r) => r.double(1.5), '$3\r\n1.5\r\n', ',1.5\r\n'],
  ['a whole double', (r) => r.double(10), '$2\r\n10\r\n', ',10\r\n'],
  ['infinity', (r) => r.double(Number.POSITIVE_INFINITY), '$3\r\ninf\r\n', ',inf\r\n'],
  ['negative infinity', (r) => r.double(Number.NEGATIVE_INFINITY), '$4\r\n-inf\r\n', ',-inf\r\n'],
  ['a tiny double', (r) => r.double(1e-7), '$4\r\n1e-7\r\n', ',1e-7\r\n'],
  ['a huge double', (r) => r.double(1e25), '$5\r\n1e+25\r\n', ',1e+25\r\n'],
  ['a bulk', (r) => r.bulk(bytes, 2, 4), '$4\r\n\r\n\0\xff\r\n', '$4\r\n\r\n\0\xff\r\n'],
  ['an empty bulk', (r) => r.bulk(bytes, 8, 0), '$0\r\n\r\n', '$0\r\n\r\n'],
  ['a byte string', (r) => r.byteString('\xffa'), '$2\r\n\xffa\r\n', '$2\r\n\xffa\r\n'],
  ['a text', (r) => r.text('\u20ac'), '$3\r\n\xe2\x82\xac\r\n', '$3\r\n\xe2\x82\xac\r\n'],
  ['null', (r) => r.null(), '$-1\r\n', '_\r\n'],
  ['the null array', (r) => r.nullArray(), '*-1\r\n', '_\r\n'],
  ['an empty array', (r) => r.array(0), '*0\r\n', '*0\r\n'],
  ['a long array', (r) => r.array(123456), '*123456\r\n', '*123456\r\n'],
  ['a map', (r) => r.map(2), '*4\r\n', '%2\r\n'],
  ['a set', (r) => r.set(3), '*3\r\n', '~3\r\n'],
  ['a push', (r) => r.push(3), '*3\r\n', '>3\r\n'],
  ['an attribute', (r) => r.attribute(2), '', '|2\r\n'],
  ['true', (r) => r.boolean(true), ':1\r\n', '#t\r\n'],
  ['false', (r) => r.boolean(false), ':0\r\n', '#f\r\n'],
  [
    'a big number',
    (r) => r.bigNumber('123456789012345678901'),
    '$21\r\n123456789012345678901\r\n',
    '(123456789012345678901\r\n',
  ],
  ['a verbatim text', (r) => r.verbatim('txt', 'h\u00e9'), '$3\r\nh\xc3\xa9\r\n', '=7\r\ntxt:h\xc3\xa9\r\n'],
];

describe('encodings', () => {
  it.each(encodings)('%s', (_name, write, resp2, resp3) => {
    expect(encode(2, write)).toBe(resp2);
    expect(encode(3, write)).toBe(resp3);
  });

  it('remember an error', () => {
    const reply = new RespReply(new BufferPool());
    expect(reply.failed).toBe(false);
    reply.error('WRONGTYPE x');
    expect([reply.failed, reply.lastError]).toEqual([true, 'WRONGTYPE x']);
  });
});

/** Writes a random value; returns what a RESP2 client should see (bulks as buffers, errors as their text). */
function writeRandom(reply: RespReply, random: Random, depth: number): unknown {
  switch (randomBelow(random, depth < 3 ? 13 : 9)) {
    case 0: {
      const value = random.fill(
        Buffer.alloc(randomBelow(random, randomBelow(random, 5) === 0 ? 40_000 : 30)),
      );
      reply.bulk(Buffer.concat([Buffer.from('ab'), value]), 2, value.length);
      return value;
    }
    case 1: {
      const n =
        randomBelow(random, 2 ** 32) * randomBelow(random, 2 ** 20) * (randomBelow(random, 2) * 2 - 1);
      reply.integer(n);
      return n === 0 ? 0 : n;
    }
    case 2:
      reply.null();
      return null;
    case 3:
      reply.boolean(true);
      return 1;
    case 4: {
      const text = 'caf\u00e9 '.repeat(randomBelow(random, 20));
      reply.text(text);
      return Buffer.from(text);
    }
    case 5:
      reply.simple('PONG');
      return Buffer.from('PONG');
    case 6: {
      const n = (randomBelow(random, 2 ** 32) - 2 ** 31) / 1000;
      reply.double(n);
      return Buffer.from(String(n));
    }
    case 7:
      reply.verbatim('txt', 'a text');
      return Buffer.from('a text');
    case 8:
      reply.nullArray();
      return null;
    case 9: {
      const pairs = randomBelow(random, 4);
      reply.map(pairs);
      return Array.from({ length: 2 * pairs }, () => writeRandom(reply, random, depth + 1));
    }
    case 10: {
      const members = randomBelow(random, 4);
      reply.set(members);
      return Array.from({ length: members }, () => writeRandom(reply, random, depth + 1));
    }
    default: {
      const count = randomBelow(random, 5);
      reply.array(count);
      return Array.from({ length: count }, () => writeRandom(reply, random, depth + 1));
    }
  }
}

describe(`random replies (HOLDFAST_SEED=${seed})`, () => {
  it('are read by redis-parser as they were written', () => {
    const random = new SeededRandom(seed);
    const pool = new BufferPool();
    const reply = new RespReply(pool);
    const received: unknown[] = [];
    const parser = new RedisParser({
      returnReply: (value) => received.push(value),
      returnError: (error) => expect.unreachable(error.message),
      returnBuffers: true,
    });
    const expected: unknown[] = [];
    const sent: Buffer[] = [];
    const send = (length: number, isKept: boolean): void => {
      sent.push(Buffer.from(reply.bytes.subarray(0, length)));
      reply.consume(length, isKept);
    };
    for (let round = 0; round < 400; round++) {
      expected.push(writeRandom(reply, random, 0));
      // A part is sent, as a socket that is full takes it, and the buffer may have been given away.
      if (randomBelow(random, 3) === 0)
        send(randomBelow(random, reply.length + 1), randomBelow(random, 2) === 0);
    }
    send(reply.length, false);
    // As a whole: the parser itself fails over pieces of a byte or two.
    parser.execute(Buffer.concat(sent));
    expect(received).toEqual(expected);
    expect([reply.length, reply.bytes]).toEqual([0, pool.none]);
  });

  it('are whole RESP3 as well, however they are cut', () => {
    const random = new SeededRandom(seed + 1);
    const reply = new RespReply(new BufferPool());
    reply.dialect = 3;
    for (let round = 0; round < 200; round++) writeRandom(reply, random, 0);
    const sent = reply.bytes.subarray(0, reply.length);
    const whole = new ReplyReader().push(Buffer.from(sent)).map(renderReply);
    expect(whole).toHaveLength(200);
    const reader = new ReplyReader();
    const pieces: string[] = [];
    for (let at = 0; at < sent.length; ) {
      const size = 1 + randomBelow(random, 5000);
      pieces.push(...reader.push(Buffer.from(sent.subarray(at, at + size))).map(renderReply));
      at += size;
    }
    expect(pieces).toEqual(whole);
    expect(reader.pendingBytes).toBe(0);
  });
});
