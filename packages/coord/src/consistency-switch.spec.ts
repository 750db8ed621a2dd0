import { ErrorReply, KvError, randomBelow } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { MemoryEtcd, MemoryEtcdStore } from '@holdfast/etcd/testing';
import type { Disk } from '@holdfast/log';
import { SimulatedDisk, SimulatedNetwork } from '@holdfast/log/testing';
import { describe, expect, it } from 'vitest';
import { Caller } from './caller.js';
import { EtcdLayout } from './cluster/etcd-layout.js';
import { serverLogOf } from './cluster/etcd-shard-log.js';
import type { SharedLog } from './consistency-switch.js';
import { type LocalStack, openLocalStack } from './local-stack.js';
import { keepIntervalMs } from './replicated/limits.js';
import { Turns } from './turns.js';

/** A machine, and the etcd that it reaches over a network. Each start is a process of its own. */
class World {
  readonly env: SimulatedEnv;
  readonly disk: SimulatedDisk;
  readonly network: SimulatedNetwork;
  readonly #etcd = new MemoryEtcd();
  shared!: SharedLog;
  fatal: KvError | null = null;
  #name = '';
  #starts = 0;
  #die: () => void = () => {};
  #closeClient: () => void = () => {};

  constructor(seed: number) {
    this.env = new SimulatedEnv(seed);
    this.disk = new SimulatedDisk(seed);
    this.network = new SimulatedNetwork(this.env, 100);
    this.network.setFaults({ delayMs: [1, 5], loss: 0, duplication: 0, lateness: 0 });
  }

  start(parameters: Readonly<Record<string, string>> = {}): Promise<LocalStack> {
    const name = `process ${++this.#starts}`;
    this.#name = name;
    this.shared = this.#sharedOf(name);
    const { die, disk } = mortal(this.disk);
    this.#die = die;
    return openLocalStack({
      env: this.env,
      disk,
      storage: 'memory',
      log: 'file',
      fsync: 'always',
      directory: '/data',
      segmentBytes: 1 << 20,
      parameters: new Map(Object.entries(parameters)),
      openShared: async () => this.shared,
      leaseMs: 300,
      onFatal: (error) => {
        this.fatal = error;
      },
    });
  }

  /** As the server does when it is told of its etcd anew: what went through the client before fails from now on. */
  reconnect(): SharedLog {
    this.#closeClient();
    this.shared = this.#sharedOf(this.#name);
    return this.shared;
  }

  partition(): void {
    this.network.partition(this.#name);
  }

  heal(): void {
    this.network.heal(this.#name);
  }

  /** The power goes: the process reaches nothing any more, whatever it still believes. */
  crash(): void {
    this.partition();
    this.#die();
    this.disk.crash();
  }

  #sharedOf(name: string): SharedLog {
    let isClosed = false;
    this.#closeClient = () => {
      isClosed = true;
    };
    const closed = new KvError('CLOSED', 'the client of etcd is closed');
    const etcd = new MemoryEtcdStore({
      etcd: this.#etcd,
      call: (operate) => (isClosed ? Promise.reject(closed) : this.network.call(name, operate)),
      notify: (run) => this.network.notify(name, run),
    });
    const layout = new EtcdLayout('holdfast/');
    return serverLogOf({ etcd, env: this.env, layout, shard: 'server', node: 'server' });
  }
}

/** A disk that answers nobody any more once its process has died. */
function mortal(disk: SimulatedDisk): { readonly disk: Disk; readonly die: () => void } {
  let isDead = false;
  const get = (target: SimulatedDisk, name: keyof SimulatedDisk): unknown => {
    const member = target[name] as unknown;
    if (typeof member !== 'function') return member;
    return (...args: unknown[]) => (isDead ? new Promise(() => {}) : member.apply(target, args));
  };
  const die = (): void => {
    isDead = true;
  };
  return { disk: new Proxy(disk, { get: get as never }), die };
}

/** Clients that count, push and wait, and know what they were told. */
class Load {
  counted = 0;
  readonly pushed: string[] = [];
  readonly popped: string[] = [];
  readonly errors: string[] = [];
  longestMs = 0;
  readonly #env: SimulatedEnv;
  readonly #stack: LocalStack;
  readonly #turns: Turns;
  #isOver = false;
  #isAbandoned = false;
  #versions: number[] = [];
  readonly #running: Promise<void>[] = [];

  constructor(world: World, stack: LocalStack) {
    this.#env = world.env;
    this.#stack = stack;
    this.#turns = new Turns(stack.coordinator, world.env.timers);
    for (let client = 0; client < 6; client++) this.#running.push(this.#write(client));
    this.#running.push(this.#pop());
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  /** A client whose server died never hears of it. */
  abandon(): void {
    this.#isOver = true;
    this.#isAbandoned = true;
  }

  run(...args: string[]): Promise<unknown> {
    return this.#open()
      .run(args)
      .then(({ value }) => value);
  }

  /** In the order in which they were acknowledged. */
  get versions(): readonly number[] {
    return this.#versions;
  }

  #open(): Caller {
    const options = { protocol: 'test', address: '', localAddress: '' };
    return Caller.open(this.#stack.coordinator, this.#turns, options)!;
  }

  async #write(client: number): Promise<void> {
    const caller = this.#open();
    for (let i = 0; !this.#isOver; i++) {
      await this.#env.sleep(randomBelow(this.#env.random, 8));
      const isCount = randomBelow(this.#env.random, 2) === 0;
      const value = `${client}:${i}`;
      const beganMs = this.#env.clock.monotonic();
      const answer = await caller.run(isCount ? ['INCR', 'count'] : ['RPUSH', 'queue', value]);
      if (this.#isAbandoned) return;
      this.longestMs = Math.max(this.longestMs, this.#env.clock.monotonic() - beganMs);
      if (answer.value instanceof ErrorReply) {
        this.errors.push(answer.value.message);
        continue;
      }
      if (isCount) {
        this.counted++;
        this.#versions.push(answer.version);
      } else {
        this.pushed.push(value);
      }
    }
  }

  /** Waits for keys across the switches. */
  async #pop(): Promise<void> {
    const caller = this.#open();
    while (!this.#isOver) {
      const { value } = await caller.run(['BLPOP', 'queue', '0.5']);
      if (this.#isAbandoned) return;
      if (Array.isArray(value)) this.popped.push(String(value[1]));
      if (!(value instanceof ErrorReply)) continue;
      this.errors.push(value.message);
      await this.#env.sleep(5);
    }
  }
}

function textOf(value: unknown): string[] {
  return (value as unknown[]).map(String);
}

describe('a switch under load', () => {
  it('loses nothing that was acknowledged, fails nothing, and holds nobody up for long', {
    timeout: 240_000,
  }, async () => {
    for (let seed = 1; seed <= 3; seed++) {
      const world = new World(seed);
      const { env } = world;
      const stack = await env.until(world.start());
      const load = new Load(world, stack);
      for (let i = 0; i < 3; i++) {
        await env.until(env.sleep(50));
        expect(await env.until(stack.setConsistency('replicated', world.shared))).toBeLessThan(500);
        expect([stack.consistency, stack.replica?.role]).toEqual(['replicated', 'leader']);
        await env.until(env.sleep(700));
        expect(await env.until(stack.setConsistency('local'))).toBeLessThan(500);
        expect(stack.consistency).toBe('local');
      }
      await env.until(load.end());
      expect(load.errors, `seed ${seed}`).toEqual([]);
      expect(load.longestMs).toBeLessThan(500);
      expect(await env.until(load.run('GET', 'count'))).toEqual(Buffer.from(String(load.counted)));
      const left = textOf(await env.until(load.run('LRANGE', 'queue', '0', '-1')));
      expect([...load.popped, ...left].sort()).toEqual([...load.pushed].sort());
      expect(load.versions).toEqual([...load.versions].sort((a, b) => a - b));
      await env.until(stack.close());
      expect(world.fatal).toBeNull();
    }
  });

  it('is there after a start, wherever the log is, with what was written on the way', {
    timeout: 240_000,
  }, async () => {
    const world = new World(7);
    const { env } = world;
    let counted = 0;
    for (const next of ['replicated', 'local', 'replicated', 'local'] as const) {
      const stack = await env.until(world.start());
      const load = new Load(world, stack);
      await env.until(env.sleep(600));
      await env.until(stack.setConsistency(next, world.shared));
      await env.until(env.sleep(200));
      if (next === 'local') await env.until(stack.persistence!.take());
      await env.until(load.end());
      counted += load.counted;
      expect(await env.until(load.run('GET', 'count'))).toEqual(Buffer.from(String(counted)));
      await env.until(stack.close());
    }
  });

  it('goes through the new client of etcd, where what is left of an earlier switch went through one that is closed', async () => {
    const world = new World(8);
    const { env } = world;
    const stack = await env.until(world.start());
    const load = new Load(world, stack);
    await env.until(load.end());
    for (let i = 1; i <= 4; i++) {
      await env.until(stack.setConsistency('replicated', world.reconnect()));
      expect([i, stack.replica?.role]).toEqual([i, 'leader']);
      expect(await env.until(load.run('INCR', 'n'))).toBe(3 * i - 2);
      // So the log begins in etcd: with what was written since.
      await env.until(stack.persistence!.take());
      expect(await env.until(load.run('INCR', 'n'))).toBe(3 * i - 1);
      await env.until(env.sleep(2 * keepIntervalMs));
      await env.until(stack.setConsistency('local'));
      expect(await env.until(load.run('INCR', 'n'))).toBe(3 * i);
    }
    await env.until(stack.close());
  });

  it('begins the history anew in memory, then with files, where it goes on over a restart', async () => {
    const world = new World(9);
    const { env } = world;
    const start = (): Promise<LocalStack> => env.until(world.start({ 'history-bytes': '1mb' }));
    let stack = await start();
    const count = async (times: number): Promise<void> => {
      const load = new Load(world, stack);
      await env.until(load.end());
      for (let i = 0; i < times; i++) await env.until(load.run('INCR', 'n'));
    };
    await count(3);
    const early = stack.history.newest;
    const waiting = stack.history.waitBeyond(early);
    await env.until(stack.setConsistency('replicated', world.shared));
    await env.until(waiting);
    await expect(stack.history.read(early)).rejects.toMatchObject({ code: 'COMPACTED' });
    const begun = stack.history.oldest;
    await count(3);
    expect((await stack.history.read(begun)).commits.length).toBeGreaterThanOrEqual(3);
    const replicated = stack.history.newest;
    await env.until(stack.setConsistency('local'));
    for (const version of [early, begun, replicated])
      await expect(stack.history.read(version)).rejects.toMatchObject({ code: 'COMPACTED' });
    const { oldest } = stack.history;
    await count(3);
    const { commits } = await env.until(stack.history.read(oldest));
    expect(commits.length).toBeGreaterThanOrEqual(3);
    await env.until(stack.close());
    stack = await start();
    expect(stack.history.oldest).toBe(oldest);
    expect((await env.until(stack.history.read(oldest))).commits).toEqual(commits);
    await env.until(stack.close());
  });

  it('lets a history be switched on and off while the log is shared', async () => {
    const world = new World(10);
    const { env } = world;
    const stack = await env.until(world.start());
    const load = new Load(world, stack);
    await env.until(load.end());
    await env.until(stack.setConsistency('replicated', world.shared));
    await expect(stack.history.read(0)).rejects.toMatchObject({ code: 'INVALID' });
    await env.until(load.run('CONFIG', 'SET', 'history-bytes', '1mb'));
    await env.until(load.run('SET', 'a', '1'));
    const { newest, oldest } = stack.history;
    expect(oldest).toBeGreaterThan(0);
    await env.until(load.run('SET', 'b', '1'));
    expect((await stack.history.read(newest)).commits).toHaveLength(1);
    const waiting = stack.history.waitBeyond(stack.history.newest);
    await env.until(load.run('CONFIG', 'SET', 'history-bytes', '0'));
    await env.until(waiting);
    await expect(stack.history.read(oldest)).rejects.toMatchObject({ code: 'INVALID' });
    await env.until(stack.close());
  });

  it('is finished or undone after a power cut in the middle of it', { timeout: 240_000 }, async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = new World(seed);
      const { env } = world;
      const stack = await env.until(world.start());
      const load = new Load(world, stack);
      await env.until(env.sleep(30));
      const cutMs = randomBelow(env.random, 60);
      const switched = stack.setConsistency('replicated', world.shared);
      switched.catch(() => {});
      if (randomBelow(env.random, 2) === 0) {
        await env.until(switched);
        stack.setConsistency('local').catch(() => {});
      }
      await env.until(env.sleep(cutMs));
      load.abandon();
      const { counted } = load;
      const pushed = [...load.pushed];
      world.crash();
      await env.until(env.sleep(500));

      const again = await env.until(world.start());
      const after = new Load(world, again);
      await env.until(env.sleep(1500));
      await env.until(after.end());
      const count = Number(await env.until(after.run('GET', 'count')));
      expect(count, `seed ${seed}`).toBeGreaterThanOrEqual(counted + after.counted);
      const left = textOf(await env.until(after.run('LRANGE', 'queue', '0', '-1')));
      const there = new Set([...load.popped, ...after.popped, ...left]);
      // What was popped and not told of it is gone, and that is one at most.
      expect(pushed.filter((value) => !there.has(value)).length, `seed ${seed}`).toBeLessThanOrEqual(1);
      expect(
        after.errors.filter((error) => !error.startsWith('TRYAGAIN')),
        `seed ${seed}`,
      ).toEqual([]);
      await env.until(again.close());
    }
  });

  it('keeps what a replica had to build again, after it was cut off from etcd', {
    timeout: 240_000,
  }, async () => {
    const world = new World(11);
    const { env } = world;
    const stack = await env.until(world.start());
    await env.until(stack.setConsistency('replicated', world.shared));
    const before = stack.storage;
    const load = new Load(world, stack);
    await env.until(env.sleep(200));
    world.partition();
    await env.until(env.sleep(1000));
    world.heal();
    await env.until(env.sleep(2000));
    await env.until(load.end());
    expect(stack.storage === before).toBe(false);
    const count = Number(await env.until(load.run('GET', 'count')));
    expect(count).toBeGreaterThanOrEqual(load.counted);
    await env.until(stack.setConsistency('local'));
    await env.until(load.run('SET', 'after', 'switch'));
    await env.until(stack.persistence!.take());
    await env.until(stack.close());
    const again = await env.until(world.start());
    const after = new Load(world, again);
    after.abandon();
    expect(Number(await env.until(after.run('GET', 'count')))).toBeGreaterThanOrEqual(count);
    expect(await env.until(after.run('GET', 'after'))).toEqual(Buffer.from('switch'));
    await env.until(again.close());
  });

  it('does not come to be when etcd can not be reached, and changes nothing', {
    timeout: 240_000,
  }, async () => {
    const world = new World(3);
    const { env } = world;
    const stack = await env.until(world.start());
    const load = new Load(world, stack);
    world.partition();
    await expect(env.until(stack.setConsistency('replicated', world.shared))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(stack.consistency).toBe('local');
    await env.until(load.end());
    expect(load.errors).toEqual([]);
    world.heal();
    await env.until(stack.close());
  });
});
