/**
 * A machine with one process on it. Its program is started with each life:
 *
 *     const node = simulation.addNode('a', { program: (life) => serve(life), disks: [disk] });
 *     node.crash('power');
 *     node.start();
 */
import { KvError } from '@holdfast/common';
import type { SimulationEvent } from './event-queue.js';
import { NodeClock } from './node-clock.js';
import { NodeLife } from './node-life.js';
import type { Simulation } from './simulation.js';

/** What outlives the process. `SimulatedDisk` of the package log is one. */
export interface SimulatedDevice {
  /** The power went: what was not synced is lost, in part or as a whole. */
  crash(): void;
  /** The process died, the machine goes on: nothing that was written is lost. */
  kill(): void;
}

export interface NodeOptions {
  /** Runs at every start. What it throws, or rejects with, while it is alive fails the simulation. */
  readonly program: (life: NodeLife) => void | Promise<void>;
  readonly disks?: readonly SimulatedDevice[];
  /** Whether faults happen to it, besides those of its links. Clients and referees are spared. True unless given. */
  readonly isFaulty?: boolean;
}

/** What dies: the process alone, so that peers are told at once, or the machine, which is silent. */
export type CrashKind = 'process' | 'power';

export class SimulatedNode {
  readonly name: string;
  readonly clock: NodeClock;
  readonly isFaulty: boolean;
  readonly #simulation: Simulation;
  readonly #options: NodeOptions;
  #life: NodeLife | null = null;
  #lives = 0;
  #isPaused = false;
  #isPowered = true;
  /** Events that came due while it was paused. */
  #backlog: SimulationEvent[] = [];

  /** @internal */
  constructor(simulation: Simulation, name: string, options: NodeOptions) {
    this.#simulation = simulation;
    this.name = name;
    this.#options = options;
    this.isFaulty = options.isFaulty ?? true;
    this.clock = new NodeClock(() => simulation.nowMs);
  }

  /** The life that runs, or is paused; null when it is down. */
  get life(): NodeLife | null {
    return this.#life;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** False after a power cut: then nobody even refuses a connection. */
  get isPowered(): boolean {
    return this.#isPowered;
  }

  /** Begins a life, in an event of its own. Throws KvError INVALID while one is under way. */
  start(): void {
    if (this.#life !== null) throw new KvError('INVALID', `${this.name} runs already`);
    this.#simulation.trace.add(this.name, 'starts');
    this.#isPowered = true;
    const life = new NodeLife(this.#simulation, this, ++this.#lives);
    this.#life = life;
    const { program } = this.#options;
    const run = async (): Promise<void> => program(life);
    this.#simulation.schedule(
      this.#simulation.nowMs,
      () => {
        run().catch((error) => life.isAlive && this.#simulation.fail(error));
      },
      life,
    );
  }

  /** Ends the life at once. Not an error when it is down. */
  crash(kind: CrashKind): void {
    const life = this.#life;
    if (life === null) return;
    this.#simulation.trace.add(this.name, kind === 'power' ? 'loses power' : 'is killed');
    life.end();
    this.#life = null;
    this.#isPaused = false;
    this.#isPowered = kind !== 'power';
    this.#backlog = [];
    this.#simulation.network.leave(life, kind);
    for (const disk of this.#options.disks ?? []) {
      if (kind === 'power') disk.crash();
      else disk.kill();
    }
  }

  /** Nothing of it runs until `resume`, while its clock goes on: as `SIGSTOP`, or a long pause of its VM. */
  pause(): void {
    if (this.#life === null || this.#isPaused) return;
    this.#simulation.trace.add(this.name, 'is paused');
    this.#isPaused = true;
  }

  /**
   * What came due meanwhile happens now, in its order; or first what came from outside, and then timers, as an event
   * loop does it that stood still in between.
   */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const isOutsideFirst = this.#simulation.random.uint32() % 2 === 0;
    this.#simulation.trace.add(this.name, isOutsideFirst ? 'goes on with what came' : 'goes on');
    const backlog = this.#backlog.splice(0);
    if (isOutsideFirst) backlog.sort((a, b) => Number(a.isTimer) - Number(b.isTimer));
    for (const event of backlog) this.#simulation.scheduleAgain(event);
  }

  /** @internal Keeps an event that came due while paused. */
  postpone(event: SimulationEvent): void {
    this.#backlog.push(event);
  }
}
