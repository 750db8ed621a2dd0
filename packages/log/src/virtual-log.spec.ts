import { KvError, randomBelow } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { activeOf, type Segment } from './chain.js';
import { FileLog } from './file-log.js';
import { FileRegister } from './file-register.js';
import type { AppendOutcome, Log, Position } from './log.js';
import type { Segments } from './open-segments.js';
import type { Register } from './register.js';
import { batchOf, entriesOf } from './testing/assertions.js';
import { Contest } from './testing/contest.js';
import { logConformance } from './testing/log-conformance.js';
import { MemoryLog, MemoryLogStore } from './testing/memory-log.js';
import { disruptedLogConformance, sharedLogConformance } from './testing/shared-log-conformance.js';
import { SimulatedDisk } from './testing/simulated-disk.js';
import { SimulatedLog } from './testing/simulated-log.js';
import { SimulatedLogServer } from './testing/simulated-log-server.js';
import { SimulatedNetwork } from './testing/simulated-network.js';
import { SimulatedRegister, SimulatedRegisterServer } from './testing/simulated-register.js';
import { VirtualLog } from './virtual-log.js';

/** Segments in memory, which several virtual logs share. */
class MemorySegments implements Segments {
  readonly stores = new Map<string, MemoryLogStore>();

  async create(segment: Segment): Promise<Log> {
    const { name, after, epoch } = segment;
    if (!this.stores.has(name)) this.stores.set(name, new MemoryLogStore(after, epoch));
    return this.open(segment);
  }

  async open({ name }: Segment): Promise<Log> {
    if (!this.stores.has(name)) throw new KvError('INVALID', `there is no segment ${name}`);
    return new MemoryLog(this.stores.get(name)!);
  }

  async drop({ name }: Segment): Promise<void> {
    this.stores.delete(name);
  }
}

class FileSegments implements Segments {
  readonly disk = new SimulatedDisk();
  readonly #env = new SimulatedEnv();

  create(segment: Segment): Promise<Log> {
    return this.open(segment, true);
  }

  open({ name, after, epoch }: Segment, create = false): Promise<Log> {
    const place = { disk: this.disk, env: this.#env, directory: `/logs/${name}` };
    const start = { startAfter: after, startEpoch: epoch, create };
    return FileLog.open({ ...place, ...start, fsync: 'always', segmentBytes: 4096 });
  }

  async drop(): Promise<void> {}
}

/** Simulated logs behind one network; the name of a client is that of its process. */
class SimulatedSegments implements Segments {
  readonly servers: Map<string, SimulatedLogServer>;
  readonly #network: SimulatedNetwork;
  readonly #name: string;

  constructor(network: SimulatedNetwork, name = 'client', servers = new Map<string, SimulatedLogServer>()) {
    this.#network = network;
    this.#name = name;
    this.servers = servers;
  }

  async create(segment: Segment): Promise<SimulatedLog> {
    const { name, after, epoch } = segment;
    const start = { startAfter: after, startEpoch: epoch };
    const made =
      this.servers.get(name) ?? new SimulatedLogServer({ network: this.#network, pollMs: 100, ...start });
    this.servers.set(name, made);
    return this.open(segment);
  }

  async open({ name }: Segment): Promise<SimulatedLog> {
    const server = this.servers.get(name);
    if (server === undefined) throw new KvError('INVALID', `there is no segment ${name}`);
    return new SimulatedLog(server, this.#name);
  }

  async drop({ name }: Segment): Promise<void> {
    this.servers.delete(name);
  }
}

function quietRegister(): Register {
  return new SimulatedRegister(new SimulatedRegisterServer(new SimulatedNetwork(new SimulatedEnv())));
}

const env = new SimulatedEnv(11);

function openMemory(register: Register, segments: Segments): Promise<VirtualLog> {
  return VirtualLog.open({ env, register, segments, kind: 'memory' });
}

/** Reconfigures now and then, so that whatever is done meets it. */
async function restless(log: VirtualLog): Promise<VirtualLog> {
  let count = 0;
  const append = log.append.bind(log);
  log.append = (batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome> => {
    const outcome = append(batch, after, epoch);
    if (++count % 3 === 0) log.reconfigure('memory').catch(() => {});
    return outcome;
  };
  return log;
}

describe('VirtualLog over memory', () => {
  for (const { name, run } of [...logConformance, ...sharedLogConformance]) {
    it(name, () => {
      const [register, segments] = [quietRegister(), new MemorySegments()];
      return run({ open: () => openMemory(register, segments) });
    });
  }
});

describe('VirtualLog that is always reconfigured', () => {
  for (const { name, run } of [...logConformance, ...sharedLogConformance]) {
    it(name, () => {
      const [register, segments] = [quietRegister(), new MemorySegments()];
      return run({ open: async () => restless(await openMemory(register, segments)) });
    });
  }
});

describe('VirtualLog over files', () => {
  for (const { name, run } of logConformance) {
    it(name, () => {
      const segments = new FileSegments();
      const register = new FileRegister({ disk: segments.disk, path: '/chain' });
      return run({ open: async () => restless(await openMemory(register, segments)) });
    });
  }
});

describe('VirtualLog over logs whose messages are lost', () => {
  for (const { name, run } of disruptedLogConformance) {
    it(name, () => {
      const network = new SimulatedNetwork(new SimulatedEnv());
      const [register, segments] = [quietRegister(), new SimulatedSegments(network)];
      const active = (log: Log): SimulatedLog => (log as VirtualLog).activeLog as SimulatedLog;
      return run({
        open: () => openMemory(register, segments),
        disrupt: (log, disruption) => active(log).disrupt(disruption),
        deliverLate: async (log) => active(log).deliverLate(),
      });
    });
  }
});

/** Appends up to position `to`. */
async function fillTo(log: Log, to: Position, epoch = 1): Promise<void> {
  for (let after = await log.tail(); after < to; after++) {
    expect(await log.append(batchOf(after + 1, 100), after, epoch)).toEqual({
      kind: 'committed',
      position: after + 1,
    });
  }
}

async function positionsOf(log: Log, from: Position): Promise<Position[]> {
  return (await entriesOf(log, from)).map(({ position }) => position);
}

const upTo = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('reconfigure', () => {
  it('goes on in a new segment, with positions, epoch and everything before', async () => {
    const [register, segments] = [quietRegister(), new MemorySegments()];
    const log = await openMemory(register, segments);
    await fillTo(log, 3, 7);
    expect(await log.reconfigure('memory')).toBe(true);
    await fillTo(log, 5, 7);
    expect(await log.reconfigure('memory')).toBe(true);
    expect(await log.reconfigure('memory')).toBe(true);
    expect(log.chain.segments.map(({ after, epoch }) => [after, epoch])).toEqual([
      [0, 0],
      [3, 7],
      [5, 7],
      [5, 7],
    ]);
    expect(await log.state()).toEqual({ head: 1, tail: 5, epoch: 7, isSealed: false });
    expect(await log.append(batchOf(6, 100), 5, 6)).toMatchObject({ kind: 'refused', reason: 'epoch' });
    await fillTo(log, 6, 7);
    expect(await positionsOf(log, 1)).toEqual(upTo(1, 6));
    expect(await positionsOf(log, 4)).toEqual(upTo(4, 6));
  });

  it('keeps appends that are under way in their order, and loses none', async () => {
    const clock = new SimulatedEnv(5);
    const network = new SimulatedNetwork(clock, 1000);
    const [register, segments] = [quietRegister(), new SimulatedSegments(network)];
    const log = await VirtualLog.open({ env: clock, register, segments, kind: 'simulated' });
    network.setFaults({ delayMs: [1, 5] });
    const append = async (): Promise<AppendOutcome[]> => {
      const outcomes: Promise<AppendOutcome>[] = [];
      for (let i = 0; i < 300; i++) {
        outcomes.push(log.append(batchOf(i + 1, 100), i, 1));
        if (i % 100 === 50) void log.reconfigure('simulated');
        await clock.sleep(1);
      }
      return Promise.all(outcomes);
    };
    const positions = (await clock.until(append())).map(
      (outcome) => 'position' in outcome && outcome.position,
    );
    expect(positions).toEqual(upTo(1, 300));
    expect(log.chain.segments.length).toBe(4);
    for (const { batch, position } of await clock.until(entriesOf(log, 1))) {
      expect(batch).toEqual(batchOf(position, 100));
    }
  });

  it('to what can not be had is replaced by another one, and appends wait for that', async () => {
    const [register, segments] = [quietRegister(), new MemorySegments()];
    const broken: Segments = {
      create: async (segment) => {
        if (segment.kind === 'broken') throw new KvError('UNAVAILABLE', 'nobody there');
        return segments.create(segment);
      },
      open: (segment) => segments.open(segment),
      drop: (segment) => segments.drop(segment),
    };
    const log = await openMemory(register, broken);
    await fillTo(log, 3);
    await expect(log.reconfigure('broken')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const waiting = log.append(batchOf(4, 100), 3, 1);
    expect(await log.reconfigure('memory')).toBe(true);
    expect(await waiting).toEqual({ kind: 'committed', position: 4 });
    expect(log.chain.segments.map(({ kind }) => kind)).toEqual(['memory', 'memory']);
  });

  it('is done once when two do it at the same time, and both follow', async () => {
    const [register, segments] = [quietRegister(), new MemorySegments()];
    const [one, other] = [await openMemory(register, segments), await openMemory(register, segments)];
    await fillTo(one, 3);
    const done = await Promise.all([one.reconfigure('memory'), other.reconfigure('memory')]);
    expect(done.sort()).toEqual([false, true]);
    expect(one.chain.segments.length).toBe(2);
    await fillTo(other, 5);
    await fillTo(one, 7);
    expect(await positionsOf(other, 1).then(() => other.tail())).toBe(7);
    expect(await positionsOf(other, 1)).toEqual(upTo(1, 7));
  });

  it('is finished by others when who began it died, at any point', async () => {
    for (const point of ['named', 'sealed'] as const) {
      const [register, segments] = [quietRegister(), new MemorySegments()];
      const dying = await openMemory(register, segments);
      const other = await openMemory(register, segments);
      const waiting = await openMemory(register, segments);
      await fillTo(dying, 3);
      const { version, value } = await register.read();
      const stored = JSON.parse(Buffer.from(value).toString());
      stored.chain.next = { name: '9-next', kind: 'memory' };
      stored.chain.revision++;
      stored.mark = 'of another process';
      await register.compareAndSet(version, Buffer.from(JSON.stringify(stored)));
      const woken = waiting.waitBeyond(3);
      if (point === 'sealed') await dying.activeLog.seal();
      await fillTo(other, 5);
      if (point === 'named') {
        // Nobody met a seal, so nobody had to look.
        expect(activeOf(other.chain).name).not.toBe('9-next');
        await openMemory(register, segments);
        await dying.reconfigure('memory');
        await fillTo(other, 6);
      }
      expect(activeOf(other.chain).name).not.toBe(
        activeOf({ ...other.chain, segments: other.chain.segments.slice(0, 1) }).name,
      );
      expect(other.chain.segments.map(({ name }) => name)).toContain('9-next');
      expect(await woken).toBeGreaterThan(3);
      expect((await positionsOf(waiting, 1)).length).toBeGreaterThan(3);
    }
  });

  it('wakes a follower in another process over the border of two segments', async () => {
    const [register, segments] = [quietRegister(), new MemorySegments()];
    const [writer, follower] = [await openMemory(register, segments), await openMemory(register, segments)];
    await fillTo(writer, 2);
    const waiting = follower.waitBeyond(2);
    await writer.reconfigure('memory');
    await fillTo(writer, 3);
    for (let i = 0; i < 10; i++) {
      await new Promise(setImmediate);
      env.advance(100);
    }
    expect(await waiting).toBe(3);
    expect(await positionsOf(follower, 1)).toEqual([1, 2, 3]);
  });

  it('is an error on a log that was sealed, and a seal ends it for good', async () => {
    const [register, segments] = [quietRegister(), new MemorySegments()];
    const [one, other] = [await openMemory(register, segments), await openMemory(register, segments)];
    await fillTo(one, 3);
    expect(await one.seal()).toBe(3);
    await expect(other.reconfigure('memory')).rejects.toMatchObject({ code: 'INVALID' });
    expect(await other.append(batchOf(4, 100), 3, 1)).toMatchObject({ kind: 'refused', reason: 'sealed' });
    expect(await other.waitBeyond(3)).toBe(3);
  });
});

describe('trim', () => {
  it('removes segments that are not needed as a whole, and keeps the rest', async () => {
    const [register, segments] = [quietRegister(), new MemorySegments()];
    const log = await openMemory(register, segments);
    for (const to of [10, 20, 30]) {
      await fillTo(log, to);
      await log.reconfigure('memory');
    }
    await log.trim(10);
    expect(segments.stores.size).toBe(4);
    await log.trim(11);
    expect(segments.stores.size).toBe(3);
    await log.trim(25);
    expect(segments.stores.size).toBe(2);
    expect(await log.head()).toBe(25);
    expect(await positionsOf(log, 25)).toEqual(upTo(25, 30));
    await expect(entriesOf(log, 24)).rejects.toMatchObject({ code: 'INVALID' });
    await log.trim(1000);
    expect(await log.state()).toMatchObject({ head: 31, tail: 30 });
    await fillTo(log, 32);
  });

  it('leaves what it can not remove for whoever can', async () => {
    const register = quietRegister();
    const here = new MemorySegments();
    const elsewhere: Segments = {
      create: (segment) => here.create(segment),
      open: async (segment) => {
        if (segment.kind === 'file') throw new KvError('INVALID', 'on another machine');
        return here.open(segment);
      },
      drop: async ({ kind }) => {
        if (kind === 'file') throw new KvError('INVALID', 'on another machine');
      },
    };
    const owner = await VirtualLog.open({ env, register, segments: here, kind: 'file' });
    await fillTo(owner, 5);
    await owner.reconfigure('etcd');
    await fillTo(owner, 8);
    const other = await openMemory(register, elsewhere);
    // What it can read begins where the other machine's file ends.
    expect(await other.head()).toBe(6);
    expect(await positionsOf(other, 6)).toEqual([6, 7, 8]);
    await expect(entriesOf(other, 1)).rejects.toMatchObject({ code: 'INVALID' });
    await other.trim(7);
    expect(other.chain.dropped.length).toBe(1);
    expect(here.stores.size).toBe(2);
    const again = await openMemory(register, here);
    expect(again.chain.dropped).toEqual([]);
    expect(here.stores.size).toBe(1);
  });
});

describe('VirtualLog with faults', () => {
  it('keeps what it called committed while several write it and reconfigure it', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const clock = new SimulatedEnv(seed);
      const network = new SimulatedNetwork(clock, 100);
      network.setFaults({ delayMs: [0, 20], loss: 0.03, duplication: 0.1, lateness: 0.03 });
      const registers = new SimulatedRegisterServer(network);
      const servers = new Map<string, SimulatedLogServer>();
      const pause = (ms: number): Promise<void> => clock.sleep(ms);
      const isOver = (): boolean => clock.clock.monotonic() > 6000;
      const contest = new Contest({ random: clock.random, pause, isOver, title: `seed ${seed}` });
      const open = (name: string): Promise<VirtualLog> =>
        contest.persist(() =>
          VirtualLog.open({
            env: clock,
            register: new SimulatedRegister(registers, name),
            segments: new SimulatedSegments(network, name, servers),
            kind: 'simulated',
          }),
        );
      let reconfigurations = 0;
      const live = async (name: string): Promise<void> => {
        const log = await open(name);
        const reconfigure = async (): Promise<void> => {
          while (!isOver()) {
            await clock.sleep(randomBelow(clock.random, 800));
            if (await log.reconfigure('simulated').catch(() => false)) reconfigurations++;
          }
        };
        await Promise.all([contest.write(name, log), reconfigure()]);
      };
      await clock.until(Promise.all(['a', 'b', 'c'].map(live)));
      network.setFaults({});
      clock.advance(10_000);
      const log = await open('a');
      await log.tail();
      contest.assertKept(await entriesOf(log, 1));
      expect(contest.committedCount, `seed ${seed}`).toBeGreaterThan(20);
      expect(reconfigurations, `seed ${seed}`).toBeGreaterThan(3);
    }
  });
});
