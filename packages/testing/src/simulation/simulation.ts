/**
 * A cluster in one process, on virtual time, from a seed. Nodes run real code over an `Env` and a network that are
 * simulated; the same seed gives the same run, to the byte.
 *
 *     take the next event from the queue --> run it --> let promises settle --> ...
 *
 * Time passes only between events. Code under test must take time, timers and randomness from its `Env`, and
 * reach others through its network: whatever comes from outside is not repeated with the seed.
 */
import { type Env, KvError, type Random } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { eventsPerMomentMax } from '../limits.js';
import { EventQueue, type SimulationEvent } from './event-queue.js';
import { type FaultProfile, noFaults } from './fault-profile.js';
import { GlobalGuard } from './global-guard.js';
import { SimulatedNetwork } from './network.js';
import { NodeClock } from './node-clock.js';
import type { NodeLife } from './node-life.js';
import { pump } from './pump.js';
import { RunHash } from './run-hash.js';
import { type NodeOptions, SimulatedNode } from './simulated-node.js';
import { Trace } from './trace.js';

export interface SimulationOptions {
  readonly seed: number;
  /** Of the network and of clocks; nodes fail only by hand or by a `Nemesis`. None unless given. */
  readonly profile?: FaultProfile;
  /** Whether to keep a trace. */
  readonly isTraced?: boolean;
  /** Whether to refuse the clock, timers and randomness of the process to what runs inside. True unless given. */
  readonly isGuarded?: boolean;
}

export class Simulation {
  readonly seed: number;
  readonly random: Random;
  readonly trace: Trace;
  readonly network: SimulatedNetwork;
  /** Time without faults, for what stands beside the cluster: referees, services that are trusted. */
  readonly env: Env;
  readonly #queue = new EventQueue();
  readonly #nodes = new Map<string, SimulatedNode>();
  readonly #guard: GlobalGuard | null;
  #profile: FaultProfile;
  #nowMs = 0;
  #eventCount = 0;
  #eventsOfMoment = 0;
  readonly #hash = new RunHash();
  #failure: { readonly error: unknown } | null = null;

  constructor(options: SimulationOptions) {
    this.seed = options.seed;
    this.random = new SeededRandom(options.seed);
    this.#profile = options.profile ?? noFaults;
    this.trace = new Trace(options.isTraced ?? false, () => this.#nowMs);
    this.network = new SimulatedNetwork(this);
    this.#guard = options.isGuarded === false ? null : new GlobalGuard((error) => this.fail(error));
    this.env = {
      clock: new NodeClock(() => this.#nowMs),
      timers: {
        setTimeout: (callback, delayMs) => this.schedule(this.#nowMs + Math.max(0, delayMs), callback),
        clearTimeout: (timer) => {
          (timer as SimulationEvent).isCancelled = true;
        },
        setImmediate: (callback) => {
          this.schedule(this.#nowMs, callback);
        },
      },
      random: new SeededRandom(this.random.uint32()),
    };
  }

  /** Virtual time since the start. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** For a `History`: virtual time as a clock of its own. */
  readonly clockNs = (): number => Math.floor(this.#nowMs * 1_000_000);

  get eventCount(): number {
    return this.#eventCount;
  }

  /** Of all events so far: when each ran, whose it was, and in which order they were planned. */
  get hash(): string {
    return this.#hash.text;
  }

  get nodes(): readonly SimulatedNode[] {
    return [...this.#nodes.values()];
  }

  /** What the network does now. */
  get profile(): FaultProfile {
    return this.#profile;
  }

  /** From now on the network behaves like this. Messages under way keep their delay. */
  setProfile(profile: FaultProfile): void {
    this.#profile = profile;
  }

  /** Adds a node and starts it. Names are unique. */
  addNode(name: string, options: NodeOptions): SimulatedNode {
    if (this.#nodes.has(name)) throw new KvError('INVALID', `there is a node ${name} already`);
    const node = new SimulatedNode(this, name, options);
    const { skewMaxMs, driftMaxPpm } = this.#profile.clocks;
    node.clock.setDrift(this.#symmetric(driftMaxPpm));
    node.clock.jump(Math.floor(this.#symmetric(skewMaxMs)));
    this.#nodes.set(name, node);
    node.start();
    return node;
  }

  /** Throws KvError INVALID when there is none. */
  node(name: string): SimulatedNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new KvError('INVALID', `there is no node ${name}`);
    return node;
  }

  /** Runs `callback` at a virtual time, not before now; of `owner`, if given, while that life goes on. */
  schedule(atMs: number, callback: () => void, owner: NodeLife | null = null): SimulationEvent {
    return this.#queue.add(Math.max(atMs, this.#nowMs), owner, callback);
  }

  /** @internal A timer of `owner`. */
  scheduleTimer(atMs: number, callback: () => void, owner: NodeLife): SimulationEvent {
    return this.#queue.add(Math.max(atMs, this.#nowMs), owner, callback, true);
  }

  /** @internal */
  scheduleAgain(event: SimulationEvent): void {
    this.#queue.addAgain(event, this.#nowMs);
  }

  /** Ends the run: `run` rejects with this error, or with the one before. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** Lets `ms` of virtual time pass. Rejects with the first error of an event, or that `fail` was told. */
  async run(ms: number): Promise<void> {
    await this.#runUntil(this.#nowMs + ms, () => false);
  }

  /** Lets time pass until `condition` holds, looking after each event; resolves with whether it did in time. */
  async runUntil(condition: () => boolean, withinMs: number): Promise<boolean> {
    if (condition()) return true;
    return this.#runUntil(this.#nowMs + withinMs, condition);
  }

  async #runUntil(untilMs: number, condition: () => boolean): Promise<boolean> {
    const onRejection = (error: unknown): void => {
      this.#guard?.lower();
      this.fail(error);
    };
    // Before others, which may want a timer.
    process.prependListener('unhandledRejection', onRejection);
    let holds = false;
    const step = (): boolean => {
      if (this.#failure !== null) throw this.#failure.error;
      try {
        holds = condition();
        return !holds && this.#step(untilMs);
      } catch (error) {
        this.fail(error);
        throw error;
      }
    };
    try {
      await pump(step, { enter: () => this.#guard?.raise(), leave: () => this.#guard?.lower() });
    } finally {
      process.off('unhandledRejection', onRejection);
    }
    return holds;
  }

  /** Runs the next event that is due by then. False when there is none, and then it is that time. */
  #step(untilMs: number): boolean {
    for (;;) {
      const event = this.#queue.peek();
      if (event === undefined || event.atMs > untilMs) {
        this.#nowMs = untilMs;
        return false;
      }
      this.#queue.take();
      if (event.isCancelled || event.owner?.isAlive === false) continue;
      if (event.owner?.node.isPaused) {
        event.owner.node.postpone(event);
        continue;
      }
      this.#advanceTo(event.atMs);
      this.#hash.add(event);
      event.run();
      return true;
    }
  }

  #advanceTo(atMs: number): void {
    this.#eventCount++;
    this.#eventsOfMoment = atMs === this.#nowMs ? this.#eventsOfMoment + 1 : 0;
    if (this.#eventsOfMoment > eventsPerMomentMax)
      throw new KvError('LIMIT', `time stands still: ${eventsPerMomentMax} events at ${atMs} ms`);
    this.#nowMs = atMs;
  }

  /** Uniform in [-bound, bound]. */
  #symmetric(bound: number): number {
    return (this.random.uint32() / 0xffffffff) * 2 * bound - bound;
  }
}
