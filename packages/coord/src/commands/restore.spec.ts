import { beforeEach, describe, expect, it } from 'vitest';
import { LocalServer, type Plain, type TestClient } from '../testing/index.js';

const wrongPayload = new Error('ERR DUMP payload version or checksum are wrong');
const badFormat = new Error('ERR Bad data format');
const busyKey = new Error('BUSYKEY Target key name already exists.');
const notAnInteger = new Error('ERR value is not an integer or out of range');
const syntaxError = new Error('ERR syntax error');

let server: LocalServer;
let c: TestClient;

beforeEach(() => {
  server = new LocalServer();
  c = server.client();
});

/** Each line's command has the reply beside it. */
function dump(key: string): Buffer {
  return Buffer.from(c.run('DUMP', key) as string, 'latin1');
}

function restore(key: string, payload: Uint8Array, ...more: (string | number)[]): Plain | undefined {
  const [ttl = 0, ...options] = more;
  return c.run('RESTORE', key, ttl, payload, ...options);
}

/** `hello`, as redis-server 7.0 dumps it. */
const hello = Buffer.from('000568656c6c6f0a006372df766534200a', 'hex');

describe('DUMP', () => {
  it('gives the payload of Redis, of the oldest version that holds the value', () => {
    c.line('SET k hello');
    expect(dump('k')).toEqual(hello);
    expect(c.line('DUMP missing')).toBeNull();
    c.line('HSET h f v g w');
    expect(dump('h').readUInt16LE(dump('h').length - 10)).toBe(10);
    c.line('HEXPIRE h 100 FIELDS 1 f');
    expect(dump('h').readUInt16LE(dump('h').length - 10)).toBe(12);
  });

  it('takes along when fields expire', () => {
    c.line('HSET h f v g w n 1');
    c.line('HPEXPIRE h 5000 FIELDS 1 f');
    c.line('HPEXPIRE h 9000 FIELDS 1 n');
    for (const encoding of ['listpackex', 'hashtable']) {
      if (encoding === 'hashtable') c.run('HSET', 'h', 'long', 'x'.repeat(100));
      c.line('DEL copy');
      expect(restore('copy', dump('h'))).toBe('OK');
      c.expectReplies([
        ['OBJECT ENCODING copy', encoding],
        ['HPTTL copy FIELDS 3 f g n', [5000, -1, 9000]],
      ]);
    }
    server.env.advance(6000);
    expect(c.line('HLEN copy')).toBe(3);
  });
});

describe('RESTORE', () => {
  it('makes a key, with a time if one is given', () => {
    expect(restore('k', hello)).toBe('OK');
    expect(restore('k', hello)).toEqual(busyKey);
    expect(restore('t', hello, 5000)).toBe('OK');
    expect(restore('u', hello, 1750000010000, 'ABSTTL')).toBe('OK');
    c.expectReplies([
      ['GET k', 'hello'],
      ['PTTL k', -1],
      ['PTTL t', 5000],
      ['PEXPIRETIME u', 1750000010000],
    ]);
  });

  it('replaces any value, and forgets its expiry', () => {
    c.line('RPUSH k a');
    c.line('PEXPIRE k 1000');
    expect(restore('k', hello, 0, 'REPLACE')).toBe('OK');
    c.expectReplies([
      ['GET k', 'hello'],
      ['PTTL k', -1],
    ]);
  });

  it('removes what is there when the time is over already', () => {
    c.line('SET k v');
    expect(restore('k', hello, 1, 'ABSTTL', 'REPLACE')).toBe('OK');
    expect(restore('new', hello, 1, 'ABSTTL')).toBe('OK');
    expect(c.line('EXISTS k new')).toBe(0);
  });

  it('says what is wrong in the order of Redis', () => {
    c.line('SET k v');
    const garbage = Buffer.from('garbage');
    expect(restore('k', garbage, 'x', 'FOO')).toEqual(syntaxError);
    expect(restore('k', garbage, 'x', 'FREQ', 256)).toEqual(
      new Error('ERR Invalid FREQ value, must be >= 0 and <= 255'),
    );
    expect(restore('k', garbage, 'x', 'IDLETIME', -1)).toEqual(
      new Error('ERR Invalid IDLETIME value, must be >= 0'),
    );
    expect(restore('k', garbage, 'x', 'IDLETIME', 1, 'FREQ', 1)).toEqual(syntaxError);
    expect(restore('k', garbage, 'x')).toEqual(busyKey);
    expect(restore('k', garbage, 'x', 'REPLACE')).toEqual(notAnInteger);
    expect(restore('k', garbage, -1, 'REPLACE')).toEqual(new Error('ERR Invalid TTL value, must be >= 0'));
    expect(restore('k', garbage, 0, 'REPLACE')).toEqual(wrongPayload);
    expect(restore('new', hello.subarray(0, 9))).toEqual(wrongPayload);
    expect(restore('new', Buffer.alloc(0))).toEqual(wrongPayload);
    expect(restore('new', hello, 0, 'FREQ', 100)).toBe('OK');
    expect(c.line('GET k')).toBe('v');
  });

  it('changes nothing when the payload is whole, but its value is not', () => {
    c.line('SET k v');
    c.line('DEBUG SET-SKIP-CHECKSUM-VALIDATION 1');
    for (const hex of ['02020161016 1', '0809', '1100', '0b080200000000000000', '00ff']) {
      const payload = Buffer.concat([
        Buffer.from(hex.replace(' ', ''), 'hex'),
        Buffer.from('0b00', 'hex'),
        Buffer.alloc(8),
      ]);
      expect([hex, restore('k', payload, 0, 'REPLACE')]).toEqual([hex, badFormat]);
      expect([hex, restore('new', payload)]).toEqual([hex, badFormat]);
    }
    c.expectReplies([
      ['GET k', 'v'],
      ['EXISTS new', 0],
      ['DBSIZE', 1],
    ]);
  });

  it('keeps times at the end of 64 bits, and gives them back', () => {
    c.line('XGROUP CREATE s g 0 MKSTREAM');
    c.line('XGROUP CREATECONSUMER s g consumer');
    c.line('DEBUG SET-SKIP-CHECKSUM-VALIDATION 1');
    const payload = dump('s');
    payload.write('ffffffffffffff7f', payload.indexOf('consumer') + 'consumer'.length, 'hex');
    expect(restore('s', payload, 0, 'REPLACE')).toBe('OK');
    expect(dump('s').subarray(0, -8)).toEqual(payload.subarray(0, -8));
  });

  it('refuses members that are longer than tables hold', () => {
    const member = Buffer.alloc(1 << 20, 'm');
    const body = Buffer.concat([Buffer.from('02018000100000', 'hex'), member, Buffer.from('0a00', 'hex')]);
    c.line('DEBUG SET-SKIP-CHECKSUM-VALIDATION 1');
    expect(restore('k', Buffer.concat([body, Buffer.alloc(8)]))).toMatchObject({
      message: expect.stringContaining('1048576 bytes'),
    });
    expect(c.line('EXISTS k')).toBe(0);
  });

  it('publishes the events of Redis', () => {
    c.line('CONFIG SET notify-keyspace-events KEA');
    const listener = server.client(3);
    listener.line('PSUBSCRIBE __keyevent@0__:*');
    listener.take();
    restore('k', hello);
    restore('k', hello, 1, 'ABSTTL', 'REPLACE');
    const events: Plain[] = [];
    for (let message = listener.take(); message !== undefined; message = listener.take()) {
      events.push((message as Plain[]).slice(2).join(' ').replace('__keyevent@0__:', ''));
    }
    expect(events).toEqual(['restore k', 'del k']);
  });

  it('has a second name', () => {
    c.expectReplies([['RESTORE-ASKING k 0 x', wrongPayload]]);
  });
});
