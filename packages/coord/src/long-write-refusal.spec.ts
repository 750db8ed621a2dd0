import { Request } from '@holdfast/common';
import { SeededRandom, SimulatedEnv } from '@holdfast/common/testing';
import { MemoryLog, MemoryLogStore } from '@holdfast/log/testing';
import { MemoryStorage } from '@holdfast/storage';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalCommitter } from './local-committer.js';
import { LocalServer, type TestClient } from './testing/index.js';

/** Far below that of the log in files, and above what gathers in a turn. */
const batchBytesMax = 5_400_000;
const refusal = `the write has more than ${batchBytesMax} bytes, too many for the log`;
const large = 'x'.repeat(1_600_000);

let store: MemoryLogStore;
let storage: MemoryStorage;
let server: LocalServer;
let client: TestClient;
let failures: unknown[];

beforeEach(() => {
  store = new MemoryLogStore();
  storage = new MemoryStorage(new SeededRandom(1));
  failures = [];
  const log = new MemoryLog(store, batchBytesMax);
  const committer = new LocalCommitter({
    storage,
    env: new SimulatedEnv(1),
    log,
    onFatal: (error) => failures.push(error),
  });
  server = new LocalServer(1, storage, { committer });
  client = server.client();
});

/** The server goes on, and a restart finds what it shows. */
function expectWhole(): void {
  expect(failures).toEqual([]);
  expect(client.line('SET after 1')).toBe('OK');
  const recovered = new MemoryStorage(new SeededRandom(2));
  for (const { batch, position } of store.entries) recovered.apply(batch, position);
  const other = new LocalServer(3, recovered).client();
  expect(other.line('DEBUG DIGEST')).toBe(client.line('DEBUG DIGEST'));
}

describe('what is longer than the log takes is refused, and the server goes on', () => {
  it('a transaction, before any of it is done', () => {
    client.line('MULTI');
    for (const key of ['a', 'b', 'c', 'd']) client.run('SET', key, large);
    expect(client.line('EXEC')).toEqual(new Error(`EXECABORT Transaction discarded because of: ${refusal}`));
    expect(client.line('EXISTS a b c d')).toBe(0);
    expectWhole();
  });

  it('a script, where it comes to that', () => {
    const script = `for i = 1, 4 do redis.call('SET', 'k' .. i, string.rep('x', 1600000)) end`;
    expect(String(client.run('EVAL', script, '0'))).toContain(refusal);
    expect(client.line('EXISTS k1 k2 k3 k4')).toBe(3);
    expectWhole();
  });

  it('copies of large values in one transaction, those that are too many', () => {
    client.run('SET', 'from', large);
    client.line('MULTI');
    for (const key of ['a', 'b', 'c', 'd']) client.line(`COPY from ${key}`);
    expect(client.line('EXEC')).toEqual([1, 1, 1, new Error(`ERR ${refusal}`)]);
    expectWhole();
  });

  it('a copy of a collection, and what it would have replaced stays', () => {
    for (const value of ['1', '2', '3', '4']) client.run('RPUSH', 'from', large + value);
    client.line('SET to kept');
    expect(client.line('COPY from to REPLACE')).toEqual(new Error(`ERR ${refusal}`));
    expect(client.line('MOVE from 1')).toEqual(new Error(`ERR ${refusal}`));
    expect(client.line('GET to')).toBe('kept');
    expect(client.line('LLEN from')).toBe(4);
    expectWhole();
  });

  it('a stored result, and what it would have replaced stays', () => {
    const members = (name: string) => Array.from({ length: 4 }, (_, i) => name + i + 'x'.repeat(450_000));
    for (const name of ['a', 'b', 'c']) client.run('SADD', name, ...members(name));
    client.line('SET to kept');
    expect(client.line('SUNIONSTORE to a b c')).toEqual(new Error(`ERR ${refusal}`));
    expect(client.line('GET to')).toBe('kept');
    expect(client.line('SUNIONSTORE to a b')).toBe(8);
    expectWhole();
  });

  it('one command over many keys', () => {
    expect(client.run('MSET', 'a', large, 'b', large, 'c', large, 'd', large)).toEqual(
      new Error(`ERR ${refusal}`),
    );
    expectWhole();
  });
});

describe('what a short command leads to is refused before any of it is done when the log does not take it', () => {
  it('an element that moves, behind others in one transaction', () => {
    for (const value of ['1', '2', '3', '4']) client.run('RPUSH', 'from', large + value);
    client.line('MULTI');
    for (let i = 0; i < 4; i++) client.line('LMOVE from to LEFT LEFT');
    expect(client.line('EXEC')).toEqual([`${large}1`, `${large}2`, `${large}3`, new Error(`ERR ${refusal}`)]);
    expectWhole();
  });

  it('members that are popped', () => {
    const members = Array.from({ length: 30 }, (_, i) => i + 'x'.repeat(250_000));
    client.run('SADD', 'set', ...members.slice(0, 15));
    client.run('SADD', 'set', ...members.slice(15));
    expect(client.line('SPOP set 25')).toEqual(new Error(`ERR ${refusal}`));
    expect(client.line('SCARD set')).toBe(30);
    expect(client.run('SPOP', 'set', '15')).toHaveLength(15);
    expectWhole();
  });

  it('entries that change hands, or are read again, each with long names', () => {
    const [key, group] = ['k'.repeat(80_000), 'g'.repeat(20_000)];
    client.run('XGROUP', 'CREATE', key, group, '0', 'MKSTREAM');
    for (let i = 1; i <= 60; i++) client.run('XADD', key, `${i}-1`, 'f', 'v');
    client.run('XREADGROUP', 'GROUP', group, 'c', 'STREAMS', key, '>');
    expect(client.run('XAUTOCLAIM', key, group, 'd', '0', '-')).toEqual(new Error(`ERR ${refusal}`));
    expect(client.run('XREADGROUP', 'GROUP', group, 'c', 'STREAMS', key, '0')).toEqual(
      new Error(`ERR ${refusal}`),
    );
    const ids = Array.from({ length: 60 }, (_, i) => `${i + 1}-1`);
    expect(client.run('XCLAIM', key, group, 'd', '0', ...ids)).toEqual(new Error(`ERR ${refusal}`));
    expect(client.run('XPENDING', key, group)).toEqual([60, '1-1', '60-1', [['c', '60']]]);
    expectWhole();
  });

  it('fields of a string under a long key', () => {
    const operations = Array.from({ length: 60 }, (_, i) => ['SET', 'u8', `#${i}`, '7']).flat();
    const key = 'k'.repeat(100_000);
    expect(client.run('BITFIELD', key, ...operations)).toEqual(new Error(`ERR ${refusal}`));
    expect(client.run('EXISTS', key)).toBe(0);
    expectWhole();
  });

  it('keys to test with', () => {
    expect(client.line('DEBUG POPULATE 4 key 1600000')).toEqual(new Error(`ERR ${refusal}`));
    expect(client.line('DBSIZE')).toBe(0);
    expectWhole();
  });
});

describe('a long key with many elements is said once in the log', () => {
  const key = 'k'.repeat(100_000);
  const names = Array.from({ length: 200 }, (_, i) => `e${i}`);

  it('of a set', () => {
    expect(client.run('SADD', key, ...names)).toBe(200);
    expect(client.run('SREM', key, ...names.slice(1))).toBe(199);
    expectWhole();
  });

  it('of a hash', () => {
    expect(client.run('HSET', key, ...names)).toBe(100);
    expect(client.run('HDEL', key, ...names.slice(2))).toBe(99);
    expectWhole();
  });

  it('of a sorted set', () => {
    expect(client.run('ZADD', key, ...names.flatMap((name, i) => [`${i}`, name]))).toBe(200);
    expect(client.run('ZREM', key, ...names.slice(1))).toBe(199);
    expectWhole();
  });
});

it('a long first key counts once, not once for each key behind it', () => {
  client.line('SET other 1');
  client.line('MULTI');
  client.run('DEL', 'k'.repeat(60_000), ...Array.from({ length: 100 }, (_, i) => `x${i}`), 'other');
  expect(client.line('EXEC')).toEqual([1]);
  expectWhole();
});

it('a range of long members that is removed is said by its ends', () => {
  const members = Array.from({ length: 16 }, (_, i) => [`${i}`, i + 'x'.repeat(900_000)]);
  for (const [score, member] of members) client.run('ZADD', 'zset', score, member);
  expect(client.run('ZPOPMIN', 'zset', '7')).toHaveLength(14);
  expectWhole();
});

it('commands of one turn are several batches when together they are longer than the log takes', () => {
  const { coordinator } = server;
  client.run('SET', 'from', large);
  coordinator.beginTurn();
  for (let i = 0; i < 5; i++) {
    coordinator.coordinate(client.session, Request.of('COPY', 'from', `to${i}`), client.reply);
  }
  coordinator.settle();
  for (let i = 0; i < 5; i++) expect(client.take()).toBe(1);
  expectWhole();
});

it('a key is renamed while a snapshot is taken, though the log does not take its value as a whole', async () => {
  for (const value of ['1', '2', '3', '4']) client.run('RPUSH', 'from', large + value);
  const snapshot = storage.snapshot()[Symbol.asyncIterator]();
  await snapshot.next();
  expect(client.line('RENAME from to')).toBe('OK');
  while (!(await snapshot.next()).done);
  expectWhole();
});
