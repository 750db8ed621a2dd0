import { Request } from '@holdfast/common';
import { SeededRandom, SimulatedEnv } from '@holdfast/common/testing';
import { MemoryLog, MemoryLogStore } from '@holdfast/log/testing';
import { MemoryStorage } from '@holdfast/storage';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalCommitter } from './local-committer.js';
import { LocalServer, type TestClient } from './testing/index.js';

/** Far below that of the log in files, and above what gathers in a turn. */
const batchBytesMax = 2_000_000;
const refusal = `the write has more than ${batchBytesMax} bytes, too many for the log`;
const large = 'x'.repeat(900_000);

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
    for (const key of ['a', 'b', 'c']) client.run('SET', key, large);
    expect(client.line('EXEC')).toEqual(new Error(`EXECABORT Transaction discarded because of: ${refusal}`));
    expect(client.line('EXISTS a b c')).toBe(0);
    expectWhole();
  });

  it('a script, where it comes to that', () => {
    const script = `for i = 1, 3 do redis.call('SET', 'k' .. i, string.rep('x', 900000)) end`;
    expect(String(client.run('EVAL', script, '0'))).toContain(refusal);
    expect(client.line('EXISTS k1 k2 k3')).toBe(2);
    expectWhole();
  });

  it('copies of large values in one transaction, those that are too many', () => {
    client.run('SET', 'from', large);
    client.line('MULTI');
    for (const key of ['a', 'b', 'c']) client.line(`COPY from ${key}`);
    expect(client.line('EXEC')).toEqual([1, 1, new Error(`ERR ${refusal}`)]);
    expectWhole();
  });

  it('a copy of a collection, and what it would have replaced stays', () => {
    for (const value of ['1', '2', '3']) client.run('RPUSH', 'from', large + value);
    client.line('SET to kept');
    expect(client.line('COPY from to REPLACE')).toEqual(new Error(`ERR ${refusal}`));
    expect(client.line('MOVE from 1')).toEqual(new Error(`ERR ${refusal}`));
    expect(client.line('GET to')).toBe('kept');
    expect(client.line('LLEN from')).toBe(3);
    expectWhole();
  });

  it('a stored result, and what it would have replaced stays', () => {
    const members = (name: string) => Array.from({ length: 4 }, (_, i) => name + i + 'x'.repeat(200_000));
    for (const name of ['a', 'b', 'c']) client.run('SADD', name, ...members(name));
    client.line('SET to kept');
    expect(client.line('SUNIONSTORE to a b c')).toEqual(new Error(`ERR ${refusal}`));
    expect(client.line('GET to')).toBe('kept');
    expect(client.line('SUNIONSTORE to a b')).toBe(8);
    expectWhole();
  });

  it('one command over many keys', () => {
    expect(client.run('MSET', 'a', large, 'b', large, 'c', large)).toEqual(new Error(`ERR ${refusal}`));
    expectWhole();
  });
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
  for (const value of ['1', '2', '3']) client.run('RPUSH', 'from', large + value);
  const snapshot = storage.snapshot()[Symbol.asyncIterator]();
  await snapshot.next();
  expect(client.line('RENAME from to')).toBe('OK');
  while (!(await snapshot.next()).done);
  expectWhole();
});
