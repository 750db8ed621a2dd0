/**
 * What stands for etcd: a node that never fails and keeps the logs of all shards, and how far the replicas' own disks
 * reach. What it does with a group of appends is what etcd does. The network to it fails as every other, and its
 * answers get lost besides: see `ServiceFaults`.
 */
import { KvError, type Random } from '@holdfast/common';
import { MemoryShardRegister } from '@holdfast/coord';
import type { LogEntry, LogState, Position } from '@holdfast/log';
import {
  type AppendRequest,
  type SimulatedLogClient,
  SimulatedLogServer,
  SimulatedNetwork,
} from '@holdfast/log/testing';
import { callChannel, messageChannel, type NodeLife } from '@holdfast/testing/simulation';
import { noServiceFaults, type ServiceFaults } from './faults.js';

export interface Opened {
  readonly writer: number;
  readonly state: LogState;
}

export interface Settled {
  readonly outcome: Outcome;
  readonly state: LogState;
}

export type Outcome = ReturnType<SimulatedLogServer['append']>;

interface OfShard {
  readonly shard: string;
}

interface Report extends OfShard {
  readonly node: string;
  readonly position: Position;
}

/** A batch that was stored in parts before its append. */
export interface StoredParts {
  readonly writer: number;
  readonly sequence: number;
  readonly count: number;
}

interface Part extends OfShard {
  readonly writer: number;
  readonly sequence: number;
  readonly index: number;
  readonly bytes: Uint8Array;
}

interface AppendCall extends OfShard {
  readonly request: AppendRequest;
  /** Of its batch, which is not in the request then. */
  readonly stored: StoredParts | null;
}

export const openLog = callChannel<OfShard, Opened>('log.open');
export const storePart = callChannel<Part, null>('log.part', { mayRepeat: true });
export const appendGroup = callChannel<AppendCall, Outcome>('log.append', { mayRepeat: true });
export const settleGroup = callChannel<OfShard & { request: AppendRequest }, Settled>('log.settle');
export const stateOfLog = callChannel<OfShard, LogState>('log.state');
export const readLog = callChannel<OfShard & { from: Position; last: Position }, LogEntry[]>('log.read');
export const trimLog = callChannel<OfShard & { before: Position }, null>('log.trim');
export const logGrew = messageChannel<OfShard & { state: LogState }>('log.grew');
export const reportPosition = callChannel<Report, null>('register.report', { mayRepeat: true });
export const positionsOf = callChannel<OfShard, ReadonlyMap<string, Position>>('register.positions');

export const logNode = 'etcd';

export class LogNode {
  readonly #servers = new Map<string, SimulatedLogServer>();
  /** By shard, writer, sequence number and index. */
  readonly #parts = new Map<string, Uint8Array>();
  /** By node and shard: the last one who opened it. */
  readonly #clients = new Map<string, SimulatedLogClient>();
  readonly #register = new MemoryShardRegister();
  readonly #random: Random;
  readonly #delay: (ms: number, run: () => void) => void;
  #faults: ServiceFaults;
  #isOut = false;

  /** `delay` calls something after a virtual time. */
  constructor(random: Random, delay: (ms: number, run: () => void) => void, faults: ServiceFaults) {
    this.#random = random;
    this.#delay = delay;
    this.#faults = faults;
    this.#planOutage();
  }

  /** From now on every question is answered. */
  becomeWell(): void {
    this.#faults = noServiceFaults;
    this.#isOut = false;
  }

  /** The truth about a shard's log. */
  server(shard: string): SimulatedLogServer {
    let server = this.#servers.get(shard);
    if (server === undefined) {
      // Its own network never fails: what does is the simulation's.
      const network = new SimulatedNetwork(quietEnv);
      this.#servers.set(shard, (server = new SimulatedLogServer({ network })));
    }
    return server;
  }

  run(life: NodeLife): void {
    const { network } = life;
    network.serve(openLog, ({ shard }, from) => this.#do(() => this.#open(life, shard, from)));
    network.serve(storePart, ({ bytes, index, sequence, shard, writer }) =>
      this.#do(() => {
        this.#parts.set(`${shard}/${writer}/${sequence}/${index}`, bytes);
        return null;
      }),
    );
    network.serve(appendGroup, (call) => this.#do(() => this.#append(call)));
    network.serve(settleGroup, ({ shard, request }) =>
      this.#do(() => {
        const server = this.server(shard);
        return { outcome: server.settle(request), state: server.store.state };
      }),
    );
    network.serve(stateOfLog, ({ shard }) => this.#do(() => this.server(shard).store.state));
    network.serve(readLog, ({ from, last, shard }) =>
      this.#do(() => this.server(shard).store.slice(from, last)),
    );
    network.serve(trimLog, ({ before, shard }) =>
      this.#do(() => {
        this.server(shard).store.trim(before);
        return null;
      }),
    );
    network.serve(reportPosition, ({ node, position, shard }) =>
      this.#do(async () => {
        await this.#register.report(shard, node, position);
        return null;
      }),
    );
    network.serve(positionsOf, ({ shard }) => this.#do(() => this.#register.positions(shard)));
  }

  /** Does what was asked, or not, or later, and says so, or not. */
  #do<T>(operate: () => T): T {
    if (this.#isOut) throw lost();
    if (!this.#happens(this.#faults.doubtRate)) return operate();
    const fate = this.#random.uint32() % 3;
    if (fate === 0) this.#attempt(operate);
    if (fate === 1) this.#delay(this.#random.uint32() % 400, () => this.#attempt(operate));
    throw lost();
  }

  /** Nobody hears of it any more. */
  #attempt(operate: () => unknown): void {
    try {
      operate();
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
    }
  }

  #append({ request, shard, stored }: AppendCall): Outcome {
    const server = this.server(shard);
    if (!this.#happens(this.#faults.fullRate)) {
      const batches = stored === null ? request.batches : [this.#partsOf(shard, stored)];
      return server.append({ ...request, batches });
    }
    // The same request may come a second time: then there is no room for it either.
    const outcome = server.settle(request);
    return outcome.kind === 'committed' ? outcome : { ...outcome, reason: 'disk' };
  }

  #partsOf(shard: string, { count, sequence, writer }: StoredParts): Uint8Array {
    const keys = Array.from({ length: count }, (_, index) => `${shard}/${writer}/${sequence}/${index}`);
    return Buffer.concat(keys.map((key) => this.#parts.get(key)!));
  }

  #open(life: NodeLife, shard: string, from: string): Opened {
    const server = this.server(shard);
    const name = `${from}/${shard}`;
    const before = this.#clients.get(name);
    if (before !== undefined) server.unregister(before);
    const client = {
      name: from,
      note: (state: LogState) => life.network.send(from, logGrew, { shard, state }),
    };
    this.#clients.set(name, client);
    return { writer: server.register(client), state: server.store.state };
  }

  #planOutage(): void {
    const { everyMeanMs, lastMeanMs } = this.#faults.outages;
    if (everyMeanMs === Number.POSITIVE_INFINITY) return;
    this.#delay(this.#exponential(everyMeanMs), () => {
      this.#isOut = this.#faults.outages.lastMeanMs > 0;
      this.#delay(this.#exponential(lastMeanMs), () => {
        this.#isOut = false;
        this.#planOutage();
      });
    });
  }

  #happens(rate: number): boolean {
    return rate > 0 && this.#random.uint32() < rate * 0x100000000;
  }

  #exponential(meanMs: number): number {
    return -Math.log((this.#random.uint32() + 1) / 0x100000001) * meanMs;
  }
}

function lost(): KvError {
  return new KvError('UNDETERMINED', 'the answer was lost');
}

/** A network without faults asks for neither time nor chance. */
const quietEnv = {
  clock: { now: () => 0, monotonic: () => 0 },
  timers: { setTimeout: () => ({}), clearTimeout: () => {}, setImmediate: () => {} },
  random: { uint32: () => 0, fill: <T extends Uint8Array>(target: T) => target },
};
