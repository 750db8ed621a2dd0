import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReplyValue, systemEnv } from '@holdfast/common';
import { Propagation } from '@holdfast/engine';
import { NodeDisk } from '@holdfast/log';
import type { Database } from '@holdfast/storage';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Caller } from './caller.js';
import { type LocalStack, openLocalStack } from './local-stack.js';
import { plainOf } from './testing/index.js';
import { Turns } from './turns.js';

const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value';

let directory: string;
let stack: LocalStack;
let caller: Caller;

async function open(): Promise<void> {
  const env = systemEnv();
  const disk = new NodeDisk();
  stack = await openLocalStack({ env, disk, storage: 'level', log: 'none', fsync: 'no', directory });
  const options = { protocol: 'embedded', address: '', localAddress: '' };
  caller = Caller.open(stack.coordinator, new Turns(stack.coordinator, env.timers), options)!;
}

/** From here on nothing is in memory. */
async function reopen(): Promise<void> {
  await stack.close();
  await open();
}

async function run(line: string): Promise<unknown> {
  const { value } = await caller.run(line.split(' '));
  return plainOf(value as ReplyValue);
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-'));
  await open();
});

afterEach(async () => {
  await stack.close();
  rmSync(directory, { recursive: true });
});

it('brings the keys into memory that the patterns of SORT name', async () => {
  await run('RPUSH l 1 2 3');
  await run('MSET w_1 30 w_2 10 w_3 20');
  await run('HSET o_2 name two');
  await reopen();
  expect(stack.storage.database(0).size).toBe(0);
  expect(await run('SORT l BY w_* GET # GET o_*->name')).toEqual(['2', 'two', '3', null, '1', null]);
  await reopen();
  expect(await run('SORT l BY w_* STORE d')).toBe(3);
  expect(await run('LRANGE d 0 -1')).toEqual(['2', '3', '1']);
});

it('does so for a transaction, and says so where it can not know what will be sorted', async () => {
  await run('RPUSH l 1 2');
  await run('MSET w_1 30 w_2 10 w_3 20');
  await reopen();
  await run('MULTI');
  await run('SORT l BY w_*');
  await run('RPUSH l 3');
  await run('SORT l BY w_*');
  const [before, , after] = (await run('EXEC')) as unknown[];
  expect(before).toEqual(['2', '1']);
  expect(after).toEqual(new Error('ERR a key that SORT reads is not in memory: sort before the transaction'));
});

it('brings all of a collection into memory that is changed while others copy the data', async () => {
  const fields = Array.from({ length: 300 }, (_, i) => `f${i} v`);
  for (const key of ['a', 'b', 'c', 'd']) await run(`HSET ${key} ${fields.join(' ')}`);
  await reopen();
  const copied: number[] = [];
  const { kv } = stack;
  const aboutToChange = (db: Database, bytes: Uint8Array, start: number, length: number): void => {
    const ref = db.find(bytes, start, length);
    expect(db.partialCollection(ref)).toBeNull();
    copied.push(db.collection(ref).size);
  };
  const sink = { isCopying: true, propagate: () => {}, aboutToChange, aboutToReplace: () => {} };
  expect(await run('HGET a f1')).toBe('v');
  kv.propagation = new Propagation(kv, sink);
  for (const line of [
    'HSET a f1 w',
    'EXPIRE b 100',
    'DEL c',
    'EVAL return(redis.call("HSET",KEYS[1],"f1","w")) 1 d',
  ])
    await run(line);
  expect(copied).toEqual([300, 300, 300, 300]);
});

it('brings the keys of a transaction into memory from the databases that it selects or swaps', async () => {
  await run('SELECT 3');
  await run('MSET a 3 gone 3');
  await run('HSET h f 1');
  await run('SELECT 5');
  await run('SET b 5');
  await run('SELECT 0');
  await reopen();
  for (const line of ['MULTI', 'SELECT 99', 'SELECT 3', 'GET a', 'HSET h g 2', 'DEL gone']) await run(line);
  for (const line of ['SWAPDB 3 5', 'GET b', 'GET a']) await run(line);
  expect(await run('EXEC')).toEqual([
    new Error('ERR DB index is out of range'),
    'OK',
    '3',
    1,
    1,
    'OK',
    '5',
    null,
  ]);
  await reopen();
  await run('SELECT 5');
  expect(await run('DBSIZE')).toBe(2);
  expect(await run('HGETALL h')).toEqual({ f: '1', g: '2' });
  await run('SELECT 3');
  expect(await run('KEYS *')).toEqual(['b']);
});

it('brings what a transaction needs of the key space into memory', async () => {
  await run('MSET a 1 b 2 c 3');
  await reopen();
  for (const line of ['MULTI', 'SCAN 0 COUNT 10', 'RANDOMKEY', 'KEYS *', 'GET a']) await run(line);
  const [scanned, random, keys, a] = (await run('EXEC')) as [[string, string[]], string, string[], string];
  expect(scanned[0]).toBe('0');
  expect([...scanned[1]].sort()).toEqual(['a', 'b', 'c']);
  expect(['a', 'b', 'c']).toContain(random);
  expect([...keys].sort()).toEqual(['a', 'b', 'c']);
  expect(a).toBe('1');
});

describe('the names of keys that are not in memory', () => {
  beforeEach(async () => {
    for (let i = 0; i < 100; i++) await run(`SET key:${i} value`);
    await run('MSET {tag}:1 1 {tag}:2 2');
    await run('SET over x PX 1');
    await run('HSET hash f v');
    await reopen();
  });

  const namesOf = async (pattern: string): Promise<string[]> =>
    ((await run(`KEYS ${pattern}`)) as string[]).sort();

  it('are told without loading the keys', async () => {
    expect((await namesOf('*')).length).toBe(103);
    expect((await namesOf('key:1?')).length).toBe(10);
    expect(await namesOf('{tag}*')).toEqual(['{tag}:1', '{tag}:2']);
    expect(await namesOf('hash')).toEqual(['hash']);
    expect(await namesOf('o*')).toEqual([]);
    expect(stack.storage.database(0).size).toBe(0);
  });

  it('are told with those that are', async () => {
    await run('GET key:7');
    await run('SET key:new x');
    await run('DEL key:8');
    await run('RENAME key:9 key:nine');
    const names = await namesOf('key:*');
    expect(names.length).toBe(100);
    expect(names.filter((name) => ['key:7', 'key:8', 'key:9', 'key:new', 'key:nine'].includes(name))).toEqual(
      ['key:7', 'key:new', 'key:nine'],
    );
    expect(await namesOf('key:8')).toEqual([]);
    expect(await namesOf('key:7')).toEqual(['key:7']);
  });

  it('are those of the moment, within a transaction', async () => {
    for (const line of ['MULTI', 'KEYS k*', 'DEL key:1', 'SET k x', 'KEYS k*', 'KEYS {tag}*'])
      await run(line);
    for (const line of ['SWAPDB 0 1', 'KEYS *', 'SWAPDB 0 1', 'FLUSHDB', 'KEYS k*']) await run(line);
    const [before, , , after, tagged, , swapped, , , gone] = (await run('EXEC')) as string[][];
    expect(before.length).toBe(100);
    expect(after.length).toBe(100);
    expect([after.includes('key:1'), after.includes('k')]).toEqual([false, true]);
    expect(tagged.length).toBe(2);
    expect([swapped, gone]).toEqual([[], []]);
  });

  it('are told to a script', async () => {
    const { value } = await caller.run(['EVAL', "return #redis.call('KEYS', 'key:*')", '0']);
    expect(value).toBe(100);
    expect(stack.storage.database(0).size).toBe(0);
  });
});

describe('of a large collection that is not in memory', () => {
  const count = 2000;
  const numbers = Array.from({ length: count }, (_, i) => i);

  const inMemory = (key: string): number => {
    const db = stack.storage.database(0);
    const ref = db.find(Buffer.from(key), 0, key.length);
    return ref === 0 ? 0 : db.collection(ref).size;
  };

  beforeEach(async () => {
    await run(`HSET h ${numbers.map((i) => `f${i} ${i}`).join(' ')}`);
    await run(`SADD s ${numbers.map((i) => `m${i}`).join(' ')}`);
    await run(`ZADD z ${numbers.map((i) => `${i} m${i}`).join(' ')}`);
    await reopen();
  });

  it('a scan needs none of its elements', async () => {
    const [cursor, names] = (await run('SCAN 0 COUNT 100 TYPE zset')) as [string, string[]];
    expect([cursor, names]).toEqual(['0', ['z']]);
    expect(['h', 's', 'z'].map(inMemory)).toEqual([0, 0, 0]);
    expect(stack.storage.database(0).size).toBe(3);
    expect(['h', 's', 'z']).toContain(await run('RANDOMKEY'));
    expect(await run('OBJECT IDLETIME z')).toBeLessThan(600);
    expect(['h', 's', 'z'].map(inMemory)).toEqual([0, 0, 0]);
    expect(await run('HLEN h')).toBe(count);
  });

  it('commands that name elements need no others, and answer as ever', async () => {
    expect(await run('HGET h f7')).toBe('7');
    expect(await run('HMGET h f7 f8 none')).toEqual(['7', '8', null]);
    expect(await run('HEXISTS h f9')).toBe(1);
    expect(await run('HSTRLEN h f1234')).toBe(4);
    expect(await run('HSET h f10 x new y')).toBe(1);
    expect(await run('HSETNX h f11 x')).toBe(0);
    expect(await run('HINCRBY h f12 5')).toBe(17);
    expect(await run('HINCRBYFLOAT h f13 0.5')).toBe('13.5');
    expect(await run('HINCRBY h f10 1')).toEqual(new Error('ERR hash value is not an integer'));
    expect(inMemory('h')).toBeLessThan(20);
    expect(await run('SISMEMBER s m7')).toBe(1);
    expect(await run('SMISMEMBER s m8 none')).toEqual([1, 0]);
    expect(await run('SADD s m9 new')).toBe(1);
    expect(inMemory('s')).toBeLessThan(10);
    expect(await run('ZSCORE z m7')).toBe(7);
    expect(await run('ZMSCORE z m8 none')).toEqual([8, null]);
    expect(await run('ZADD z XX GT CH 1 m9 99 m10 5 new')).toBe(1);
    expect(await run('ZADD z NX 1 m11 5 other')).toBe(1);
    expect(await run('ZINCRBY z 0.5 m12')).toBe(12.5);
    expect(inMemory('z')).toBeLessThan(10);
    expect(await run('HGET s m1')).toEqual(new Error(wrongType));
  });

  it('what needs all of it finds all of it', async () => {
    await run('HSET h f10 x new y');
    expect(await run('HLEN h')).toBe(count + 1);
    expect(await run('HGET h f10')).toBe('x');
    await run('SADD s new');
    expect(await run('SREM s m1 new')).toBe(2);
    expect(await run('SCARD s')).toBe(count - 1);
    await run('ZADD z -1 new 5000 m0');
    expect(await run('ZRANGE z 0 1')).toEqual(['new', 'm1']);
    expect(await run('ZRANK z m0')).toBe(count);
    await reopen();
    expect([await run('HLEN h'), await run('SCARD s'), await run('ZCARD z')]).toEqual([
      count + 1,
      count - 1,
      count + 1,
    ]);
  });

  it('a transaction and a script find all of it', async () => {
    await run('HGET h f1');
    await run('MULTI');
    await run('HSET h f1 x');
    await run('HLEN h');
    expect(await run('EXEC')).toEqual([0, count]);
    await run('ZSCORE z m1');
    const script = "redis.call('ZADD', KEYS[1], 1, 'new') return redis.call('ZCARD', KEYS[1])";
    const { value } = await caller.run(['EVAL', script, '1', 'z']);
    expect(value).toBe(count + 1);
  });

  it('its key is looked at, renamed and removed', async () => {
    expect(await run('EXISTS h s z none')).toBe(3);
    expect(await run('TYPE z')).toBe('zset');
    expect(await run('EXPIRE h 100')).toBe(1);
    expect(await run('TTL h')).toBe(100);
    expect([inMemory('h'), inMemory('s'), inMemory('z')]).toEqual([0, 0, 0]);
    expect(await run('RENAME h g')).toBe('OK');
    expect(await run('HLEN g')).toBe(count);
    expect(await run('UNLINK g s z none')).toBe(3);
    await reopen();
    expect(await run('DBSIZE')).toBe(0);
  });

  it('fields of a hash that have expired are not there, nor is the hash', async () => {
    await run('HSET short a 1 b 2');
    await run('HPEXPIRE short 1 FIELDS 2 a b');
    await reopen();
    expect(await run('EXISTS short')).toBe(0);
  });
});

it('prepares the page that SCAN asks for, whatever words it matches: the page was not prepared', async () => {
  await run('MSET a 1 b 2 count 3');
  await reopen();
  expect(await run('SCAN 0 MATCH count COUNT 100')).toEqual(['0', ['count']]);
  await reopen();
  expect(await run('SCAN 0 COUNT 1 TYPE string COUNT 100')).toMatchObject(['0', { length: 3 }]);
});

it('looks for the target of COPY in the database that is named last: it was replaced unseen', async () => {
  await run('SET a 1');
  await run('COPY a b DB 2');
  await run('SET a 2');
  await reopen();
  expect(await run('COPY a b DB 1 DB 2')).toBe(0);
});

it('finds the streams behind a group that is called as the word before them', async () => {
  await run('XADD s 1-1 f v');
  await run('XGROUP CREATE s streams 0');
  await reopen();
  expect(await run('XREADGROUP COUNT 1 GROUP streams c STREAMS s >')).toMatchObject({
    s: [['1-1', ['f', 'v']]],
  });
});

it('goes on with KV.SCAN and KV.DELRANGE over what is on the disk: their cursors were refused', async () => {
  const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
  await run(`MSET ${keys.map((key) => `${key} v`).join(' ')}`);
  await reopen();
  const found: string[] = [];
  let cursor = 0;
  do {
    const [next, page] = (await run(`KV.SCAN ${cursor} COUNT 7`)) as [number, string[]];
    cursor = next;
    found.push(...page.filter((_, i) => i % 3 === 2));
  } while (cursor !== 0);
  expect(found.sort()).toEqual(keys.sort());
  let removed = 0;
  do {
    const [next, count] = (await run(`KV.DELRANGE ${cursor} COUNT 7`)) as [number, number];
    cursor = next;
    removed += count;
  } while (cursor !== 0);
  expect(removed).toBe(50);
});

it('has a page for each command of a transaction that scans it: the second one found none', async () => {
  await run('MSET a 1 b 2');
  await reopen();
  for (const line of ['MULTI', 'SCAN 0', 'SCAN 0', 'SET c 3', 'SCAN 0']) await run(line);
  const pages = (await run('EXEC')) as [string, string[]][];
  expect([0, 1, 3].map((i) => pages[i][1].length)).toEqual([2, 2, 3]);
});

it('refuses a transaction of more scans than there are pages, and ends it: it was prepared for ever', async () => {
  await run('MSET a 1 b 2');
  await reopen();
  await run('MULTI');
  for (let i = 1; i <= 300; i++) await run(`SCAN 0 COUNT ${i}`);
  expect(await run('EXEC')).toMatchObject({ message: expect.stringContaining('at most 128 scans') });
  expect(await run('GET a')).toBe('1');
});
