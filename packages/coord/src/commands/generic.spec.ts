import { SeededRandom } from '@holdfast/common/testing';
import { MemoryStorage, MutationWriter } from '@holdfast/storage';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalServer, type Plain, type TestClient } from '../testing/index.js';

const notAnInteger = new Error('ERR value is not an integer or out of range');
const syntaxError = new Error('ERR syntax error');
const noSuchKey = new Error('ERR no such key');
const sameObject = new Error('ERR source and destination objects are the same');
const noSuchDatabase = new Error('ERR DB index is out of range');

let server: LocalServer;
let c: TestClient;

beforeEach(() => {
  server = new LocalServer();
  c = server.client();
});

/** Each line's command has the reply beside it. */
/** The wall clock goes on, and no background work is done. */
function pass(ms: number): void {
  server.env.jumpClock(ms);
}

describe('DEL, UNLINK, EXISTS, TOUCH, TYPE', () => {
  it('count the keys that are there, each time they are named', () => {
    c.expectReplies([
      ['MSET a 1 b 2 c 3', 'OK'],
      ['EXISTS a a b missing', 3],
      ['TOUCH a a missing', 2],
      ['DEL a a b missing', 2],
      ['UNLINK c c', 1],
      ['DBSIZE', 0],
    ]);
  });

  it('see no key whose time is over', () => {
    c.expectReplies([
      ['SET k v PX 10', 'OK'],
      ['TYPE k', 'string'],
    ]);
    pass(10);
    c.expectReplies([
      ['EXISTS k', 0],
      ['DEL k', 0],
      ['TYPE k', 'none'],
      ['TTL k', -2],
    ]);
  });

  it('give the memory of a large value back bit by bit', () => {
    for (let i = 0; i < 200; i++)
      c.run('RPUSH', 'l', ...Array.from({ length: 100 }, (_, j) => `element ${i} ${j}`));
    c.line('DEL l');
    for (let turns = 0; !server.storage.releaseSome(100); turns++) expect(turns).toBeLessThan(10_000);
    expect(server.storage.database(0).arena.usedBytes).toBe(0);
  });
});

describe('EXPIRE and its kin', () => {
  beforeEach(() => {
    c.line('SET k v');
  });

  it('set and tell the time in four units', () => {
    c.expectReplies([
      ['EXPIRE k 100', 1],
      ['TTL k', 100],
      ['PEXPIRE k 1499', 1],
      ['TTL k', 1],
      ['PEXPIRE k 1500', 1],
      ['TTL k', 2],
      ['PTTL k', 1500],
      ['EXPIREAT k 1750000100', 1],
      ['EXPIRETIME k', 1750000100],
      ['PEXPIREAT k 1750000100500', 1],
      ['PEXPIRETIME k', 1750000100500],
      ['EXPIRETIME k', 1750000101],
      ['PERSIST k', 1],
      ['PERSIST k', 0],
      ['TTL k', -1],
      ['PTTL k', -1],
      ['EXPIRETIME k', -1],
      ['PEXPIRETIME k', -1],
      ['TTL missing', -2],
      ['EXPIRETIME missing', -2],
      ['EXPIRE missing 10', 0],
      ['PERSIST missing', 0],
    ]);
  });

  it.each(['EXPIRE k 0', 'EXPIRE k -5', 'PEXPIRE k 0', 'EXPIREAT k 5', 'PEXPIREAT k -9223372036854770000'])(
    '%s removes the key',
    (line) => {
      expect(c.line(line)).toBe(1);
      expect(c.line('EXISTS k')).toBe(0);
      expect(server.storage.database(0).size).toBe(0);
    },
  );

  it('obey NX, XX, GT and LT', () => {
    c.expectReplies([
      ['EXPIRE k 100 XX', 0],
      ['EXPIRE k 100 GT', 0],
      ['EXPIRE k 100 NX', 1],
      ['EXPIRE k 200 NX', 0],
      ['EXPIRE k 100 GT', 0],
      ['EXPIRE k 200 GT', 1],
      ['EXPIRE k 200 LT', 0],
      ['EXPIRE k 150 LT', 1],
      ['EXPIRE k 120 xx lt', 1],
      ['TTL k', 120],
      ['PERSIST k', 1],
      ['EXPIRE k 100 LT', 1],
    ]);
  });

  it('say what is wrong in the order of Redis', () => {
    const nxError = new Error('ERR NX and XX, GT or LT options at the same time are not compatible');
    const invalid = (command: string): Error => new Error(`ERR invalid expire time in '${command}' command`);
    c.expectReplies([
      ['EXPIRE k abc FOO', new Error('ERR Unsupported option FOO')],
      ['EXPIRE k abc NX XX', nxError],
      ['EXPIRE k 10 LT NX GT', nxError],
      ['EXPIRE k 10 GT LT', new Error('ERR GT and LT options at the same time are not compatible')],
      ['EXPIRE missing abc', notAnInteger],
      ['EXPIRE missing 9223372036854775807', invalid('expire')],
      ['EXPIRE k 9223372036854775', invalid('expire')],
      ['EXPIRE k -9223372036854776', invalid('expire')],
      ['EXPIREAT k 9223372036854776', invalid('expireat')],
      ['PEXPIRE k 9223372036854770000', invalid('pexpire')],
      ['PEXPIREAT k 9223372036854775808', notAnInteger],
      ['TTL k', -1],
    ]);
  });

  it('reach beyond the integers that are exact', () => {
    c.expectReplies([
      ['PEXPIREAT k 9223372036854775807', 1],
      ['PEXPIRETIME k', 9223372036854775807n],
      ['EXPIREAT k 33177117420', 1],
      ['PEXPIRETIME k', 33177117420000],
    ]);
  });

  it('are no write when they change nothing', () => {
    c.line('PEXPIREAT k 1750000100500');
    const before = server.storage.stamp.last;
    c.expectReplies([
      ['PEXPIREAT k 1750000100500', 1],
      ['EXPIRE k 5 GT', 0],
      ['EXPIRE missing 5', 0],
      ['GETEX k PXAT 1750000100500', 'v'],
      ['PERSIST missing', 0],
    ]);
    expect(server.storage.stamp.last).toBe(before);
  });
});

describe('RENAME, RENAMENX', () => {
  it('take value and expiry along, and replace or not', () => {
    c.expectReplies([
      ['SET a 1 EX 100', 'OK'],
      ['SET b 2', 'OK'],
      ['RENAMENX a b', 0],
      ['RENAME a b', 'OK'],
      ['MGET a b', [null, '1']],
      ['TTL b', 100],
      ['RENAME b b', 'OK'],
      ['RENAMENX b b', 0],
      ['RENAME missing missing', noSuchKey],
      ['RENAMENX missing b', noSuchKey],
      ['RENAMENX b c', 1],
      ['RPUSH l x y', 2],
      ['RENAME l c', 'OK'],
      ['LRANGE c 0 -1', ['x', 'y']],
      ['RPUSH c z', 3],
      ['KEYS *', ['c']],
    ]);
  });

  it('see no target whose time is over', () => {
    c.line('SET old v PX 10');
    c.line('SET k v');
    pass(10);
    expect(c.line('RENAMENX k old')).toBe(1);
  });
});

describe('COPY, MOVE', () => {
  it('copy within a database', () => {
    c.expectReplies([
      ['SET a 1 EX 100', 'OK'],
      ['COPY a b', 1],
      ['COPY a b', 0],
      ['TTL b', 100],
      ['SET a 2', 'OK'],
      ['GET b', '1'],
      ['COPY a b REPLACE', 1],
      ['GET b', '2'],
      ['TTL b', -1],
      ['COPY missing x', 0],
      ['COPY missing missing', sameObject],
      ['COPY a a', sameObject],
      ['COPY a b FOO', syntaxError],
      ['COPY a b DB', syntaxError],
      ['COPY a b DB 16', noSuchDatabase],
      ['COPY a b DB -1', noSuchDatabase],
      ['COPY a b DB abc', notAnInteger],
      // What is wrong first is said, as the words come.
      ['COPY a b DB 16 DB', noSuchDatabase],
      ['COPY a b DB x FOO', notAnInteger],
      ['COPY a b FOO DB 16', syntaxError],
    ]);
  });

  it('reach other databases, with values of any type', () => {
    c.expectReplies([
      ['RPUSH l a b c', 3],
      ['EXPIRE l 100', 1],
      ['COPY l l DB 1', 1],
      ['COPY l l DB 1', 0],
      ['COPY l other DB 1 REPLACE', 1],
      ['RPUSH l d', 4],
      ['MOVE l 1', 0],
      ['MOVE l 2', 1],
      ['EXISTS l', 0],
      ['MOVE l 2', 0],
      ['MOVE l 0', sameObject],
      ['MOVE l 16', noSuchDatabase],
      ['MOVE l abc', notAnInteger],
      ['SELECT 1', 'OK'],
      ['LRANGE l 0 -1', ['a', 'b', 'c']],
      ['TTL l', 100],
      ['RPUSH l e', 4],
      ['LRANGE other 0 -1', ['a', 'b', 'c']],
      ['SELECT 2', 'OK'],
      ['LRANGE l 0 -1', ['a', 'b', 'c', 'd']],
      ['TTL l', 100],
    ]);
  });

  it('see no target whose time is over, in any database', () => {
    c.expectReplies([
      ['SELECT 1', 'OK'],
      ['SET k old PX 10', 'OK'],
      ['SELECT 0', 'OK'],
      ['SET k v', 'OK'],
    ]);
    pass(10);
    c.expectReplies([
      ['COPY k k DB 1', 1],
      ['MOVE k 1', 0],
    ]);
  });

  it('publish their events in the database of each key', () => {
    c.line('CONFIG SET notify-keyspace-events KEg');
    const listener = server.client();
    listener.line('PSUBSCRIBE __keyspace@*');
    c.line('SET k v');
    c.line('COPY k c DB 3');
    c.line('MOVE k 4');
    const events: Plain[] = [];
    for (let message = listener.take(); message !== undefined; message = listener.take()) {
      events.push((message as Plain[]).slice(2).join(' '));
    }
    expect(events).toEqual([
      '__keyspace@3__:c copy_to',
      '__keyspace@0__:k move_from',
      '__keyspace@4__:k move_to',
    ]);
  });

  it('are journaled so that a follower has the same keys', () => {
    const journal = new MutationWriter();
    server.storage.journal = journal;
    const follower = new LocalServer(2, new MemoryStorage(new SeededRandom(9)));
    for (const line of [
      'SET s v EX 100',
      'RPUSH l a b c',
      'EXPIRE l 50',
      'COPY s t DB 2',
      'COPY l m',
      'COPY l m DB 2',
      'COPY l s REPLACE',
      'MOVE l 5',
      'RPUSH m d',
    ]) {
      c.line(line);
    }
    follower.storage.apply(Buffer.from(journal.bytes.subarray(0, journal.length)), 1);
    const reader = follower.client();
    for (const line of [
      'KEYS *',
      'LRANGE m 0 -1',
      'LRANGE s 0 -1',
      'TTL s',
      'SELECT 2',
      'KEYS *',
      'GET t',
      'TTL t',
      'LRANGE m 0 -1',
      'SELECT 5',
      'LRANGE l 0 -1',
      'TTL l',
    ]) {
      const [ours, theirs] = [c.line(line), reader.line(line)];
      if (line !== 'KEYS *') expect([line, theirs]).toEqual([line, ours]);
      else expect((theirs as string[]).sort()).toEqual((ours as string[]).sort());
    }
  });
});

describe('KEYS', () => {
  it('finds names by patterns of every kind', () => {
    c.line('MSET one 1 two 2 three 3 four 4');
    const keys = (pattern: string): string[] => (c.run('KEYS', pattern) as string[]).sort();
    expect(keys('*')).toEqual(['four', 'one', 'three', 'two']);
    expect(keys('t*')).toEqual(['three', 'two']);
    expect(keys('*o*')).toEqual(['four', 'one', 'two']);
    expect(keys('o?e')).toEqual(['one']);
    expect(keys('[ot]*')).toEqual(['one', 'three', 'two']);
    expect(keys('two')).toEqual(['two']);
    expect(keys('missing')).toEqual([]);
    expect(keys('')).toEqual([]);
  });

  it('finds bytes that are no text, and no key whose time is over', () => {
    const key = Buffer.from([255, 0, 10]);
    c.run('SET', key, 'v');
    c.line('SET gone v PX 10');
    pass(10);
    expect(c.run('KEYS', Buffer.from([255, 63, 42]))).toEqual([key.toString('latin1')]);
    expect(c.line('KEYS gone')).toEqual([]);
    expect(c.line('KEYS *')).toHaveLength(1);
  });
});

/** A whole SCAN: every name with how often it came. */
function scanAll(options: string, between: () => void = () => {}): Map<string, number> {
  const seen = new Map<string, number>();
  let cursor = '0';
  do {
    const [next, names] = c.line(`SCAN ${cursor}${options}`) as [string, string[]];
    for (const name of names) seen.set(name, (seen.get(name) ?? 0) + 1);
    cursor = next;
    between();
  } while (cursor !== '0');
  return seen;
}

describe('SCAN', () => {
  it('removes the expired keys that it comes across, of whatever type, but for those the pattern leaves out', () => {
    c.line('DEBUG SET-ACTIVE-EXPIRE 0');
    c.line('SET s 1 PX 1');
    c.line('HSET h f v');
    c.line('PEXPIRE h 1');
    c.line('SET other 1 PX 1');
    c.line('SET stays 1');
    pass(5);
    expect(c.line('DBSIZE')).toBe(4);
    expect(c.line('SCAN 0 MATCH ? TYPE string')).toEqual(['0', []]);
    expect(c.line('DBSIZE')).toBe(2);
    expect(c.line('SCAN 0')).toEqual(['0', ['stays']]);
    expect(c.line('DBSIZE')).toBe(1);
    expect(c.line('INFO stats')).toContain('expired_keys:3');
  });

  it('returns every key once while nothing changes, about as many at a time as asked for', () => {
    for (let i = 0; i < 3000; i++) c.line(`SET k${i} v`);
    for (const count of [1, 10, 700, 100_000]) {
      const seen = scanAll(` COUNT ${count}`);
      expect(seen.size).toBe(3000);
      expect(Math.max(...seen.values())).toBe(1);
    }
    const [, page] = c.line('SCAN 0') as [string, string[]];
    expect(page.length).toBeLessThan(30);
  });

  it('filters by name and type', () => {
    for (let i = 0; i < 200; i++) c.line(`SET s${i} v`);
    for (let i = 0; i < 100; i++) c.line(`RPUSH l${i} v`);
    expect(scanAll(' MATCH s*').size).toBe(200);
    expect(scanAll(' MATCH ?1?').size).toBe(20);
    expect(scanAll(' TYPE LIST').size).toBe(100);
    expect(scanAll(' TYPE list MATCH l1 COUNT 1000')).toEqual(new Map([['l1', 1]]));
    expect(scanAll(' TYPE nosuch').size).toBe(0);
  });

  it('says what is wrong', () => {
    c.expectReplies([
      ['SCAN abc', new Error('ERR invalid cursor')],
      ['SCAN 0 COUNT 0', syntaxError],
      ['SCAN 0 COUNT abc', notAnInteger],
      ['SCAN 0 COUNT', syntaxError],
      ['SCAN 0 FOO bar', syntaxError],
      ['SCAN 4294967296', ['0', []]],
    ]);
  });

  it.each([101, 102, 103])(
    'returns every key that stays, whatever comes, goes and expires (seed %i)',
    (seed) => {
      const random = new SeededRandom(seed);
      const stay = 1500;
      for (let i = 0; i < stay; i++) c.line(`SET stay:${i} v`);
      let isGrowing = (random.uint32() & 1) === 0;
      const change = (): void => {
        const key = `change:${random.uint32() % 15_000}`;
        if (!isGrowing) c.line(`DEL ${key}`);
        else if (random.uint32() % 3 === 0) c.line(`SET ${key} v PX ${1 + (random.uint32() % 200)}`);
        else c.line(`SET ${key} v`);
      };
      if (!isGrowing) {
        isGrowing = true;
        for (let i = 0; i < 15_000; i++) change();
        isGrowing = false;
      }
      const seen = scanAll(' COUNT 25', () => {
        if (random.uint32() % 40 === 0) isGrowing = !isGrowing;
        for (let i = 0; i < 150; i++) change();
        // Active expiry takes its part.
        server.env.advance(10);
      });
      for (let i = 0; i < stay; i++) if (!seen.has(`stay:${i}`)) expect.fail(`stay:${i} was not returned`);
    },
  );

  it('returns no key whose time is over', () => {
    for (let i = 0; i < 500; i++) c.line(`SET gone:${i} v PX 10`);
    c.line('SET k v');
    pass(10);
    expect(scanAll('')).toEqual(new Map([['k', 1]]));
  });
});

describe('RANDOMKEY', () => {
  it('returns every key now and then, and none when there is none', () => {
    expect(c.line('RANDOMKEY')).toBeNull();
    c.line('MSET a 1 b 2 c 3');
    const seen = new Set(Array.from({ length: 200 }, () => c.line('RANDOMKEY')));
    expect([...seen].sort()).toEqual(['a', 'b', 'c']);
  });

  it('finds the one key among thousands whose time is over, and ends when there is none', () => {
    for (let i = 0; i < 5000; i++) c.line(`SET gone:${i} v PX 10`);
    c.line('SET k v');
    pass(10);
    expect(c.line('RANDOMKEY')).toBe('k');
    c.line('DEL k');
    expect(c.line('RANDOMKEY')).toBeNull();
  });
});

describe('OBJECT', () => {
  it('tells encodings as Redis does', () => {
    const encodings: readonly (readonly [string, string])[] = [
      ['0', 'int'],
      ['-9223372036854775808', 'int'],
      ['9223372036854775808', 'embstr'],
      ['01', 'embstr'],
      ['a'.repeat(44), 'embstr'],
      ['a'.repeat(45), 'raw'],
    ];
    for (const [value, encoding] of encodings) {
      c.line(`SET k ${value}`);
      expect([value, c.line('OBJECT ENCODING k')]).toEqual([value, encoding]);
    }
    c.line('SET k 12');
    c.expectReplies([
      ['APPEND k 3', 3],
      ['OBJECT ENCODING k', 'raw'],
      ['COPY k copy', 1],
      ['OBJECT ENCODING copy', 'raw'],
      ['INCR k', 124],
      ['OBJECT ENCODING k', 'int'],
      ['RPUSH l a', 1],
      ['OBJECT ENCODING l', 'listpack'],
      ['OBJECT ENCODING missing', null],
    ]);
  });

  it('tells what is known of references and accesses', () => {
    c.line('MSET small 9999 large 10000 text v');
    c.expectReplies([
      ['OBJECT REFCOUNT small', 2147483647],
      ['OBJECT REFCOUNT large', 1],
      ['OBJECT REFCOUNT text', 1],
      ['OBJECT REFCOUNT missing', null],
      ['OBJECT FREQ missing', null],
      [
        'OBJECT FREQ text',
        new Error(
          'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
        ),
      ],
      ['OBJECT IDLETIME missing', null],
      ['CONFIG SET maxmemory-policy allkeys-lfu', 'OK'],
      [
        'OBJECT IDLETIME text',
        new Error(
          'ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
        ),
      ],
    ]);
  });
});

describe('WAIT, WAITAOF', () => {
  it('reply at once when enough copies are there, or when they may not wait', () => {
    c.expectReplies([
      ['WAIT 0 0', 0],
      ['WAITAOF 0 0 0', [0, 0]],
      ['MULTI', 'OK'],
      ['WAIT 1 0', 'QUEUED'],
      ['WAITAOF 0 1 0', 'QUEUED'],
      ['EXEC', [0, [0, 0]]],
    ]);
  });

  it('wait for their time', () => {
    expect(c.line('WAIT 1 500')).toBeUndefined();
    server.env.advance(499);
    expect(c.take()).toBeUndefined();
    server.env.advance(1);
    expect(c.take()).toBe(0);
    expect(c.line('WAITAOF 0 1 500')).toBeUndefined();
    server.env.advance(500);
    expect(c.take()).toEqual([0, 0]);
  });

  it('say what is wrong', () => {
    const outOfRange = new Error('ERR value is out of range, value must between 0 and 1');
    c.expectReplies([
      ['WAIT abc 0', notAnInteger],
      ['WAIT 0 abc', new Error('ERR timeout is not an integer or out of range')],
      ['WAIT 0 -1', new Error('ERR timeout is negative')],
      ['WAITAOF 2 0 0', outOfRange],
      ['WAITAOF 0 -1 0', new Error('ERR value is out of range, must be positive')],
      [
        'WAITAOF 1 0 0',
        new Error('ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.'),
      ],
    ]);
  });
});
