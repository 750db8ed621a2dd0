import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import RedisParser from 'redis-parser';
import { describe, expect, it } from 'vitest';
import { encodeRequest } from '../testing/index.js';
import { malformed, needMore, RequestDecoder } from './decoder.js';
import { argumentsMax, inlineBytesMax } from './limits.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** A connection's use of the decoder: the rest of the input is kept, joined with what comes, and rebased. */
class Feed {
  readonly decoder: RequestDecoder;
  readonly requests: string[][] = [];
  error: string | null = null;
  #rest = Buffer.alloc(0);

  constructor(bulkBytesMax = 512 * 1024 * 1024) {
    this.decoder = new RequestDecoder(bulkBytesMax);
  }

  push(chunk: Buffer): this {
    if (this.error !== null) return this;
    const bytes = Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at < bytes.length) {
      const next = this.decoder.decode(bytes, at, bytes.length);
      if (next === needMore) break;
      if (next === malformed) {
        this.error = this.decoder.error;
        return this;
      }
      expect(next).toBeGreaterThan(at);
      expect(next).toBeLessThanOrEqual(bytes.length);
      const { request } = this.decoder;
      const { frameStart, frameEnd } = request;
      expect([frameStart, frameEnd]).toEqual(bytes[at] === 42 ? [at, next] : [frameStart, 0]);
      this.requests.push(Array.from({ length: request.count }, (_, i) => request.byteString(i)));
      at = next;
    }
    this.decoder.rebase(at);
    this.#rest = bytes.subarray(at);
    return this;
  }

  get pendingBytes(): number {
    return this.#rest.length;
  }
}

function decodeAll(input: Buffer | string): string[][] {
  const feed = new Feed().push(typeof input === 'string' ? Buffer.from(input, 'latin1') : input);
  expect(feed.error).toBeNull();
  expect(feed.pendingBytes).toBe(0);
  return feed.requests;
}

function errorOf(input: string, prepare: (decoder: RequestDecoder) => void = () => {}): string | null {
  const feed = new Feed();
  prepare(feed.decoder);
  return feed.push(Buffer.from(input, 'latin1')).error;
}

function randomArguments(random: Random): Buffer[] {
  const count = 1 + randomBelow(random, randomBelow(random, 8) === 0 ? 200 : 6);
  return Array.from({ length: count }, () => {
    const length = randomBelow(random, randomBelow(random, 10) === 0 ? 300 : 12);
    const bytes = random.fill(Buffer.alloc(length));
    // The bytes that mean something to the protocol, more often than chance has them.
    for (let i = 0; i < length; i++) if (bytes[i] > 200) bytes[i] = '\r\n*$0123 "'.charCodeAt(bytes[i] % 10);
    return bytes;
  });
}

const plain = [['SET', 'key', 'value'], ['GET', ''], ['PING'], ['ECHO', 'a\r\nb'], ['X', 'y'.repeat(101)]];
const stream = Buffer.concat([
  ...plain.map((args) => encodeRequest(args)),
  Buffer.from('*0\r\n*-1\r\n'),
  Buffer.from('PING\r\nset inline "a \\x41 b"\n\r\n'),
  encodeRequest(Array.from({ length: 70 }, (_, i) => `argument ${i}`)),
]);

describe('frames cut at every point', () => {
  const expected = decodeAll(stream);

  it('gives what was sent', () => {
    expect(expected.slice(0, plain.length)).toEqual(plain);
    expect(expected.slice(plain.length, -1)).toEqual([[], [], ['PING'], ['set', 'inline', 'a A b'], []]);
    expect(expected.at(-1)).toHaveLength(70);
  });

  it('is the same in two pieces', () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const feed = new Feed().push(stream.subarray(0, cut)).push(stream.subarray(cut));
      expect(feed.requests, `cut at ${cut}`).toEqual(expected);
      expect(feed.pendingBytes).toBe(0);
    }
  });

  it('is the same in three pieces', () => {
    const short = stream.subarray(0, 120);
    const wanted = new Feed().push(short).requests;
    for (let first = 0; first <= short.length; first++) {
      for (let second = first; second <= short.length; second++) {
        const feed = new Feed().push(short.subarray(0, first));
        feed.push(short.subarray(first, second)).push(short.subarray(second));
        expect(feed.requests, `cut at ${first} and ${second}`).toEqual(wanted);
      }
    }
  });

  it('is the same in pieces of any one size', () => {
    for (let size = 1; size < 40; size++) {
      const feed = new Feed();
      for (let at = 0; at < stream.length; at += size) feed.push(stream.subarray(at, at + size));
      expect(feed.requests, `pieces of ${size}`).toEqual(expected);
    }
  });
});

describe(`random frames (HOLDFAST_SEED=${seed})`, () => {
  it('agrees with redis-parser, however the bytes are cut', () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < 300; round++) {
      const sent = Array.from({ length: 1 + randomBelow(random, 5) }, () => randomArguments(random));
      const bytes = Buffer.concat(sent.map((args) => encodeRequest(args)));
      const reference: string[][] = [];
      const parser = new RedisParser({
        returnReply: (reply) => reference.push((reply as Buffer[]).map((arg) => arg.toString('latin1'))),
        returnError: (error) => expect.unreachable(error.message),
        returnBuffers: true,
      });
      const feed = new Feed();
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + randomBelow(random, randomBelow(random, 4) === 0 ? 2000 : 20);
        parser.execute(Buffer.from(bytes.subarray(at, at + size)));
        feed.push(bytes.subarray(at, at + size));
        at += size;
      }
      expect(feed.error).toBeNull();
      expect(feed.requests).toEqual(reference);
      expect(feed.requests).toEqual(sent.map((args) => args.map((arg) => arg.toString('latin1'))));
    }
  });

  it('never reads beyond its input, and stops at the first malformed frame', () => {
    const random = new SeededRandom(seed + 1);
    for (let round = 0; round < 2000; round++) {
      const bytes = Buffer.concat([encodeRequest(randomArguments(random)), encodeRequest(['PING'])]);
      for (let i = randomBelow(random, 4); i > 0; i--)
        bytes[randomBelow(random, bytes.length)] = random.uint32() & 255;
      const whole = new Feed().push(bytes);
      const cut = randomBelow(random, bytes.length);
      const pieces = new Feed().push(bytes.subarray(0, cut)).push(bytes.subarray(cut));
      expect(pieces.requests).toEqual(whole.requests);
      expect(pieces.error).toBe(whole.error);
    }
  });
});

describe('malformed frames', () => {
  it.each([
    ['*x\r\n', 'Protocol error: invalid multibulk length'],
    ['*\r\n', 'Protocol error: invalid multibulk length'],
    ['*-\r\n', 'Protocol error: invalid multibulk length'],
    ['*+1\r\n', 'Protocol error: invalid multibulk length'],
    ['*01\r\n', 'Protocol error: invalid multibulk length'],
    ['* 1\r\n', 'Protocol error: invalid multibulk length'],
    ['*1.0\r\n', 'Protocol error: invalid multibulk length'],
    ['*3000000000\r\n', 'Protocol error: invalid multibulk length'],
    ['*99999999999999999999\r\n', 'Protocol error: invalid multibulk length'],
    [`*${argumentsMax + 1}\r\n`, 'Protocol error: invalid multibulk length'],
    ['*1\r\n:1\r\n', "Protocol error: expected '$', got ':'"],
    ['*1\r\nPING\r\n', "Protocol error: expected '$', got 'P'"],
    ['*1\r\n\r\n', "Protocol error: expected '$', got '\r'"],
    ['*2\r\n$4\r\nPING\r\n*1\r\n', "Protocol error: expected '$', got '*'"],
    ['*1\r\n$\r\n', 'Protocol error: invalid bulk length'],
    ['*1\r\n$-1\r\n', 'Protocol error: invalid bulk length'],
    ['*1\r\n$x\r\n', 'Protocol error: invalid bulk length'],
    ['*1\r\n$4x\r\n', 'Protocol error: invalid bulk length'],
    ['*1\r\n$04\r\nPING\r\n', 'Protocol error: invalid bulk length'],
    ['*1\r\n$+4\r\nPING\r\n', 'Protocol error: invalid bulk length'],
    ['*1\r\n$536870913\r\n', 'Protocol error: invalid bulk length'],
    ['*1\r\n$99999999999999999999\r\n', 'Protocol error: invalid bulk length'],
    ['"a\r\n', 'Protocol error: unbalanced quotes in request'],
    ["get 'a\r\n", 'Protocol error: unbalanced quotes in request'],
    ['get "a"b\r\n', 'Protocol error: unbalanced quotes in request'],
    ["get 'a'b\r\n", 'Protocol error: unbalanced quotes in request'],
    ['get "a\\"\r\n', 'Protocol error: unbalanced quotes in request'],
    [`*${'1'.repeat(inlineBytesMax + 1)}`, 'Protocol error: too big mbulk count string'],
    ['a'.repeat(inlineBytesMax + 1), 'Protocol error: too big inline request'],
  ])('says of %j what Redis says', (input, error) => {
    expect(errorOf(input)).toBe(error);
  });

  it('keeps the requests before the malformed one', () => {
    const feed = new Feed().push(Buffer.from('*1\r\n$4\r\nPING\r\n*1\r\n!'));
    expect(feed.requests).toEqual([['PING']]);
    expect(feed.error).toBe("Protocol error: expected '$', got '!'");
  });

  it('takes the longest bulk that is allowed, and no longer one', () => {
    const prepare = (decoder: RequestDecoder): void => {
      decoder.bulkBytesMax = 20_000;
    };
    expect(errorOf('*1\r\n$20000\r\n', prepare)).toBeNull();
    expect(errorOf('*1\r\n$20001\r\n', prepare)).toBe('Protocol error: invalid bulk length');
  });

  it('accepts less before authentication', () => {
    const prepare = (decoder: RequestDecoder): void => {
      decoder.isAuthenticated = false;
    };
    expect(errorOf('*10\r\n', prepare)).toBeNull();
    expect(errorOf('*11\r\n', prepare)).toBe('Protocol error: unauthenticated multibulk length');
    expect(errorOf('*1\r\n$16384\r\n', prepare)).toBeNull();
    expect(errorOf('*1\r\n$16385\r\n', prepare)).toBe('Protocol error: unauthenticated bulk length');
  });
});

describe('announcements', () => {
  it('take no memory before what they announce arrives', () => {
    const feed = new Feed().push(Buffer.from(`*${argumentsMax}\r\n$3\r\nDEL\r\n$500000000\r\n`));
    expect(feed.error).toBeNull();
    expect(feed.decoder.request.offsets.byteLength).toBeLessThan(64 * 1024);
    expect(feed.decoder.missingBytes).toBe(500_000_002);
  });

  it('of more arguments than there was room for are met', () => {
    const args = Array.from({ length: 5000 }, (_, i) => String(i));
    expect(decodeAll(encodeRequest(args))).toEqual([args]);
  });

  it('of more than 1,048,576 arguments were malformed', () => {
    const count = 1024 * 1024 + 1;
    const bytes = Buffer.from(`*${count}\r\n${'$1\r\na\r\n'.repeat(count)}`);
    const decoder = new RequestDecoder(512 * 1024 * 1024);
    const cut = bytes.length - 10;
    expect(decoder.decode(bytes, 0, cut)).toBe(needMore);
    expect(decoder.found).toBe(count - 2);
    expect(decoder.decode(bytes, 0, bytes.length)).toBe(bytes.length);
    expect([decoder.found, decoder.request.count]).toEqual([0, count]);
  });
});

describe('inline commands', () => {
  it.each([
    ['PING\r\n', ['PING']],
    ['PING\n', ['PING']],
    ['  SET\tkey   value  \r\n', ['SET', 'key', 'value']],
    ['\r\n', []],
    ['   \r\n', []],
    ['SET k ""\r\n', ['SET', 'k', '']],
    ["SET k ''\r\n", ['SET', 'k', '']],
    ['SET k "a b\\n\\r\\t\\b\\a\\\\\\"\\q"\r\n', ['SET', 'k', 'a b\n\r\t\b\x07\\"q']],
    ['SET k "\\x00\\xff\\xZZ"\r\n', ['SET', 'k', '\x00\xffxZZ']],
    ["SET k 'it\\'s \\n'\r\n", ['SET', 'k', "it's \\n"]],
    ['SET k a"b c"\r\n', ['SET', 'k', 'ab c']],
    ['SET\t\vk a\v\fb\r\n', ['SET', 'k', 'a\v\fb']],
    ['SET "k"\vb\r\n', ['SET', 'k', 'b']],
    ['SET k \xff\xfe\r\n', ['SET', 'k', '\xff\xfe']],
    ['GET $3\r\n', ['GET', '$3']],
  ])('reads %j', (input, args) => {
    expect(decodeAll(input)).toEqual([args]);
  });

  it('of just the longest length are read', () => {
    const line = `GET ${'k'.repeat(inlineBytesMax - 6)}`;
    expect(decodeAll(`${line}\r\n`)).toEqual([line.split(' ')]);
  });

  it('beyond the longest length are read when they are there to their end: they were refused', () => {
    const line = `GET ${'k'.repeat(2 * inlineBytesMax)}`;
    expect(decodeAll(`${line}\r\nPING\r\n`)).toEqual([line.split(' '), ['PING']]);
  });

  it.each([
    [0, null],
    [1, 'Protocol error: too big inline request'],
  ])('are waited for up to the longest length, and %i bytes more: %j', (more, error) => {
    const line = Buffer.from('k'.repeat(inlineBytesMax + more));
    const feed = new Feed();
    for (let at = 0; at < line.length; at += 1000) feed.push(line.subarray(at, at + 1000));
    expect(feed.error).toBe(error);
    if (error === null) expect(feed.push(Buffer.from('\n')).requests).toEqual([[line.toString()]]);
  });

  it.each(['POST / HTTP/1.1', 'host: here'])('of a web page are refused: %s', (line) => {
    expect(errorOf(`${line}\r\n`)).toBe('Protocol error: HTTP is not served here');
  });
});
