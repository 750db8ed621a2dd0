import { keyBytesMax } from '@holdfast/common';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from '../testing/index.js';

const wrongType = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
const notAnInteger = new Error('ERR value is not an integer or out of range');
const notADouble = new Error('ERR value is not a valid float');
const wouldOverflow = new Error('ERR increment or decrement would overflow');
const syntaxError = new Error('ERR syntax error');
const tooLong = new Error('ERR string exceeds maximum allowed size (proto-max-bulk-len)');

let server: LocalServer;
let c: TestClient;

beforeEach(() => {
  server = new LocalServer();
  c = server.client();
  c.line('LPUSH list a');
});

/** Each line's command has the reply beside it. */
const invalidExpiry = (command: string): Error =>
  new Error(`ERR invalid expire time in '${command}' command`);

describe('SET', () => {
  it('sets what is there or not, and forgets its type and its expiry', () => {
    c.expectReplies([
      ['SET k v EX 100', 'OK'],
      ['SET k w', 'OK'],
      ['TTL k', -1],
      ['SET list v', 'OK'],
      ['GET list', 'v'],
    ]);
  });

  it('obeys its conditions', () => {
    c.expectReplies([
      ['SET k v XX', null],
      ['SET k v NX', 'OK'],
      ['SET k w NX', null],
      ['SET k w xx', 'OK'],
      ['SET k w NX XX', syntaxError],
      ['SET k x IFEQ v', null],
      ['SET k x IFEQ w', 'OK'],
      ['SET k y IFEQ x NX', syntaxError],
      ['SET list y IFEQ x', wrongType],
      ['SET missing y IFEQ x', null],
      ['SET k y IFEQ x GET', 'x'],
      ['SET k z IFEQ x GET', 'y'],
      ['GET k', 'y'],
    ]);
  });

  it('replies the old value with GET, whether or not it sets', () => {
    c.expectReplies([
      ['SET k v GET', null],
      ['SET k w GET NX', 'v'],
      ['SET k w GET', 'v'],
      ['SET new w XX GET', null],
      ['EXISTS new', 0],
      ['SET list w GET', wrongType],
    ]);
  });

  it('takes times of four kinds, or keeps the one that is there', () => {
    c.expectReplies([
      ['SET k v EX 100', 'OK'],
      ['TTL k', 100],
      ['SET k v PX 5000', 'OK'],
      ['PTTL k', 5000],
      ['SET k w KEEPTTL', 'OK'],
      ['PTTL k', 5000],
      ['SET k v EXAT 1750000010', 'OK'],
      ['TTL k', 10],
      ['SET k v PXAT 1750000010500', 'OK'],
      ['PEXPIRETIME k', 1750000010500],
      ['SET k v EX 10 EX 20', 'OK'],
      ['TTL k', 20],
      ['SET k v EX 10 PX 10', syntaxError],
      ['SET k v KEEPTTL EX 10', syntaxError],
      ['SET k v EX', syntaxError],
    ]);
  });

  it('says what is wrong with a time after what is wrong with the rest', () => {
    c.expectReplies([
      ['SET k v EX abc FOO', syntaxError],
      ['SET k v EX abc', notAnInteger],
      ['SET k v EX 1.5', notAnInteger],
      ['SET k v EX 0', invalidExpiry('set')],
      ['SET k v PX -1', invalidExpiry('set')],
      ['SET k v EX 9223372036854775807', invalidExpiry('set')],
      ['SET k v EX 9223372036854775', invalidExpiry('set')],
      ['SET k v PX 9223372036854775807', invalidExpiry('set')],
      ['SET k v EXAT 9223372036854775', 'OK'],
      ['EXISTS k', 1],
    ]);
  });

  it('removes the key when the time is over already', () => {
    c.expectReplies([
      ['SET k v', 'OK'],
      ['SET k v PXAT 1', 'OK'],
      ['EXISTS k', 0],
      ['DBSIZE', 1],
    ]);
  });

  it('keeps any bytes, from none to more than the arena takes', () => {
    const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    for (const value of [Buffer.alloc(0), binary, Buffer.alloc(524_288, 'x'), Buffer.alloc(2_000_000, 'y')]) {
      expect(c.run('SET', binary, value)).toBe('OK');
      expect(c.run('GET', binary)).toBe(value.toString('latin1'));
      expect(c.run('STRLEN', binary)).toBe(value.length);
    }
  });
});

describe('a key that is too long', () => {
  const key = Buffer.alloc(keyBytesMax + 1, 'k');
  const refusal = (i: number): Error =>
    new Error(`ERR argument ${i} has 1048576 bytes, a key, field or member at most 1048575`);

  it('is refused before anything is written', () => {
    expect(c.run('SET', key, 'v')).toEqual(refusal(1));
    expect(c.run('MSET', 'a', '1', key, '2')).toEqual(refusal(3));
    expect(c.run('EXISTS', 'a')).toBe(0);
    c.run('SET', 'a', '1');
    expect(c.run('RENAME', 'a', key)).toEqual(refusal(2));
    expect(c.run('COPY', 'a', key)).toEqual(refusal(2));
    expect(c.run('GET', 'a')).toBe('1');
  });

  it('is simply not there for commands that read', () => {
    expect(c.run('GET', key)).toBeNull();
    expect(c.run('EXISTS', key)).toBe(0);
  });

  it('is one byte longer than the longest, and values may be longer', () => {
    const longest = key.subarray(1);
    expect(c.run('SET', longest, Buffer.alloc(3_000_000))).toBe('OK');
    expect(c.run('STRLEN', longest)).toBe(3_000_000);
  });
});

describe('SETNX, SETEX, PSETEX, GETSET, GETDEL, DELIFEQ', () => {
  it('do what their names say', () => {
    c.expectReplies([
      ['SETNX k v', 1],
      ['SETNX k w', 0],
      ['SETEX k 10 w', 'OK'],
      ['TTL k', 10],
      ['PSETEX k 1500 x', 'OK'],
      ['PTTL k', 1500],
      ['GETSET k y', 'x'],
      ['TTL k', -1],
      ['GETSET new y', null],
      ['GETDEL k', 'y'],
      ['GETDEL k', null],
      ['DELIFEQ new x', 0],
      ['DELIFEQ new y', 1],
      ['DELIFEQ new y', 0],
    ]);
  });

  it('refuse other types and times that are no times', () => {
    c.expectReplies([
      ['GETSET list v', wrongType],
      ['GETDEL list', wrongType],
      ['DELIFEQ list a', wrongType],
      ['SETEX list 10 v', 'OK'],
      ['SETEX k 0 v', invalidExpiry('setex')],
      ['SETEX k abc v', notAnInteger],
      ['PSETEX k -5 v', invalidExpiry('psetex')],
    ]);
  });
});

describe('GETEX', () => {
  it('reads, and changes the expiry', () => {
    c.expectReplies([
      ['SET k v', 'OK'],
      ['GETEX k EX 100', 'v'],
      ['TTL k', 100],
      ['GETEX k', 'v'],
      ['TTL k', 100],
      ['GETEX k PERSIST', 'v'],
      ['TTL k', -1],
      ['GETEX k PXAT 1', 'v'],
      ['EXISTS k', 0],
    ]);
  });

  it('looks at the key before the time', () => {
    c.expectReplies([
      ['GETEX missing EX abc', null],
      ['GETEX list EX abc', wrongType],
      ['SET k v', 'OK'],
      ['GETEX k EX abc', notAnInteger],
      ['GETEX k EX 0', invalidExpiry('getex')],
      ['GETEX k EX 10 PERSIST', syntaxError],
      ['GETEX k KEEPTTL', syntaxError],
    ]);
  });
});

describe('MGET, MSET, MSETNX', () => {
  it('work on many keys at once', () => {
    c.expectReplies([
      ['MSET a 1 b 2 a 3', 'OK'],
      ['MGET a b list missing', ['3', '2', null, null]],
      ['MSETNX c 1 a 2', 0],
      ['EXISTS c', 0],
      ['MSETNX c 1 d 2 c 3', 1],
      ['MGET c d', ['3', '2']],
      ['MSET a', new Error("ERR wrong number of arguments for 'mset' command")],
      ['MSET a 1 b', new Error("ERR wrong number of arguments for 'mset' command")],
      ['MSETNX a 1 b', new Error("ERR wrong number of arguments for 'msetnx' command")],
    ]);
  });
});

describe('APPEND, SETRANGE, GETRANGE, STRLEN', () => {
  it('change strings in place and keep their expiry', () => {
    c.expectReplies([
      ['APPEND k ab', 2],
      ['EXPIRE k 100', 1],
      ['APPEND k cd', 4],
      ['SETRANGE k 1 XY', 4],
      ['GET k', 'aXYd'],
      ['SETRANGE k 6 z', 7],
      ['GET k', 'aXYd\0\0z'],
      ['TTL k', 100],
      ['STRLEN k', 7],
      ['STRLEN missing', 0],
      ['SETRANGE new 2 a', 3],
      ['GET new', '\0\0a'],
    ]);
  });

  it('grow from the arena into a buffer of their own, byte by byte', () => {
    c.run('SET', 'k', Buffer.alloc(524_280, 'a'));
    for (let i = 0; i < 20; i++) expect(c.run('APPEND', 'k', 'b')).toBe(524_281 + i);
    expect(c.run('GETRANGE', 'k', 524_278, -1)).toBe(`aa${'b'.repeat(20)}`);
    expect(c.run('SETRANGE', 'k', 0, 'Z')).toBe(524_300);
    expect(c.run('GETRANGE', 'k', 0, 2)).toBe('Zaa');
  });

  it('change nothing when there is nothing to add: only APPEND is a write all the same, which breaks WATCH', () => {
    c.line('SET k v');
    c.line('WATCH k');
    expect(server.client().run('APPEND', 'k', '')).toBe(1);
    c.line('MULTI');
    c.expectReplies([
      ['EXEC', null],
      ['GET k', 'v'],
    ]);
    const before = server.storage.stamp.last;
    expect(c.run('SETRANGE', 'k', 5, '')).toBe(1);
    expect(c.run('SETRANGE', 'missing', 5, '')).toBe(0);
    expect(c.run('EXISTS', 'missing')).toBe(0);
    expect(server.storage.stamp.last).toBe(before);
  });

  it('obey the limit of bulk strings', () => {
    c.expectReplies([
      ['SETRANGE k -1 x', new Error('ERR offset is out of range')],
      ['SETRANGE k 536870912 x', tooLong],
      ['SETRANGE k 9223372036854775807 x', tooLong],
      ['SETRANGE k 9223372036854775808 x', notAnInteger],
      ['CONFIG SET proto-max-bulk-len 1048576', 'OK'],
      ['SETRANGE k 1048575 x', 1048576],
      ['APPEND k x', tooLong],
      ['SETRANGE list 0 x', wrongType],
      ['APPEND list x', wrongType],
    ]);
  });

  it('read ranges from either end', () => {
    c.line('SET k 0123456');
    c.expectReplies([
      ['GETRANGE k 0 -1', '0123456'],
      ['GETRANGE k -3 -1', '456'],
      ['GETRANGE k 3 1', ''],
      ['GETRANGE k -1 -3', ''],
      ['GETRANGE k -100 2', '012'],
      ['GETRANGE k 5 100', '56'],
      ['GETRANGE k 100 200', ''],
      ['GETRANGE k -9223372036854775808 9223372036854775807', '0123456'],
      ['GETRANGE missing 0 1', ''],
      ['GETRANGE list 0 1', wrongType],
      ['GETRANGE list a 1', notAnInteger],
      ['SUBSTR k 1 2', '12'],
    ]);
  });
});

describe('INCR, DECR, INCRBY, DECRBY', () => {
  it('count', () => {
    c.expectReplies([
      ['INCR k', 1],
      ['INCRBY k 41', 42],
      ['DECRBY k 2', 40],
      ['DECR k', 39],
      ['DECRBY k 0', 39],
      ['DECR new', -1],
      ['EXPIRE k 100', 1],
      ['INCR k', 40],
      ['TTL k', 100],
      ['GET k', '40'],
    ]);
  });

  it('are exact over all 64 bits, and say so at the ends', () => {
    c.expectReplies([
      ['SET k 9007199254740991', 'OK'],
      ['INCR k', 9007199254740992n],
      ['INCR k', 9007199254740993n],
      ['DECRBY k 9007199254740993', 0n],
      ['SET k 9223372036854775806', 'OK'],
      ['INCR k', 9223372036854775807n],
      ['INCR k', wouldOverflow],
      ['SET k -9223372036854775807', 'OK'],
      ['DECR k', -9223372036854775808n],
      ['DECR k', wouldOverflow],
      ['DECRBY k 9223372036854775807', wouldOverflow],
      ['INCRBY k 9223372036854775807', -1n],
      ['DECRBY k -9223372036854775808', new Error('ERR decrement would overflow')],
      ['INCRBY k 9223372036854775808', notAnInteger],
    ]);
  });

  it.each(['', ' 1', '1 ', '+1', '01', '-0', '1.0', 'a', '99999999999999999999', '9223372036854775808'])(
    'take "%s" for no integer',
    (text) => {
      c.run('SET', 'k', text);
      expect(c.line('INCR k')).toEqual(notAnInteger);
      expect(c.run('INCRBY', 'n', text)).toEqual(notAnInteger);
    },
  );

  it('leave other types alone', () => {
    c.expectReplies([
      ['INCR list', wrongType],
      ['INCRBY list 5', wrongType],
      ['INCRBYFLOAT list 5', wrongType],
    ]);
  });
});

describe('INCRBYFLOAT', () => {
  it('adds as an 80-bit float and prints without trailing zeros', () => {
    c.expectReplies([
      ['INCRBYFLOAT k 10.5', '10.5'],
      ['INCRBYFLOAT k 0.1', '10.6'],
      ['INCRBYFLOAT k -10.6', '0'],
      ['SET k 3.0e3', 'OK'],
      ['EXPIRE k 100', 1],
      ['INCRBYFLOAT k 200', '3200'],
      ['TTL k', 100],
    ]);
  });

  it('refuses what is no number, and what leads to none', () => {
    c.expectReplies([
      ['SET k abc', 'OK'],
      ['INCRBYFLOAT k 1', notADouble],
      ['SET k 1', 'OK'],
      ['INCRBYFLOAT k abc', notADouble],
      ['INCRBYFLOAT k nan', notADouble],
      ['INCRBYFLOAT k inf', new Error('ERR increment would produce NaN or Infinity')],
    ]);
  });
});

describe('LCS', () => {
  beforeEach(() => {
    c.line('MSET a ohmytext b mynewtext');
  });

  it('finds the longest common subsequence', () => {
    c.expectReplies([
      ['LCS a b', 'mytext'],
      ['LCS a b LEN', 6],
      ['LCS a missing', ''],
      ['LCS a missing LEN', 0],
      ['LCS a b LEN IDX', new Error('ERR If you want both the length and indexes, please just use IDX.')],
      ['LCS a list', new Error('ERR The specified keys must contain string values')],
      ['LCS a b MINMATCHLEN x', notAnInteger],
      ['LCS a b FOO', syntaxError],
    ]);
  });

  it('tells where, in the shape of the dialect', () => {
    const matches = [
      [
        [4, 7],
        [5, 8],
      ],
      [
        [2, 3],
        [0, 1],
      ],
    ];
    expect(c.line('LCS a b IDX')).toEqual({ matches, len: 6 });
    expect(c.line('LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN')).toEqual({
      matches: [[...matches[0], 4]],
      len: 6,
    });
    expect(server.client(3).line('LCS a b IDX MINMATCHLEN 9')).toEqual({ matches: [], len: 6 });
  });

  it('takes no more memory than there is: what could not be had ended the server', () => {
    c.line('CONFIG SET proto-max-bulk-len 1000000000000');
    c.run('MSET', 'a', Buffer.alloc(200_000), 'b', Buffer.alloc(200_000));
    expect(c.line('LCS a b')).toEqual(
      new Error('ERR Insufficient memory, failed allocating transient memory for LCS'),
    );
  });

  it('takes no more memory than a bulk string may have', () => {
    c.line('CONFIG SET proto-max-bulk-len 1048576');
    c.run('MSET', 'a', Buffer.alloc(600), 'b', Buffer.alloc(600));
    expect(c.line('LCS a b LEN')).toEqual(
      new Error('ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len'),
    );
  });
});
