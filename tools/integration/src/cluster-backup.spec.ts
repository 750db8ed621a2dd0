/**
 * Backups of a cluster under writes, as of one timestamp. Transactions move something between the keys of a shard: a cut
 * through one has too much, or too little. And counters are written to one shard first, and then to another one: a cut never has
 * the second without the first.
 */
import { randomBelow, systemEnv } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { run } from '@holdfast/kvctl';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterProcesses } from './cluster-processes.js';
import { redisAddress, spawnGateway, temporaryDirectory } from './server.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const groups = 12;
const accounts = 10;
const balance = 1000;
const fillers = 3000;

async function kvctl(...argv: string[]): Promise<{ code: number; out: string; error: string }> {
  let [out, error] = ['', ''];
  const streams = {
    out: (text: string) => {
      out += text;
    },
    error: (text: string) => {
      error += text;
    },
  };
  return { code: await run(argv, { env: systemEnv(), streams }), out, error };
}

const account = (group: number, i: number): string => `{group ${group}}account ${i}`;
const first = (i: number): string => `{first ${i}}`;
const second = (i: number): string => `{second ${i}}`;

async function fill(client: Redis): Promise<void> {
  const pipeline = client.pipeline();
  for (let group = 0; group < groups; group++)
    for (let i = 0; i < accounts; i++) pipeline.set(account(group, i), balance);
  for (let i = 0; i < fillers; i++) pipeline.set(`filler ${i}`, 'x'.repeat(100));
  pipeline.hset('hash', { a: '1', b: '2' }).rpush('list', '1', '2').zadd('sorted', 1, 'a', 2, 'b');
  pipeline.sadd('set', 'a', 'b').xadd('stream', '1-1', 'field', 'value').pexpire('set', 3_600_000);
  for (const [error] of (await pipeline.exec()) ?? []) expect(error).toBeNull();
}

/** Transactions within shards, and pairs over two of them, until it is over; returns how many there were. */
async function write(
  client: Redis,
  id: number,
  random: SeededRandom,
  isOver: () => boolean,
): Promise<number> {
  let count = 0;
  while (!isOver()) {
    count++;
    const group = randomBelow(random, groups);
    const amount = randomBelow(random, 50);
    const moved = client
      .multi()
      .decrby(account(group, randomBelow(random, accounts)), amount)
      .incrby(account(group, randomBelow(random, accounts)), amount)
      .exec();
    await client.set(first(id), count);
    await client.set(second(id), count);
    await moved;
  }
  return count;
}

/** What holds at any one moment; returns how many pairs there are. */
async function verify(client: Redis, writers: number): Promise<number> {
  const balances = await Promise.all(
    Array.from({ length: groups }, (_, group) =>
      client.mget(Array.from({ length: accounts }, (_, i) => account(group, i))),
    ),
  );
  for (const each of balances)
    expect(each.reduce((sum, text) => sum + Number(text), 0)).toBe(accounts * balance);
  let pairs = 0;
  for (let id = 0; id < writers; id++) {
    const [a, b] = [Number(await client.get(first(id))), Number(await client.get(second(id)))];
    expect(a).toBeGreaterThanOrEqual(b);
    expect(a - b).toBeLessThanOrEqual(1);
    pairs += b;
  }
  return pairs;
}

/** Every key as it is, but for the time that is left. */
async function contentOf(client: Redis): Promise<Map<string, string>> {
  const keys = await client.keys('*');
  const told = await Promise.all(
    keys.flatMap((key) => [client.dumpBuffer(key), client.call('PEXPIRETIME', key)] as Promise<unknown>[]),
  );
  return new Map(
    keys.map((key, i) => [key, `${(told[2 * i] as Buffer).toString('base64')} ${told[2 * i + 1]}`]),
  );
}

describe.each(['memory', 'level'] as const)('a cluster with %s storage', (storage) => {
  let cluster: ClusterProcesses;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  const ends: (() => unknown)[] = [];

  beforeEach(async () => {
    directory = await temporaryDirectory();
    cluster = await ClusterProcesses.start({ nodes: 2, shards: 4, storage });
  }, 60_000);

  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
    await cluster.stop();
    await directory.remove();
  });

  it(`is backed up under writes as of one timestamp, and restored (HOLDFAST_SEED=${seed})`, async () => {
    const client = cluster.throughGateway();
    await fill(client);
    await client.call(
      'FUNCTION',
      'LOAD',
      "#!lua name=l\nredis.register_function('f', function() return 7 end)",
    );
    let isOver = false;
    const writers = 8;
    const writing = Array.from({ length: writers }, (_, id) =>
      write(cluster.throughGateway(), id, new SeededRandom(seed + id), () => isOver),
    );
    const files = [`${directory.path}/first`, `${directory.path}/second`];
    for (const file of files) {
      const { code, error } = await kvctl('backup', file, ...cluster.access);
      expect(code, error).toBe(0);
      expect(error).toContain('s3: snapshot, 4 of 4');
    }
    isOver = true;
    const written = (await Promise.all(writing)).reduce((sum, count) => sum + count, 0);
    const pairs: number[] = [];
    const contents: Map<string, string>[] = [];
    for (const file of files) {
      expect((await kvctl('check', file)).code).toBe(0);
      const restored = await restoredServer(file);
      pairs.push(await verify(restored, writers));
      contents.push(await contentOf(restored));
    }
    expect(pairs[0]).toBeGreaterThan(0);
    expect(pairs[1]).toBeGreaterThan(pairs[0]);
    expect(pairs[1]).toBeLessThanOrEqual(written);

    const gateway = cluster.gateway.addresses.redis;
    const refused = await kvctl('restore', files[0], '--to', gateway);
    expect([refused.code, refused.error]).toEqual([1, expect.stringContaining('nothing was restored')]);
    expect(await verify(client, writers)).toBe(written);
    await client.flushall();
    const refusedAgain = await kvctl('restore', files[0], '--to', gateway);
    expect([refusedAgain.code, refusedAgain.error]).toEqual([
      1,
      expect.stringContaining('functions already'),
    ]);
    await client.call('FUNCTION', 'FLUSH');
    const { code, error } = await kvctl('restore', files[0], '--to', gateway);
    expect(code, error).toBe(0);
    expect(await verify(client, writers)).toBe(pairs[0]);
    expect(await contentOf(client)).toEqual(contents[0]);
    expect(await client.call('FCALL', 'f', '1', 'any')).toBe(7);
  }, 90_000);

  async function restoredServer(file: string): Promise<Redis> {
    const dir = `${file}.data`;
    const { code, error } = await kvctl('restore', file, dir, '--storage', storage);
    expect(code, error).toBe(0);
    const server = spawnGateway({ storage, log: 'file', dir });
    const { port } = await redisAddress(server);
    const client = new Redis(port);
    ends.push(
      () => server.kill(),
      () => client.disconnect(),
    );
    return client;
  }
});
