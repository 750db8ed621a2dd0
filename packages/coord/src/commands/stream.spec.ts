import { keyBytesMax } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { encodingLimits, MemoryStorage, MutationWriter } from '@holdfast/storage';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalServer, type Plain, type TestClient } from '../testing/index.js';

const wrongType = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
const invalidId = new Error('ERR Invalid stream ID specified as stream command argument');
const tooSmall = new Error(
  'ERR The ID specified in XADD is equal or smaller than the target stream top item',
);
const startMs = 1_750_000_000_000;

let server: LocalServer;
let c: TestClient;

beforeEach(() => {
  server = new LocalServer();
  c = server.client();
});

const limits = { ...encodingLimits };
afterEach(() => {
  Object.assign(encodingLimits, limits);
});

/** Each line's command has the reply beside it. */
/** Adds entries 1-0, 2-0, ... with a field `f` of the same number. */
function fill(count: number, key = 's'): void {
  for (let i = 1; i <= count; i++) c.line(`XADD ${key} ${i} f ${i}`);
}

function entry(n: number): Plain[] {
  return [`${n}-0`, ['f', String(n)]];
}

function ids(reply: Plain | undefined): Plain[] {
  return (reply as Plain[][]).map(([id]) => id);
}

/** A client that runs a command and has to wait. */
function waiting(line: string, client = server.client()): TestClient {
  expect(client.line(line), line).toBeUndefined();
  return client;
}

/** The messages that a subscriber of keyspace events gets for some commands, as `event key`. */
function eventsOf(...lines: string[]): string[] {
  return server.eventsOf(() => {
    for (const line of lines) c.line(line);
  });
}

describe('XADD', () => {
  it('makes ids of the time, which never go back', () => {
    c.expectReplies([
      ['XADD s * a 1', `${startMs}-0`],
      ['XADD s * a 2', `${startMs}-1`],
    ]);
    server.env.jumpClock(-5000);
    expect(c.line('XADD s * a 3')).toBe(`${startMs}-2`);
    server.env.jumpClock(5001);
    expect(c.line('XADD s * a 4')).toBe(`${startMs + 1}-0`);
    expect(c.line(`XADD s ${startMs + 1}-* a 5`)).toBe(`${startMs + 1}-1`);
    expect(c.line(`XADD s ${startMs}-* a 5`)).toEqual(tooSmall);
    c.line(`XADD s ${startMs + 99}-18446744073709551615 a 6`);
    expect(c.line('XADD s * a 7')).toBe(`${startMs + 100}-0`);
  });

  it('gives all entries of a transaction one time, in order', () => {
    for (const line of ['MULTI', 'XADD s * a 1', 'XADD s * a 2']) c.line(line);
    expect(c.line('EXEC')).toEqual([`${startMs}-0`, `${startMs}-1`]);
  });

  it('keeps binary, empty and huge names and values', () => {
    const binary = Buffer.from([0, 255, 13, 10]);
    const huge = 'h'.repeat(1_500_000);
    c.run('XADD', 's', '1', binary, '', '', huge, 'n', '-9007199254740993');
    const fields = [binary.toString('latin1'), '', '', huge, 'n', '-9007199254740993'];
    expect(c.line('XRANGE s - +')).toEqual([['1-0', fields]]);
    expect(c.line('XADD s 2 small one')).toBe('2-0');
    expect(c.line('XREVRANGE s + - COUNT 1')).toEqual([['2-0', ['small', 'one']]]);
  });

  it('makes nothing when it fails', () => {
    expect(c.line('XADD s 0-0 a 1')).toBeInstanceOf(Error);
    expect(c.line('XADD s x a 1')).toEqual(invalidId);
    expect(c.line('XADD s NOMKSTREAM * a 1')).toBeNull();
    expect(c.line('EXISTS s')).toBe(0);
  });

  it('trims without a limit of its own when nodes have none', () => {
    c.line('CONFIG SET stream-node-max-entries 0');
    fill(10);
    expect(c.line('XADD s MAXLEN ~ 5 11 f 11')).toBe('11-0');
    expect(c.line('XLEN s')).toBe(11);
    c.line('CONFIG SET stream-node-max-entries 100');
  });
});

describe('a range', () => {
  it('is found in a stream of many nodes, from both ends, whatever was deleted', () => {
    fill(450);
    c.line('XDEL s 1 200 201 450');
    expect(ids(c.line('XRANGE s 199 203'))).toEqual(['199-0', '202-0', '203-0']);
    expect(ids(c.line('XREVRANGE s 202 198'))).toEqual(['202-0', '199-0', '198-0']);
    expect(ids(c.line('XRANGE s - + COUNT 2'))).toEqual(['2-0', '3-0']);
    expect(ids(c.line('XREVRANGE s + - COUNT 2'))).toEqual(['449-0', '448-0']);
    expect(ids(c.line('XRANGE s (2-0 (4-0'))).toEqual(['3-0']);
    expect(c.line('XLEN s')).toBe(446);
    expect(ids(c.line('XRANGE s - +'))).toHaveLength(446);
    expect(ids(c.line('XREVRANGE s + -')).reverse()).toEqual(ids(c.line('XRANGE s - +')));
  });
});

describe('XREAD', () => {
  it('shapes its reply by the dialect', () => {
    fill(2);
    fill(1, 't');
    expect(c.line('XREAD STREAMS s t 1 0')).toEqual([
      ['s', [entry(2)]],
      ['t', [entry(1)]],
    ]);
    expect(server.client(3).line('XREAD STREAMS s t 1 0')).toEqual({ s: [entry(2)], t: [entry(1)] });
    expect(server.client(3).line('XREAD STREAMS s 2')).toBeNull();
  });

  it('gives the last entry that is there for +, and waits for the next one when there is none', () => {
    fill(3);
    c.line('XDEL s 3');
    expect(c.line('XREAD STREAMS s +')).toEqual([['s', [entry(2)]]]);
    expect(c.line('XREAD STREAMS none +')).toBeNull();
    c.line('XDEL s 1 2');
    expect(c.line('XREAD STREAMS s +')).toBeNull();
    const reader = waiting('XREAD BLOCK 0 STREAMS s +');
    c.line('XADD s 4 f 4');
    expect(reader.take()).toEqual([['s', [entry(4)]]]);
  });

  it('waits for what comes after the moment it asked, for all of those who wait', () => {
    fill(1);
    const readers = ['$', '$', '1', '0-5'].map((id) =>
      waiting(`XREAD BLOCK 0 STREAMS s ${id === '0-5' ? '1' : id}`),
    );
    c.line('XDEL s 1');
    for (const reader of readers) expect(reader.take()).toBeUndefined();
    c.line('XADD s 2 f 2');
    for (const reader of readers) expect(reader.take()).toEqual([['s', [entry(2)]]]);
    c.line('XADD s 3 f 3');
    for (const reader of readers) expect(reader.take()).toBeUndefined();
  });

  it('waits for one of several streams, one that is not there yet among them', () => {
    fill(1);
    const reader = waiting('XREAD BLOCK 0 COUNT 1 STREAMS s t $ $');
    for (const line of ['MULTI', 'XADD t 1 f 1', 'XADD t 2 f 2', 'EXEC']) c.line(line);
    expect(reader.take()).toEqual([['t', [entry(1)]]]);
  });

  it('goes on waiting when its key goes, or becomes something else', () => {
    fill(1);
    const reader = waiting('XREAD BLOCK 0 STREAMS s $');
    for (const line of ['DEL s', 'SET s text', 'DEL s', 'XADD s 1-5 f 1', 'XADD s 2 f 2']) c.line(line);
    expect(reader.take()).toEqual([['s', [['1-5', ['f', '1']]]]]);
    expect(reader.take()).toBeUndefined();
  });

  it('ends with null when its time is over, and at once in a transaction', () => {
    const reader = waiting('XREAD BLOCK 250 STREAMS s $');
    server.env.advance(249);
    expect(reader.take()).toBeUndefined();
    server.env.advance(1);
    expect(reader.take()).toBeNull();
    for (const line of ['MULTI', 'XREAD BLOCK 0 STREAMS s $']) c.line(line);
    expect(c.line('EXEC')).toEqual([null]);
  });
});

describe('a group', () => {
  beforeEach(() => {
    fill(5);
    c.line('XGROUP CREATE s g 0');
  });

  it('delivers each entry to one consumer, who keeps it until it is acknowledged', () => {
    c.expectReplies([
      ['XREADGROUP GROUP g a COUNT 2 STREAMS s >', [['s', [entry(1), entry(2)]]]],
      ['XREADGROUP GROUP g b COUNT 2 STREAMS s >', [['s', [entry(3), entry(4)]]]],
      ['XREADGROUP GROUP g a COUNT 2 STREAMS s >', [['s', [entry(5)]]]],
      ['XREADGROUP GROUP g b COUNT 2 STREAMS s >', null],
      [
        'XREADGROUP GROUP g b STREAMS s +',
        new Error('ERR Invalid stream ID specified as stream command argument'),
      ],
      ['XREADGROUP GROUP g a STREAMS s 1', [['s', [entry(2), entry(5)]]]],
      ['XACK s g 2 3 3 77', 2],
      ['XREADGROUP GROUP g a STREAMS s 0', [['s', [entry(1), entry(5)]]]],
      [
        'XPENDING s g',
        [
          3,
          '1-0',
          '5-0',
          [
            ['a', '2'],
            ['b', '1'],
          ],
        ],
      ],
    ]);
  });

  it('knows when a consumer asked, and when it got something', () => {
    const consumers = (): Plain | undefined => server.client(3).line('XINFO CONSUMERS s g');
    c.line('XREADGROUP GROUP g a COUNT 5 STREAMS s >');
    server.env.advance(100);
    c.line('XREADGROUP GROUP g b STREAMS s >');
    server.env.advance(20);
    c.line('XREADGROUP GROUP g a STREAMS s >');
    server.env.advance(3);
    expect(consumers()).toEqual([
      { name: 'a', pending: 5, idle: 3, inactive: 123 },
      { name: 'b', pending: 0, idle: 23, inactive: -1 },
    ]);
    c.line('XCLAIM s g b 0 1');
    c.line('XCLAIM s g nobody 0 99');
    expect(consumers()).toEqual([
      { name: 'a', pending: 4, idle: 3, inactive: 123 },
      { name: 'b', pending: 1, idle: 0, inactive: 0 },
      { name: 'nobody', pending: 0, idle: 0, inactive: -1 },
    ]);
  });

  it('tells how it stands in full', () => {
    c.line('XREADGROUP GROUP g a COUNT 2 STREAMS s >');
    server.env.advance(7);
    c.line('XREADGROUP GROUP g a STREAMS s 1');
    expect(server.client(3).line('XINFO STREAM s FULL COUNT 1')).toEqual({
      length: 5,
      'radix-tree-keys': 1,
      'radix-tree-nodes': 2,
      'last-generated-id': '5-0',
      'max-deleted-entry-id': '0-0',
      'entries-added': 5,
      'recorded-first-entry-id': '1-0',
      entries: [entry(1)],
      groups: [
        {
          name: 'g',
          'last-delivered-id': '2-0',
          'entries-read': 2,
          lag: 3,
          'pel-count': 2,
          pending: [['1-0', 'a', startMs, 1]],
          consumers: [
            {
              name: 'a',
              'seen-time': startMs + 7,
              'active-time': startMs,
              'pel-count': 2,
              pending: [['1-0', startMs, 1]],
            },
          ],
        },
      ],
    });
    expect(c.line('XPENDING s g 2 + 10')).toEqual([['2-0', 'a', 0, 2]]);
    expect(c.line('XPENDING s g IDLE 5 - + 10')).toEqual([['1-0', 'a', 7, 1]]);
  });

  it('gives its readers what comes, oldest first', () => {
    c.line('XGROUP SETID s g $');
    const readers = ['a', 'b', 'b'].map((name) => {
      return waiting(`XREADGROUP GROUP g ${name} BLOCK 0 COUNT 1 STREAMS s >`);
    });
    for (const line of ['MULTI', 'XADD s 6 f 6', 'XADD s 7 f 7', 'EXEC']) c.line(line);
    expect(readers.map((reader) => reader.take())).toEqual([
      [['s', [entry(6)]]],
      [['s', [entry(7)]]],
      undefined,
    ]);
    expect(c.line('XPENDING s g')).toEqual([
      2,
      '6-0',
      '7-0',
      [
        ['a', '1'],
        ['b', '1'],
      ],
    ]);
  });

  it('does not trouble those who wait with what consumers do', () => {
    c.line('XREADGROUP GROUP g a STREAMS s >');
    waiting('XREADGROUP GROUP g b BLOCK 0 STREAMS s >');
    const { calls } = server.kv.registry.figuresOf(server.kv.registry.byName('XREADGROUP')!);
    const watcher = server.client();
    watcher.line('WATCH s');
    for (const line of ['XACK s g 1', 'XCLAIM s g c 0 2', 'XGROUP CREATE s h 0']) c.line(line);
    expect(server.kv.registry.figuresOf(server.kv.registry.byName('XREADGROUP')!).calls).toBe(calls);
    watcher.line('MULTI');
    expect(watcher.line('EXEC')).toEqual([]);
  });

  const noGroup = new Error("NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option");

  it.each([
    ['DEL s', noGroup],
    ['XGROUP DESTROY s g', noGroup],
    ['FLUSHALL', noGroup],
    ['RENAME s t', noGroup],
    ['PEXPIREAT s 1', noGroup],
    ['SET s text', wrongType],
    ['SWAPDB 0 1', noGroup],
  ])("ends its readers' wait when it goes: %s", (line, error) => {
    c.line('XREADGROUP GROUP g a STREAMS s >');
    const reader = waiting('XREADGROUP GROUP g a BLOCK 0 STREAMS s >');
    c.line(line);
    expect(reader.take()).toEqual(error);
    expect(reader.session.isBlocked).toBe(false);
  });

  it('ends the wait of readers who are told to stop', () => {
    c.line('XREADGROUP GROUP g a STREAMS s >');
    const reader = waiting('XREADGROUP GROUP g a BLOCK 0 STREAMS s >');
    expect(c.line(`CLIENT UNBLOCK ${reader.session.id} ERROR`)).toBe(1);
    expect(reader.take()).toEqual(new Error('UNBLOCKED client unblocked via CLIENT UNBLOCK'));
  });

  it('counts those keys whose end wakes somebody', () => {
    c.line('XREADGROUP GROUP g a STREAMS s >');
    const field = (name: string): string => {
      const info = c.line('INFO clients') as string;
      return new RegExp(`^${name}:(\\d+)`, 'm').exec(info)![1];
    };
    waiting('BLPOP l 0');
    waiting('XREADGROUP GROUP g a BLOCK 0 STREAMS s >');
    expect([field('total_blocking_keys'), field('total_blocking_keys_on_nokey')]).toEqual(['2', '1']);
  });

  it('hands over what was idle for long, and forgets what is gone from the stream', () => {
    c.line('XREADGROUP GROUP g a COUNT 3 STREAMS s >');
    server.env.advance(1000);
    c.line('XREADGROUP GROUP g a STREAMS s >');
    c.line('XDEL s 2 4');
    c.expectReplies([
      ['XAUTOCLAIM s g b 500 0 COUNT 2', ['3-0', [entry(1)], ['2-0']]],
      ['XAUTOCLAIM s g b 500 3', ['0-0', [entry(3)], ['4-0']]],
      ['XAUTOCLAIM s g b 500 0 JUSTID', ['0-0', [], []]],
      [
        'XPENDING s g',
        [
          3,
          '1-0',
          '5-0',
          [
            ['a', '1'],
            ['b', '2'],
          ],
        ],
      ],
    ]);
  });

  it('refuses names that are longer than its tables hold', () => {
    const name = 'n'.repeat(keyBytesMax + 1);
    expect(c.run('XGROUP', 'CREATE', 's', name, '0')).toBeInstanceOf(Error);
    expect(c.run('XGROUP', 'CREATECONSUMER', 's', 'g', name)).toBeInstanceOf(Error);
    expect(c.run('XREADGROUP', 'GROUP', 'g', name, 'STREAMS', 's', '>')).toBeInstanceOf(Error);
    expect(c.run('XCLAIM', 's', 'g', name, '0', '1')).toBeInstanceOf(Error);
    expect(c.run('XAUTOCLAIM', 's', 'g', name, '0', '0')).toBeInstanceOf(Error);
    expect(c.line('XINFO CONSUMERS s g')).toEqual([]);
  });

  it('keeps what it read in its reply depend on being written', () => {
    const { dependsOn } = c.session;
    c.line('XREADGROUP GROUP g a STREAMS s >');
    expect(c.session.dependsOn).toBeGreaterThan(dependsOn);
    expect(c.session.keyVersion).toBe(c.session.dependsOn);
  });
});

describe('XSETID', () => {
  it('refuses an id below one that was deleted', () => {
    fill(3);
    c.line('XDEL s 3');
    c.line('XDEL s 1 2');
    expect(c.line('XSETID s 2')).toEqual(
      new Error('ERR The ID specified in XSETID is smaller than current max_deleted_entry_id'),
    );
    expect(c.line('XSETID s 3')).toBe('OK');
  });
});

describe('streams', () => {
  it('tell those who watch or keep them of entries alone, as Redis does', () => {
    const watching = server.client();
    const keeping = server.client(3);
    fill(2);
    keeping.line('CLIENT TRACKING on');
    keeping.line('XLEN s');
    watching.line('WATCH s');
    c.line('XGROUP CREATE s g 0');
    c.line('XREADGROUP GROUP g a STREAMS s >');
    c.line('XACK s g 1');
    c.line('XSETID s 9');
    c.line('XGROUP SETID s g 0');
    c.line('XGROUP DESTROY s g');
    expect(keeping.take()).toBe(undefined);
    watching.line('MULTI');
    expect(watching.line('EXEC')).toEqual([]);
    watching.line('WATCH s');
    c.line('XDEL s 1');
    expect(keeping.take()).toEqual(['invalidate', ['s']]);
    watching.line('MULTI');
    expect(watching.line('EXEC')).toBe(null);
  });

  it('tell subscribers what becomes of them', () => {
    const events = eventsOf(
      'XADD s 1 f 1',
      'XADD s MAXLEN 1 2 f 2',
      'XTRIM s MAXLEN 5',
      'XGROUP CREATE s g 0',
      'XGROUP CREATE s g 0',
      'XGROUP SETID s g 1',
      'XREADGROUP GROUP g a STREAMS s >',
      'XGROUP CREATECONSUMER s g b',
      'XGROUP DELCONSUMER s g b',
      'XGROUP DELCONSUMER s g b',
      'XACK s g 2',
      'XDEL s 2 3',
      'XDEL s 2',
      'XSETID s 9',
      'XADD s 10 f 1',
      'XTRIM s MAXLEN 0',
      'XGROUP DESTROY s g',
      'DEL s',
    );
    expect(events).toEqual(
      `xadd xadd xtrim xgroup-create xgroup-setid xgroup-createconsumer xgroup-createconsumer xgroup-delconsumer
       xdel xsetid xadd xtrim xgroup-destroy del`
        .split(/\s+/)
        .map((event) => `${event} s`),
    );
  });

  it('are found by type, and have an encoding, a digest and a size', () => {
    fill(120);
    c.line('SET text x');
    c.expectReplies([
      ['TYPE s', 'stream'],
      ['OBJECT ENCODING s', 'stream'],
      ['SCAN 0 TYPE stream COUNT 100', ['0', ['s']]],
    ]);
    expect(c.line('MEMORY USAGE s')).toBeGreaterThan(500);
    const digest = c.line('DEBUG DIGEST-VALUE s');
    c.line('COPY s t');
    expect(c.line('DEBUG DIGEST-VALUE t')).toEqual(digest);
    c.line('XDEL t 7');
    expect(c.line('DEBUG DIGEST-VALUE t')).not.toEqual(digest);
  });

  it('stay when their last entry goes, and go with their key or their time', () => {
    fill(1);
    c.line('XGROUP CREATE s g 0');
    c.line('XDEL s 1');
    expect(c.line('EXISTS s')).toBe(1);
    expect(c.line('XINFO GROUPS s')).toHaveLength(1);
    c.line('PEXPIRE s 10');
    server.env.advance(11);
    expect(c.line('XLEN s')).toBe(0);
    expect(c.line('EXISTS s')).toBe(0);
  });

  it('are the same after a reload', () => {
    fill(250);
    for (const line of ['XDEL s 3 5', 'XGROUP CREATE s g 7', 'XREADGROUP GROUP g a COUNT 120 STREAMS s >'])
      c.line(line);
    const full = c.line('XINFO STREAM s FULL COUNT 0');
    expect(c.line('DEBUG RELOAD')).toBe('OK');
    expect(c.line('XINFO STREAM s FULL COUNT 0')).toEqual(full);
    expect(c.line('XADD s 251 f 1')).toBe('251-0');
  });

  it('are the same in a replica that is given their mutations', () => {
    const journal = new MutationWriter();
    server.storage.journal = journal;
    fill(130);
    for (const line of [
      'XGROUP CREATE s g 0',
      'XREADGROUP GROUP g a COUNT 20 STREAMS s >',
      'XREADGROUP GROUP g a COUNT 3 STREAMS s 5',
      'XREADGROUP GROUP g b COUNT 20 NOACK STREAMS s >',
      'XACK s g 1 2 3',
      'XDEL s 4 130',
      'XTRIM s MAXLEN 60',
      'XCLAIM s g b 0 5 6 80 FORCE LASTID 90',
      'XAUTOCLAIM s g c 0 0 COUNT 5',
      'XGROUP SETID s g 100 ENTRIESREAD 50',
      'XGROUP CREATE s h $',
      'XGROUP DELCONSUMER s g c',
      'XSETID s 500 ENTRIESADDED 600 MAXDELETEDID 200',
      'XADD s MAXLEN ~ 10 600 g 1',
      'COPY s t',
      'XGROUP DESTROY t g',
      'RENAME t u',
    ]) {
      expect(c.line(line), line).not.toBeInstanceOf(Error);
    }
    const replica = new LocalServer(1, new MemoryStorage(new SeededRandom(3)));
    replica.storage.apply(journal.bytes.subarray(0, journal.length), 1);
    for (const key of ['s', 'u']) {
      const show = `XINFO STREAM ${key} FULL COUNT 0`;
      expect(replica.client().line(show)).toEqual(c.line(show));
    }
  });

  it('say how many nodes their radix tree would have', () => {
    const random = new SeededRandom(5);
    c.line('CONFIG SET stream-node-max-entries 1');
    let ms = 1;
    const keys: string[] = [];
    for (let i = 0; i < 300; i++) {
      if (random.uint32() % 4 > 0) ms += random.uint32() % (i % 10 === 0 ? 2 ** 25 : 600);
      const seq = random.uint32() % 3 === 0 ? i * 70_000 : i;
      if (c.line(`XADD s ${ms}-${seq} f 1`) instanceof Error) continue;
      const bytes = Buffer.alloc(16);
      bytes.writeBigUInt64BE(BigInt(ms), 0);
      bytes.writeBigUInt64BE(BigInt(seq), 8);
      keys.push(bytes.toString('hex'));
      if (i % 20 !== 0) continue;
      const info = server.client(3).line('XINFO STREAM s') as { [key: string]: Plain };
      expect(info['radix-tree-nodes'], `after ${i + 1}`).toBe(radixNodes(keys, 0));
    }
  });
});

/** Nodes of a radix tree with these keys in hexadecimal, whose first `depth` bytes were passed. */
function radixNodes(keys: readonly string[], depth: number): number {
  if (keys.length === 1) return depth < 16 ? 2 : 1;
  const byteAt = (key: string, at: number): string => key.slice(2 * at, 2 * at + 2);
  let shared = depth;
  while (keys.every((key) => byteAt(key, shared) === byteAt(keys[0], shared))) shared++;
  let below = 0;
  for (const byte of new Set(keys.map((key) => byteAt(key, shared)))) {
    below += radixNodes(
      keys.filter((key) => byteAt(key, shared) === byte),
      shared + 1,
    );
  }
  return below + (shared > depth ? 2 : 1);
}
