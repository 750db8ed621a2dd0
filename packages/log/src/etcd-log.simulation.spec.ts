/**
 * EtcdLog over the twin of etcd: every suite within a moment, and faults on virtual time from seeds, among them
 * those of an etcd that answers reads with old data.
 */
import { type KvError, randomBelow, systemEnv } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { put, remove, type Transaction } from '@holdfast/etcd';
import { DisruptedStore, MemoryEtcd, MemoryEtcdStore } from '@holdfast/etcd/testing';
import { describe, expect, it } from 'vitest';
import type { Segment } from './chain.js';
import { EtcdLog } from './etcd-log.js';
import { EtcdRegister } from './etcd-register.js';
import { followIntervalMs, stagedEntriesMax } from './limits.js';
import type { Log, LogEntry } from './log.js';
import type { Segments } from './open-segments.js';
import { batchOf, entriesOf } from './testing/assertions.js';
import { Contest } from './testing/contest.js';
import { logConformance } from './testing/log-conformance.js';
import {
  type DisruptableLogStore,
  disruptedLogConformance,
  sharedLogConformance,
} from './testing/shared-log-conformance.js';
import { SimulatedNetwork } from './testing/simulated-network.js';
import { VirtualLog } from './virtual-log.js';

const prefix = 'log/';

/** Whether a transaction is an append itself, not a chunk, a fence or a question. */
function isAppend({ success }: Transaction): boolean {
  return success.some(
    ({ request }) => request?.$case === 'requestPut' && request.value.key.includes('/entries/'),
  );
}

function makeStore(): DisruptableLogStore {
  const env = systemEnv();
  const etcd = new MemoryEtcd();
  const stores = new Map<Log, DisruptedStore>();
  return {
    async open() {
      const store = new DisruptedStore(new MemoryEtcdStore({ etcd }), isAppend);
      const log = await EtcdLog.open({ etcd: store, env, prefix });
      stores.set(log, store);
      return log;
    },
    disrupt: (log, disruption) => stores.get(log)!.disrupt(disruption),
    deliverLate: (log) => stores.get(log)!.deliverLate(),
  };
}

describe('EtcdLog over the twin of etcd', () => {
  for (const { name, run } of [...logConformance, ...sharedLogConformance, ...disruptedLogConformance]) {
    it(name, () => run(makeStore()));
  }
});

/** A network, an etcd behind it, and clients of both by the names of their processes. */
class World {
  readonly env: SimulatedEnv;
  readonly network: SimulatedNetwork;
  readonly etcd = new MemoryEtcd();
  readonly #staleShare: number;

  constructor(seed: number, staleShare = 0) {
    this.env = new SimulatedEnv(seed);
    this.network = new SimulatedNetwork(this.env, 100);
    this.#staleShare = staleShare;
  }

  store(name: string): MemoryEtcdStore {
    return new MemoryEtcdStore({
      etcd: this.etcd,
      call: (operate) => this.network.call(name, operate),
      notify: (run) => this.network.notify(name, run),
      stale: { random: this.env.random, share: this.#staleShare, revisions: 5 },
    });
  }

  contest(title: string, untilMs: number): Contest {
    const isOver = (): boolean => this.env.clock.monotonic() > untilMs;
    return new Contest({ random: this.env.random, pause: (ms) => this.env.sleep(ms), isOver, title });
  }

  /** Cuts off one process after the other for a while. */
  async partitionSome(names: readonly string[]): Promise<void> {
    for (let i = 0; i < 8; i++) {
      const name = names[randomBelow(this.env.random, names.length)];
      this.network.partition(name);
      await this.env.sleep(randomBelow(this.env.random, 400));
      this.network.heal(name);
      await this.env.sleep(100);
    }
  }
}

function segmentsFor(etcd: MemoryEtcdStore, env: SimulatedEnv): Segments {
  const open = ({ name, after, epoch }: Segment, create: boolean): Promise<EtcdLog> =>
    EtcdLog.open({ etcd, env, prefix: `${name}/`, startAfter: after, startEpoch: epoch, create });
  return {
    create: (segment) => open(segment, true),
    open: (segment) => open(segment, false),
    drop: ({ name }) => EtcdLog.drop(etcd, `${name}/`),
  };
}

const faults = { delayMs: [0, 20], loss: 0.04, duplication: 0.1, lateness: 0.04 } as const;
const names = ['a', 'b', 'c'];
/** `HOLDFAST_SEEDS=1000` tries more. */
const { HOLDFAST_SEEDS } = process.env;
const seedCount = Number(HOLDFAST_SEEDS ?? 10);

/** Reads what is appended, and asks again for what it could not get, until it is told to end; puts it into `read`. */
async function follow(log: Log, read: LogEntry[], env: SimulatedEnv, end: AbortSignal): Promise<void> {
  while (!end.aborted) {
    await log.waitBeyond(read.length, end);
    try {
      for await (const { batch, epoch, position } of log.read(read.length + 1)) {
        read.push({ position, epoch, batch: Buffer.from(batch) });
        if (randomBelow(env.random, 20) === 0) await env.sleep(randomBelow(env.random, 30));
      }
    } catch (error) {
      expect((error as KvError).code).toBe('UNAVAILABLE');
      await env.sleep(20);
    }
  }
}

describe.each([
  ['a sound etcd', 0],
  ['an etcd that answers reads with old data', 0.3],
] as const)('with faults, over %s', (_, staleShare) => {
  it('EtcdLog keeps what it called committed, and nothing that it called refused', async () => {
    for (let seed = 1; seed <= seedCount; seed++) {
      const world = new World(seed, staleShare);
      const contest = world.contest(`seed ${seed}`, 5000);
      const open = (name: string): Promise<EtcdLog> =>
        contest.persist(() => EtcdLog.open({ etcd: world.store(name), env: world.env, prefix }));
      world.network.setFaults(faults);
      const write = async (name: string): Promise<void> => contest.write(name, await open(name));
      await world.env.until(Promise.all([...names.map(write), world.partitionSome(names)]));
      world.network.setFaults({});
      world.env.advance(10_000);
      const sound = new MemoryEtcdStore({ etcd: world.etcd });
      const log = await EtcdLog.open({ etcd: sound, env: world.env, prefix });
      contest.assertKept(await entriesOf(log, 1));
      expect(contest.committedCount, `seed ${seed}`).toBeGreaterThan(20);
      expect(contest.unknownCount, `seed ${seed}`).toBeGreaterThan(3);
    }
  });

  it('whoever follows EtcdLog reads all of it, in order and once, whatever its watch tells', async () => {
    for (let seed = 1; seed <= seedCount; seed++) {
      const world = new World(seed, staleShare);
      const contest = world.contest(`seed ${seed}`, 3000);
      const open = (name: string): Promise<EtcdLog> =>
        contest.persist(() => EtcdLog.open({ etcd: world.store(name), env: world.env, prefix }));
      world.network.setFaults(faults);
      const followers = ['d', 'e'];
      const ending = new AbortController();
      const read: LogEntry[][] = followers.map(() => []);
      const following = followers.map(async (name, i) =>
        follow(await open(name), read[i], world.env, ending.signal),
      );
      const write = async (name: string): Promise<void> => contest.write(name, await open(name));
      await world.env.until(
        Promise.all([...names.map(write), world.partitionSome([...names, ...followers])]),
      );
      world.network.setFaults({});
      // They hear of the last ones although nothing more happens.
      await world.env.until(world.env.sleep(2 * followIntervalMs));
      ending.abort();
      await world.env.until(Promise.all(following));
      const sound = new MemoryEtcdStore({ etcd: world.etcd });
      const entries = await entriesOf(await EtcdLog.open({ etcd: sound, env: world.env, prefix }), 1);
      expect(entries.length, `seed ${seed}`).toBeGreaterThan(20);
      for (const each of read) expect(each, `seed ${seed}`).toEqual(entries);
    }
  });

  it('a virtual log of several keeps it too while it is reconfigured', async () => {
    let segmentCount = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const world = new World(seed, staleShare);
      const contest = world.contest(`seed ${seed}`, 5000);
      const open = (etcd: MemoryEtcdStore): Promise<VirtualLog> => {
        const register = new EtcdRegister({ etcd, key: 'chain' });
        return VirtualLog.open({
          env: world.env,
          register,
          segments: segmentsFor(etcd, world.env),
          kind: 'etcd',
        });
      };
      world.network.setFaults(faults);
      const live = async (name: string): Promise<void> => {
        const log = await contest.persist(() => open(world.store(name)));
        const reconfigure = async (): Promise<void> => {
          for (let i = 0; i < 6; i++) {
            await world.env.sleep(randomBelow(world.env.random, 1000));
            // What fails here is finished by whoever meets it.
            await log.reconfigure('etcd').catch(() => {});
          }
        };
        await Promise.all([contest.write(name, log), reconfigure()]);
      };
      await world.env.until(Promise.all(names.map(live)));
      world.network.setFaults({});
      world.env.advance(10_000);
      const log = await open(new MemoryEtcdStore({ etcd: world.etcd }));
      await log.tail();
      contest.assertKept(await entriesOf(log, 1));
      expect(contest.committedCount, `seed ${seed}`).toBeGreaterThan(20);
      segmentCount += log.chain.segments.length;
    }
    expect(segmentCount).toBeGreaterThan(20);
  });
});

describe('what others did to the log in etcd', () => {
  const keyOf = (position: number): Buffer =>
    Buffer.from(`${prefix}entries/${position.toString(16).padStart(14, '0')}`);

  async function openFilled(world: World, count: number): Promise<EtcdLog> {
    const log = await EtcdLog.open({ etcd: world.store('a'), env: world.env, prefix });
    for (let after = 0; after < count; after++) await log.append(batchOf(after + 1, 100), after, 1);
    return log;
  }

  it('is found when an entry is missing or another one', async () => {
    const world = new World(1);
    const log = await openFilled(world, 10);
    const [pair] = world.etcd.range({ key: keyOf(7) }).kvs;
    pair.value[60] ^= 1;
    world.etcd.transact({ compare: [], success: [put(keyOf(7), pair.value)] });
    await expect(entriesOf(log, 5)).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('7'),
    });
    world.etcd.transact({ compare: [], success: [remove(keyOf(7))] });
    await expect(entriesOf(log, 5)).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('7'),
    });
    expect((await entriesOf(log, 8)).length).toBe(3);
  });

  it('is an error for whoever has a log open that was dropped, and for who waits', async () => {
    const world = new World(1);
    const log = await openFilled(world, 2500);
    const waiting = expect(world.env.until(log.waitBeyond(2500), 100)).rejects.toMatchObject({
      code: 'INVALID',
    });
    await EtcdLog.drop(world.store('b'), prefix);
    expect(world.etcd.range({ key: Buffer.from('a'), rangeEnd: Buffer.from('z') }).count).toBe(0);
    expect(await log.append(new Uint8Array(1), 2500, 1)).toMatchObject({
      kind: 'refused',
      reason: 'sealed',
    });
    await expect(log.state()).rejects.toMatchObject({ code: 'INVALID' });
    await expect(log.seal()).rejects.toMatchObject({ code: 'INVALID' });
    await expect(entriesOf(log, 1)).rejects.toMatchObject({ code: 'INVALID' });
    await waiting;
    const reopening = EtcdLog.open({ etcd: world.store('a'), env: world.env, prefix, create: false });
    await expect(reopening).rejects.toMatchObject({ code: 'INVALID' });
  });

  it('is followed by a virtual log that slept through the end of its segment', async () => {
    const world = new World(1);
    const register = new EtcdRegister({ etcd: world.store('a'), key: 'chain' });
    const segments = segmentsFor(world.store('a'), world.env);
    const open = (): Promise<VirtualLog> =>
      VirtualLog.open({ env: world.env, register, segments, kind: 'etcd' });
    const [sleeping, waiting, awake] = [await open(), await open(), await open()];
    await awake.append(new Uint8Array(1), 0, 1);
    const woken = world.env.until(waiting.waitBeyond(1), 100);
    await awake.reconfigure('etcd');
    await awake.trim(2);
    expect(awake.chain.segments.length).toBe(1);
    await awake.append(new Uint8Array(2), 1, 1);
    expect(await woken).toBe(2);
    // Its append meets the segment that is gone, and goes where the log is now.
    expect(await sleeping.append(new Uint8Array(3), 0, 1)).toMatchObject({
      kind: 'refused',
      reason: 'position',
      tail: 2,
    });
    expect(await sleeping.append(new Uint8Array(3), 2, 1)).toEqual({ kind: 'committed', position: 3 });
  });

  it('goes on with a reading whose revision was compacted, where nothing was trimmed', async () => {
    const world = new World(1);
    const log = await openFilled(world, 100);
    const positions: number[] = [];
    for await (const { position } of log.read(1)) {
      positions.push(position);
      if (position !== 10) continue;
      world.etcd.transact({ compare: [], success: [put(Buffer.from('other'), Buffer.alloc(1))] });
      world.etcd.compact(world.etcd.revision);
    }
    expect(positions.length).toBe(100);
  });
});

describe('a batch that is stored ahead of its append', () => {
  const chunkCount = (world: World): number =>
    world.etcd.range({ key: Buffer.from('log/chunks/'), rangeEnd: Buffer.from('log/d') }).kvs.length;
  const long = batchOf(1, 5_000_000);

  it('is stored in spite of messages that are lost, and appended as it is', async () => {
    const world = new World(3);
    const log = await EtcdLog.open({ etcd: world.store('a'), env: world.env, prefix });
    world.network.setFaults({ delayMs: [0, 20], loss: 0.3, duplication: 0.1, lateness: 0.1 });
    const staging = log.stage(long, new AbortController().signal)!;
    const staged = await world.env.until(staging);
    world.network.setFaults({});
    expect(chunkCount(world)).toBe(5);
    const puts = world.etcd.revision;
    expect(await log.append(long, 0, 1, staged)).toEqual({ kind: 'committed', position: 1 });
    expect(world.etcd.revision).toBe(puts + 1);
    expect(Buffer.compare((await entriesOf(log, 1))[0].batch, long) === 0).toBe(true);
    expect(long.length).toBeGreaterThan(4 * 1024 * 1024);
  });

  it('leaves nothing when it is not wanted any more, or there is no room', async () => {
    const world = new World(1);
    const log = await EtcdLog.open({ etcd: world.store('a'), env: world.env, prefix });
    const giveUp = new AbortController();
    const staging = log.stage(long, giveUp.signal)!;
    giveUp.abort();
    await expect(staging).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    world.etcd.quotaBytes = 3_000_000;
    await expect(log.stage(long, new AbortController().signal)).rejects.toMatchObject({ code: 'DISK' });
    expect(chunkCount(world)).toBe(0);
    await expect(log.stage(new Uint8Array(log.batchBytesMax + 1), giveUp.signal)).rejects.toMatchObject({
      code: 'LIMIT',
    });
  });

  it('is removed when it is never to be appended, and that of another log is not', async () => {
    const world = new World(1);
    const log = await EtcdLog.open({ etcd: world.store('a'), env: world.env, prefix });
    const other = await EtcdLog.open({ etcd: world.store('b'), env: world.env, prefix });
    const { signal } = new AbortController();
    const staged = await log.stage(long, signal)!;
    await other.unstage(staged);
    expect(chunkCount(world)).toBe(5);
    await log.unstage(staged);
    expect(chunkCount(world)).toBe(0);
    await log.unstage({ batch: long });
  });

  it('goes with a trim of its entry, though it lies further on, and not with one before', async () => {
    const world = new World(1);
    const log = await EtcdLog.open({ etcd: world.store('a'), env: world.env, prefix });
    const { signal } = new AbortController();
    for (const after of [0, 2]) {
      expect(await log.append(long, after, 1, await log.stage(long, signal)!)).toMatchObject({
        kind: 'committed',
      });
      await log.append(batchOf(2, 9), after + 1, 1);
    }
    expect(chunkCount(world)).toBe(10);
    await log.trim(3);
    expect(chunkCount(world)).toBe(5);
    expect(Buffer.compare((await entriesOf(log, 3))[0].batch, long) === 0).toBe(true);
    await log.trim(5);
    const left = world.etcd.range({ key: Buffer.from('log/'), rangeEnd: Buffer.from('log0') }).kvs;
    expect(left.map(({ key }) => String(key))).toEqual(['log/meta/head', 'log/meta/open']);
  });

  it('may be longer than a command: of a copy of a large value', async () => {
    const world = new World(1);
    const log = await EtcdLog.open({ etcd: world.store('a'), env: world.env, prefix });
    const copy = batchOf(1, 70 * 1024 * 1024);
    const staged = await log.stage(copy, new AbortController().signal)!;
    expect(await log.append(copy, 0, 1, staged)).toEqual({ kind: 'committed', position: 1 });
    expect(Buffer.compare((await entriesOf(log, 1))[0].batch, copy) === 0).toBe(true);
  });

  it('is stored anew when the log has gone too far meanwhile, or goes on in another segment', async () => {
    const world = new World(1);
    const register = new EtcdRegister({ etcd: world.store('a'), key: 'chain' });
    const segments = segmentsFor(world.store('a'), world.env);
    const log = await VirtualLog.open({ env: world.env, register, segments, kind: 'etcd' });
    const { signal } = new AbortController();
    const staged = await log.stage(long, signal)!;
    for (let after = 0; after < stagedEntriesMax + 1; after += 7) {
      const count = Math.min(7, stagedEntriesMax + 1 - after);
      await Promise.all(Array.from({ length: count }, (_, i) => log.append(batchOf(1, 9), after + i, 1)));
    }
    await log.trim(stagedEntriesMax + 2);
    expect(await log.append(long, stagedEntriesMax + 1, 1, staged)).toMatchObject({ kind: 'committed' });
    const next = await log.stage(long, signal)!;
    await log.reconfigure('etcd');
    const position = stagedEntriesMax + 3;
    expect(await log.append(long, position - 1, 1, next)).toEqual({ kind: 'committed', position });
    const entries = await entriesOf(log, position - 1);
    expect(entries.map(({ batch }) => Buffer.compare(batch, long) === 0)).toEqual([true, true]);
  });
});

describe('a full etcd', () => {
  it('that has done what it answered with an error is found out, whatever was on its way', async () => {
    const world = new World(1);
    world.etcd.quotaBytes = 60_000;
    const store = world.store('a');
    const log = await EtcdLog.open({ etcd: store, env: world.env, prefix });
    let last = 0;
    for (;;) {
      const outcome = await log.append(new Uint8Array(1000), last, 1);
      if (outcome.kind === 'refused') {
        expect(outcome).toMatchObject({ reason: 'disk', tail: last });
        break;
      }
      expect(outcome).toEqual({ kind: 'committed', position: last + 1 });
      last++;
    }
    // The last one went over the quota, and is there.
    expect(world.etcd.isFull).toBe(true);
    expect((await entriesOf(log, 1)).length).toBe(last);
    await log.trim(last + 1);
    world.etcd.compact(world.etcd.revision);
    world.etcd.isFull = false;
    expect(await log.append(new Uint8Array(10), last, 1)).toEqual({ kind: 'committed', position: last + 1 });
  });
});
