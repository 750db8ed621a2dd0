/**
 * Backups of a cluster under writes, as of one timestamp. Transactions move something between the keys of a shard: a cut
 * through one has too much, or too little. And counters are written to one shard first, and then to another one: a cut never has
 * the second without the first.
 */
import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { kvctl, telling } from '@holdfast/kvctl/testing';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ClusterProcesses } from './cluster-processes.js';
import { redisAddress, spawnGateway, temporaryDirectory } from './server.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const groups = 12;
const accounts = 10;
const balance = 1000;
const fillers = 3000;

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

/**
 * Transactions within shards, and pairs over two of them, until it is over; returns how many there were. With `isBroken`
 * writes may fail, and a pair whose first one did is left out. `from`: above what was written to the same keys before, since between
 * the first key of a pair and the second one the latter has what it had.
 */
async function write(
  client: Redis,
  id: number,
  random: SeededRandom,
  isOver: () => boolean,
  isBroken = false,
  from = 0,
): Promise<number> {
  const done = async (writing: Promise<unknown>): Promise<boolean> => {
    try {
      await writing;
      return true;
    } catch (error) {
      if (!isBroken) throw error;
      return false;
    }
  };
  let count = from;
  while (!isOver()) {
    count++;
    const group = randomBelow(random, groups);
    const amount = randomBelow(random, 50);
    const moved = done(
      client
        .multi()
        .decrby(account(group, randomBelow(random, accounts)), amount)
        .incrby(account(group, randomBelow(random, accounts)), amount)
        .exec(),
    );
    if (await done(client.set(first(id), count))) await done(client.set(second(id), count));
    await moved;
  }
  return count - from;
}

/** What holds at any one moment; returns how many pairs there are. */
async function verify(client: Redis, writers: number, isBroken = false): Promise<number> {
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
    if (!isBroken) expect(a - b).toBeLessThanOrEqual(1);
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
    const { client, end } = await restore(file, storage);
    ends.push(end);
    return client;
  }
});

/** A server of its own with what is in a backup. */
async function restore(
  file: string,
  storage: 'memory' | 'level',
): Promise<{ client: Redis; end: () => Promise<void> }> {
  const dir = `${file}.data`;
  const { code, error } = await kvctl('restore', file, dir, '--storage', storage);
  expect(code, error).toBe(0);
  const server = spawnGateway({ storage, log: 'file', dir });
  const { port } = await redisAddress(server);
  const client = new Redis(port);
  const end = async (): Promise<void> => {
    client.disconnect();
    await server.kill();
  };
  return { client, end };
}

describe('a cluster whose shards change their leaders', () => {
  /** Pairs of one time. */
  const pairsMax = 1_000_000;
  let written = 0;
  let cluster: ClusterProcesses;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    cluster = await ClusterProcesses.start({ nodes: 3, shards: 3 });
    await fill(cluster.throughGateway());
  }, 60_000);

  afterAll(async () => {
    await cluster?.stop();
    await directory?.remove();
  });

  /** Backs up while clients write, and looks at what is restored; what the command told. */
  async function backedUp(name: string, onNote: (text: string) => void): Promise<string> {
    const file = `${directory.path}/${name}`;
    let isOver = false;
    const from = written++ * pairsMax;
    const clients = Array.from({ length: 4 }, () => cluster.throughGateway());
    const writing = clients.map((client, id) =>
      write(client, id, new SeededRandom(seed + id), () => isOver, true, from),
    );
    const { code, error } = await telling(onNote, 'backup', file, ...cluster.access);
    isOver = true;
    await Promise.all(writing);
    expect(code, error).toBe(0);
    expect((await kvctl('check', file)).code).toBe(0);
    const { client, end } = await restore(file, 'memory');
    await verify(client, clients.length, true);
    await end();
    return error;
  }

  /** Gives the lead of each shard to the next node, again and again. */
  async function moveLeads(isOver: () => boolean): Promise<number> {
    let moved = 0;
    for (let turn = 1; !isOver(); turn++) {
      for (const [i, shard] of ['s0', 's1', 's2'].entries()) {
        const to = cluster.nodes[(i + turn) % cluster.nodes.length].name;
        const { code } = await kvctl('leader', 'move', shard, to, ...cluster.access);
        if (code === 0) moved++;
      }
    }
    return moved;
  }

  it(`is backed up while leads are handed over (HOLDFAST_SEED=${seed})`, async () => {
    let isOver = false;
    const moving = moveLeads(() => isOver);
    for (let i = 0; i < 2; i++) await backedUp(`moved ${i}`, () => {});
    isOver = true;
    expect(await moving).toBeGreaterThan(1);
  }, 60_000);

  it.each([
    ['its snapshot is asked for', /s1: snapshot/],
    ['its log is asked for', /as of version/],
  ])(
    `is backed up when a leader is killed as ${'%s'} (HOLDFAST_SEED=${seed})`,
    async (_, when) => {
      const victim = cluster.nodes.find(({ name }) => name === 'n2')!;
      await kvctl('leader', 'move', 's1', victim.name, ...cluster.access);
      let killed: Promise<void> | null = null;
      await backedUp(`killed ${when.source}`, (text) => {
        if (when.test(text)) killed ??= victim.kill();
      });
      expect(killed).not.toBeNull();
      await killed;
      await victim.start();
      await cluster.ready();
    },
    60_000,
  );
});

describe('a cluster whose replicas keep a history', () => {
  let cluster: ClusterProcesses;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    cluster = await ClusterProcesses.start({ nodes: 2, shards: 2, flags: ['--history-bytes', '20mb'] });
  }, 60_000);

  afterAll(async () => {
    await cluster?.stop();
    await directory?.remove();
  });

  async function restoredAsOf(version: number, name: string): Promise<Map<string, string>> {
    const file = `${directory.path}/all.backup`;
    const dir = `${directory.path}/${name}`;
    const asOf = ['--as-of', String(version), '--history', 'cluster'];
    const { code, error } = await kvctl('restore', file, dir, ...asOf, ...cluster.access);
    expect(code, error).toBe(0);
    const server = spawnGateway({ log: 'file', dir });
    const client = new Redis((await redisAddress(server)).port);
    const content = await contentOf(client);
    client.disconnect();
    await server.kill();
    return content;
  }

  it('is restored as of any version behind its backup, also when those who led are gone', async () => {
    const client = cluster.throughGateway();
    const file = `${directory.path}/all.backup`;
    const write = (round: number): Promise<unknown> =>
      Promise.all(Array.from({ length: 200 }, (_, i) => client.rpush(`list ${i % 20}`, `${round} ${i}`)));
    await write(0);
    expect((await kvctl('backup', file, ...cluster.access)).code).toBe(0);
    await write(1);
    const content = await contentOf(client);
    const { code, out } = await kvctl('backup', `${directory.path}/later`, '--json', ...cluster.access);
    expect(code).toBe(0);
    const { version } = JSON.parse(out) as { version: number };
    await write(2);
    expect(await restoredAsOf(version, 'first')).toEqual(content);
    // Each shard goes to the other node, and the one that led it has nothing of before any more.
    for (const shard of ['s0', 's1']) await kvctl('leader', 'move', shard, 'n2', ...cluster.access);
    const [n1] = cluster.nodes;
    await n1.kill();
    await n1.start();
    for (const shard of ['s0', 's1']) await kvctl('leader', 'move', shard, 'n1', ...cluster.access);
    await write(3);
    expect(await restoredAsOf(version, 'second')).toEqual(content);
    const refused = await kvctl('restore', file, `${directory.path}/x`, '--as-of', String(version));
    expect([refused.code, refused.error]).toEqual([1, expect.stringContaining('--history')]);
    await expect(client.config('SET', 'history-bytes', '1')).rejects.toThrow('a setting of each node');
  }, 60_000);
});
