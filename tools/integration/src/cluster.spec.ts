/** A cluster of processes, as its clients see it: through the gateway, and straight at the nodes. Needs a build. */
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '@holdfast/client';
import { storeConformance } from '@holdfast/client/testing';
import { describe, expect, it } from 'vitest';
import type { ClusterProcesses } from './cluster-processes.js';
import { keysOfShards, withThreeShards } from './three-shards.js';

/** From the death of a leader to the first write that another one acknowledges, in ms. */
const failoverMsMax = 3000;

const [a, b, c] = keysOfShards;

let cluster: ClusterProcesses;

withThreeShards((started) => {
  cluster = started;
});

describe('a client of the gateway', () => {
  it('sees one server', async () => {
    const redis = cluster.throughGateway();
    await redis.mset({ [a]: 1, [b]: 2, [c]: 3 });
    expect(await redis.mget(a, b, c, 'none')).toEqual(['1', '2', '3', null]);
    const replies = await redis.pipeline().incr(a).incr(b).incr(c).get(a).strlen(b).exec();
    expect(replies?.map(([, reply]) => reply)).toEqual([2, 3, 4, '2', 1]);
    expect(await redis.dbsize()).toBe(3);
    expect((await redis.keys('*')).sort()).toEqual([a, b, c]);
    expect(await redis.del(a, b, c)).toBe(3);
    expect(await redis.info('server')).toContain('redis_mode:standalone');
  });

  it('has transactions, scripts and watched keys within a shard', async () => {
    const redis = cluster.throughGateway();
    const other = cluster.throughGateway();
    await redis.set('{t}x', '5');
    const results = await redis.multi().incr('{t}x').get('{t}x').exec();
    expect(results?.map(([, reply]) => reply)).toEqual([6, '6']);
    await redis.watch('{t}x');
    await other.set('{t}x', 'other');
    expect(await redis.multi().set('{t}x', 'mine').exec()).toBeNull();
    expect(await redis.eval("return redis.call('GET', KEYS[1])", 1, '{t}x')).toBe('other');
    await expect(redis.eval('return 1', 2, a, b)).rejects.toThrow('CROSSSLOT');
    await expect(redis.rename(a, b)).rejects.toThrow('CROSSSLOT');
  });

  it('waits for keys, and hears messages', async () => {
    const redis = cluster.throughGateway();
    const waiter = cluster.throughGateway();
    const popped = waiter.blpop('{q}list', 10);
    await pause(50);
    await redis.rpush('{q}list', 'job');
    expect(await popped).toEqual(['{q}list', 'job']);
    const subscriber = cluster.throughGateway();
    const heard: string[] = [];
    subscriber.on('message', (channel: string, message: string) => heard.push(`${channel}: ${message}`));
    subscriber.on('smessage', (channel: string, message: string) => heard.push(`${channel}; ${message}`));
    await subscriber.subscribe('news', 'sport');
    await subscriber.ssubscribe('shard-news');
    expect(await redis.publish('news', '1')).toBe(1);
    expect(await redis.publish('sport', '2')).toBe(1);
    expect(await redis.spublish('shard-news', '3')).toBe(1);
    await expect.poll(() => [...heard].sort()).toEqual(['news: 1', 'shard-news; 3', 'sport: 2']);
  });

  it('passes over the keys of all shards', async () => {
    const redis = cluster.throughGateway();
    const keys = Array.from({ length: 300 }, (_, i) => `scan:${i}`);
    await Promise.all(keys.map((key) => redis.set(key, 'v')));
    const found: string[] = [];
    let cursor = '0';
    do {
      const [next, page] = await redis.scan(cursor, 'MATCH', 'scan:*', 'COUNT', 40);
      found.push(...page);
      cursor = next;
    } while (cursor !== '0');
    expect(found.sort()).toEqual(keys.sort());
    await redis.flushall();
    expect(await redis.dbsize()).toBe(0);
  });
});

describe('our client, over gRPC', () => {
  for (const { name, run } of storeConformance) {
    it(name, async () => {
      const store = connect({ address: cluster.gateway.addresses.grpc });
      await store.execute(['FLUSHALL']);
      await run(store);
      await store.close();
    }, 60_000);
  }
});

describe('a client of Redis Cluster', () => {
  it('finds the nodes that lead, and what the gateway wrote', async () => {
    const redis = cluster.throughGateway();
    const straight = cluster.straight();
    await redis.mset({ [a]: 'from', [b]: 'the', [c]: 'gateway' });
    expect(await Promise.all([a, b, c].map((key) => straight.get(key)))).toEqual(['from', 'the', 'gateway']);
    await Promise.all([a, b, c].map((key) => straight.set(key, `${key} straight`)));
    expect(await redis.mget(a, b, c)).toEqual(['a straight', 'b straight', 'c straight']);
    expect(await straight.multi().set('{m}1', 'x').get('{m}1').exec()).toEqual([
      [null, 'OK'],
      [null, 'x'],
    ]);
    await expect(straight.mget(a, b)).rejects.toThrow('CROSSSLOT');
  });

  it('is told where else to go', async () => {
    const leader = await cluster.leaderOf(a);
    const other = cluster.nodes.find((node) => node !== leader)!;
    const { Redis } = await import('ioredis');
    const node = new Redis(other.port('redis'));
    await expect(node.get(a)).rejects.toThrow(`MOVED 15495 127.0.0.1:${leader.port('redis')}`);
    await node.readonly();
    await expect.poll(() => node.get(a)).toBe('a straight');
    await expect(node.set(a, '1')).rejects.toThrow('MOVED 15495');
    expect(await node.cluster('INFO')).toContain('cluster_state:ok');
    expect(String(await node.cluster('NODES')).match(/master|slave/g)).toHaveLength(3);
    expect(await node.cluster('MYID')).toMatch(/^[0-9a-f]{40}$/);
    node.disconnect();
  });

  it('hears messages that were published anywhere', async () => {
    const [subscriber, publisher] = [cluster.straight(), cluster.straight()];
    const heard: string[] = [];
    subscriber.on('message', (_channel: string, message: string) => heard.push(message));
    await subscriber.subscribe('everywhere');
    await publisher.publish('everywhere', 'straight');
    await cluster.throughGateway().publish('everywhere', 'gateway');
    await expect.poll(() => [...heard].sort()).toEqual(['gateway', 'straight']);
  });
});

describe('when a leader is gone', () => {
  it('that was killed, writes go on soon, and nothing that was acknowledged is lost', async () => {
    const leader = await cluster.leaderOf(a);
    const writer = new Writer(cluster, '{a}');
    await pause(300);
    await leader.kill();
    const diedMs = performance.now();
    await expect.poll(() => writer.lastAcknowledgedMs, { timeout: 15_000 }).toBeGreaterThan(diedMs + 500);
    const gapMs = writer.firstAfter(diedMs + 50) - diedMs;
    await writer.stop();
    console.log(`writes went on ${Math.round(gapMs)} ms after the leader was killed`);
    expect(gapMs).toBeLessThan(failoverMsMax);
    expect(await writer.missing()).toEqual([]);
    await leader.start();
    await cluster.ready();
  }, 60_000);

  it('that was ended in order, nothing is left unknown', async () => {
    const leader = await cluster.leaderOf(a);
    const writer = new Writer(cluster, '{a}');
    await pause(300);
    expect(await leader.stop()).toBe(0);
    const endedMs = performance.now();
    await expect.poll(() => writer.lastAcknowledgedMs, { timeout: 15_000 }).toBeGreaterThan(endedMs + 200);
    await writer.stop();
    expect(writer.errors).toEqual([]);
    expect(await writer.missing()).toEqual([]);
    await leader.start();
    await cluster.ready();
    expect((await cluster.leaderOf(a)).name).not.toBe(leader.name);
  }, 60_000);
});

describe('when a leader is ended in order while another node is down', () => {
  it('one that is up leads at once', async () => {
    const leader = await cluster.leaderOf(a);
    const at = cluster.nodes.indexOf(leader);
    // The one that would be the next.
    const down = cluster.nodes[(at + 1) % cluster.nodes.length];
    await down.kill();
    await pause(3000);
    await cluster.ready();
    const writer = new Writer(cluster, '{a}');
    await pause(300);
    const beganMs = performance.now();
    expect(await leader.stop()).toBe(0);
    await expect
      .poll(() => writer.lastAcknowledgedMs, { timeout: 15_000 })
      .toBeGreaterThan(performance.now() + 200);
    await writer.stop();
    expect(writer.longestGapMs(beganMs)).toBeLessThan(1500);
    expect(writer.errors).toEqual([]);
    expect(await writer.missing()).toEqual([]);
    await leader.start();
    await down.start();
    await cluster.ready();
  }, 60_000);
});

describe('a node that lost its disk', () => {
  it('has everything again, also what the logs hold no more', async () => {
    const redis = cluster.throughGateway();
    const value = 'v'.repeat(10_000);
    const [lost] = cluster.nodes;
    for (let i = 0; i < 60; i++) await redis.set(`{a}big:${i}`, `${i} ${value}`);
    // The log of their shard begins later than it did.
    await expect.poll(() => cluster.logStart('s2'), { timeout: 30_000 }).toBeGreaterThan(1);
    expect(await lost.stop()).toBe(0);
    await cluster.lose(lost);
    await redis.set('{a}big:0', 'newest');
    await lost.start();
    const { Redis } = await import('ioredis');
    const replica = new Redis(lost.port('redis'));
    await replica.readonly();
    await expect.poll(() => replica.get('{a}big:0').catch(String), { timeout: 30_000 }).toBe('newest');
    for (let i = 1; i < 60; i++) expect(await replica.get(`{a}big:${i}`)).toBe(`${i} ${value}`);
    replica.disconnect();
  }, 120_000);
});

/** Writes keys of one shard, one after the other, through the gateway and straight, and remembers what was acknowledged. */
class Writer {
  readonly errors: string[] = [];
  readonly #cluster: ClusterProcesses;
  readonly #acknowledged: string[] = [];
  readonly #timesMs: number[] = [];
  readonly #running: Promise<void>[];
  #isStopped = false;

  constructor(processes: ClusterProcesses, tag: string) {
    this.#cluster = processes;
    const clients = [processes.throughGateway(), processes.throughGateway()];
    this.#running = clients.map((client, i) => this.#write((key) => client.set(key, key), `${tag}${i}:`));
  }

  get lastAcknowledgedMs(): number {
    return this.#timesMs.at(-1) ?? 0;
  }

  /** For how long after that moment no write was acknowledged. */
  longestGapMs(sinceMs: number): number {
    const timesMs = [sinceMs, ...this.#timesMs.filter((timeMs) => timeMs > sinceMs)];
    return Math.max(...timesMs.slice(1).map((timeMs, i) => timeMs - timesMs[i]));
  }

  /** When the first write was acknowledged after that moment. */
  firstAfter(ms: number): number {
    return this.#timesMs.find((timeMs) => timeMs > ms) ?? Number.POSITIVE_INFINITY;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  /** Keys that were acknowledged and are not there. */
  async missing(): Promise<string[]> {
    const reader = this.#cluster.throughGateway();
    const values = await Promise.all(this.#acknowledged.map((key) => reader.get(key)));
    return this.#acknowledged.filter((key, i) => values[i] !== key);
  }

  async #write(set: (key: string) => Promise<unknown>, prefix: string): Promise<void> {
    for (let i = 0; !this.#isStopped; i++) {
      const key = `${prefix}${i}`;
      try {
        await set(key);
        this.#acknowledged.push(key);
        this.#timesMs.push(performance.now());
      } catch (error) {
        this.errors.push((error as Error).message);
      }
    }
  }
}
