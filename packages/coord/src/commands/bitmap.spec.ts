import { beforeEach, describe, expect, it } from 'vitest';
import { LocalServer, type Plain, type TestClient } from '../testing/index.js';

const wrongType = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
const notAnInteger = new Error('ERR value is not an integer or out of range');
const notAnOffset = new Error('ERR bit offset is not an integer or out of range');
const notABit = new Error('ERR bit is not an integer or out of range');
const syntaxError = new Error('ERR syntax error');
const notAType = new Error(
  'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.',
);

let server: LocalServer;
let c: TestClient;

beforeEach(() => {
  server = new LocalServer();
  c = server.client();
  c.line('LPUSH list a');
});

/** Each line's command has the reply beside it. */
/** Sets a key to bytes given in hexadecimal. */
function setHex(key: string, hex: string): void {
  c.run('SET', key, Buffer.from(hex, 'hex'));
}

function hexOf(key: string): string {
  return Buffer.from(c.run('GET', key) as string, 'latin1').toString('hex');
}

describe('SETBIT and GETBIT', () => {
  it('make a string as long as the bit needs, and reply what was there', () => {
    c.expectReplies([
      ['SETBIT k 7 1', 0],
      ['SETBIT k 7 1', 1],
      ['SETBIT k 7 0', 1],
      ['SETBIT k 17 1', 0],
      ['GETBIT k 17', 1],
      ['GETBIT k 16', 0],
      ['GETBIT k 4294967295', 0],
      ['GETBIT missing 0', 0],
      ['STRLEN k', 3],
    ]);
    expect(hexOf('k')).toBe('000040');
    c.expectReplies([['OBJECT ENCODING k', 'raw']]);
  });

  it('refuse what is no position, no bit, or no string', () => {
    c.expectReplies([
      ['SETBIT k -1 1', notAnOffset],
      ['SETBIT k x 1', notAnOffset],
      ['SETBIT k 4294967296 1', notAnOffset],
      ['SETBIT k 0 2', notABit],
      ['SETBIT k 0 -1', notABit],
      ['SETBIT k 0 x', notABit],
      ['SETBIT list 0 1', wrongType],
      ['GETBIT k -1', notAnOffset],
      ['GETBIT list 0', wrongType],
      ['EXISTS k', 0],
    ]);
  });

  it('keep an expiry, and break no WATCH when nothing changes', () => {
    c.line('SETBIT k 5 1');
    c.line('PEXPIRE k 1000');
    c.line('WATCH k');
    server.client().line('SETBIT k 5 1');
    c.line('MULTI');
    c.line('SETBIT k 6 1');
    c.expectReplies([
      ['EXEC', [0]],
      ['PTTL k', 1000],
    ]);
    c.line('WATCH k');
    server.client().line('SETBIT k 8 0');
    c.line('MULTI');
    c.line('GETBIT k 5');
    c.expectReplies([['EXEC', null]]);
  });

  it('reach the last bit that a string may have', () => {
    c.line('CONFIG SET proto-max-bulk-len 2mb');
    c.expectReplies([
      ['SETBIT k 16777215 1', 0],
      ['SETBIT k 16777216 1', notAnOffset],
      ['STRLEN k', 2097152],
      ['BITCOUNT k', 1],
      ['BITPOS k 1', 16777215],
    ]);
  });
});

describe('BITCOUNT and BITPOS', () => {
  it('take ranges of bytes or bits, from both ends', () => {
    setHex('k', 'f0ff00');
    c.expectReplies([
      ['BITCOUNT k', 12],
      ['BITCOUNT k 1 1', 8],
      ['BITCOUNT k -1 -1', 0],
      ['BITCOUNT k 0 -100', 4],
      ['BITCOUNT k 2 1', 0],
      ['BITCOUNT k 3 14 BIT', 8],
      ['BITCOUNT k -17 -9 bit', 8],
      ['BITCOUNT missing 0 x', 0],
      ['BITPOS k 1', 0],
      ['BITPOS k 0', 4],
      ['BITPOS k 1 2', -1],
      ['BITPOS k 0 1 1', -1],
      ['BITPOS k 1 5 -1 BIT', 8],
      ['BITPOS k 0 8 15 BIT', -1],
      ['BITPOS missing 1', -1],
      ['BITPOS missing 0 x', 0],
    ]);
  });

  it('think a string to go on with clear bits, unless the range ends', () => {
    setHex('k', 'ffff');
    c.expectReplies([
      ['BITPOS k 0', 16],
      ['BITPOS k 0 1', 16],
      ['BITPOS k 0 0 -1', -1],
      ['BITPOS k 0 2', -1],
      ['SET empty ', 'OK'],
      ['BITPOS empty 0', -1],
    ]);
  });

  it('say what is wrong in the order of Redis', () => {
    setHex('k', 'ff');
    c.expectReplies([
      ['BITCOUNT list', wrongType],
      ['BITCOUNT k 1', syntaxError],
      ['BITCOUNT k x 1', notAnInteger],
      ['BITCOUNT k 0 x WORD', notAnInteger],
      ['BITCOUNT k 0 1 WORD', syntaxError],
      ['BITCOUNT k -1 -2 WORD', 0],
      ['BITCOUNT k 0 1 BIT x', syntaxError],
      ['BITPOS list 2', new Error('ERR The bit argument must be 1 or 0.')],
      ['BITPOS list x', notAnInteger],
      ['BITPOS list 1', wrongType],
      ['BITPOS k 1 x', notAnInteger],
      ['BITPOS k 1 0 x WORD', syntaxError],
      ['BITPOS k 1 0 x BIT', notAnInteger],
      ['BITPOS k 1 x 1 BIT x', syntaxError],
    ]);
  });
});

describe('BITOP', () => {
  it('combines strings of any lengths, the shorter ones with clear bits after their ends', () => {
    setHex('a', 'f0f0f0');
    setHex('b', '33');
    c.expectReplies([
      ['BITOP AND d a b', 3],
      ['BITOP OR e a b missing', 3],
      ['BITOP xor f a b a', 3],
      ['BITOP NOT g a', 3],
      ['OBJECT ENCODING g', 'raw'],
    ]);
    expect(['d', 'e', 'f', 'g'].map(hexOf)).toEqual(['300000', 'f3f0f0', '330000', '0f0f0f']);
  });

  it('may write over one of its sources, or over anything else, and forgets expiries', () => {
    setHex('a', 'ff00');
    c.expectReplies([
      ['PEXPIRE a 1000', 1],
      ['BITOP NOT a a', 2],
      ['PTTL a', -1],
      ['BITOP OR list a', 2],
      ['TYPE list', 'string'],
    ]);
    expect(hexOf('a')).toBe('00ff');
  });

  it('removes the target when there is nothing to combine', () => {
    c.expectReplies([
      ['SET d x', 'OK'],
      ['BITOP OR d missing missing', 0],
      ['EXISTS d', 0],
      ['BITOP OR d missing', 0],
    ]);
  });

  it('refuses what it can not combine', () => {
    c.expectReplies([
      ['BITOP NAND d a', syntaxError],
      ['BITOP NOT d a b', new Error('ERR BITOP NOT must be called with a single source key.')],
      ['BITOP OR d a list', wrongType],
      ['EXISTS d', 0],
    ]);
  });

  it('keeps a result that is too long for the arena', () => {
    const ones = Buffer.alloc(700_001, 0xff);
    c.run('SET', 'a', ones);
    c.run('SET', 'b', Buffer.alloc(3, 0x0f));
    expect(c.line('BITOP XOR d a b')).toBe(700_001);
    expect(c.line('BITCOUNT d')).toBe(700_001 * 8 - 12);
  });
});

describe('BITFIELD', () => {
  it('reads and writes fields at bits and at multiples of their width', () => {
    c.expectReplies([
      ['BITFIELD k SET u8 0 255 SET i8 #1 -1 GET u16 0', [0, 0, 65535]],
      ['BITFIELD k SET u3 6 5 GET u3 6 GET u8 0', [7, 5, 254]],
      ['BITFIELD k GET u8 1000', [0]],
      ['STRLEN k', 2],
      ['BITFIELD missing GET i64 0', [0]],
      ['EXISTS missing', 0],
      ['BITFIELD k', []],
    ]);
  });

  it('is exact over all 64 bits', () => {
    c.expectReplies([
      ['BITFIELD k SET i64 3 9223372036854775807', [0]],
      ['BITFIELD k GET i64 3', [9223372036854775807n]],
      ['BITFIELD k INCRBY i64 3 1', [-9223372036854775808n]],
      ['BITFIELD k OVERFLOW SAT INCRBY i64 3 -1', [-9223372036854775808n]],
      ['BITFIELD k SET u63 0 9223372036854775807 GET u63 0', [576460752303423488n, 9223372036854775807n]],
      ['BITFIELD k OVERFLOW FAIL INCRBY u63 0 1', [null]],
    ]);
  });

  it('wraps, saturates or fails, as the last OVERFLOW before says', () => {
    c.expectReplies([
      ['BITFIELD k SET u8 0 250', [0]],
      ['BITFIELD k INCRBY u8 0 10', [4]],
      ['BITFIELD k OVERFLOW SAT INCRBY u8 0 -10 INCRBY u8 0 300', [0, 255]],
      ['BITFIELD k OVERFLOW FAIL INCRBY u8 0 1 OVERFLOW WRAP INCRBY u8 0 1', [null, 0]],
      ['BITFIELD k SET i8 0 200 GET i8 0', [0, -56]],
      ['BITFIELD k OVERFLOW SAT SET i8 0 -200 GET i8 0', [-56, -128]],
      ['BITFIELD k OVERFLOW SAT SET u8 0 -1 GET u8 0', [128, 255]],
      ['BITFIELD k OVERFLOW FAIL SET i8 0 128', [null]],
    ]);
  });

  it('makes the string longer even for a field that then fails', () => {
    c.expectReplies([
      ['BITFIELD k OVERFLOW FAIL SET u8 8 256', [null]],
      ['STRLEN k', 2],
    ]);
  });

  it('says what is wrong before it does anything', () => {
    c.expectReplies([
      ['BITFIELD k SET u8 0 1 GET u64 0', notAType],
      ['BITFIELD k GET i65 0', notAType],
      ['BITFIELD k GET i0 0', notAType],
      ['BITFIELD k GET i08 0', notAType],
      ['BITFIELD k GET u8 -1', notAnOffset],
      ['BITFIELD k GET u8 #', notAnOffset],
      ['BITFIELD k GET u8 #9223372036854775807', notAnOffset],
      ['BITFIELD k SET u8 0 x', notAnInteger],
      ['BITFIELD k SET u8 0', syntaxError],
      ['BITFIELD k OVERFLOW', syntaxError],
      ['BITFIELD k OVERFLOW MAYBE', new Error('ERR Invalid OVERFLOW type specified')],
      ['BITFIELD list GET u8 0', wrongType],
      ['EXISTS k', 0],
      ['BITFIELD_RO k SET u8 0 1', new Error('ERR BITFIELD_RO only supports the GET subcommand')],
      ['BITFIELD_RO list GET u8 0', wrongType],
      ['BITFIELD_RO k GET u8 0', [0]],
    ]);
  });

  it('tells how a call uses its key', () => {
    c.expectReplies([
      ['COMMAND GETKEYSANDFLAGS BITFIELD k GET u8 0', [['k', ['RO', 'access']]]],
      ['COMMAND GETKEYSANDFLAGS BITFIELD k GET u8 0 SET u8 0 1', [['k', ['RW', 'access', 'update']]]],
    ]);
  });
});

it('publishes the events of Redis', () => {
  c.line('CONFIG SET notify-keyspace-events KEA');
  const listener = server.client(3);
  listener.line('PSUBSCRIBE __keyevent@0__:*');
  listener.take();
  for (const line of [
    'SETBIT k 1 1',
    'SETBIT k 1 1',
    'BITFIELD k GET u8 0',
    'BITFIELD k SET u8 0 64',
    'BITFIELD k SET u8 0 1',
    // Makes it longer, and changes nothing else.
    'BITFIELD longer OVERFLOW FAIL SET u8 0 256',
    'BITFIELD longer SET u8 8 0',
    'BITOP NOT d k',
    'BITOP NOT d missing',
  ]) {
    c.line(line);
  }
  const events: Plain[] = [];
  for (let message = listener.take(); message !== undefined; message = listener.take()) {
    events.push((message as Plain[]).slice(2).join(' '));
  }
  expect(events).toEqual(
    ['setbit k', 'setbit k', 'setbit longer', 'set d', 'del d'].map((event) => `__keyevent@0__:${event}`),
  );
});
