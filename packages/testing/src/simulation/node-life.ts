/**
 * A node from one start to the crash after it: what its program is given. Everything that a life has scheduled,
 * sent or is waiting for ends with it; its promises stay pending for ever, as those of a killed process.
 */
import { type Env, pause, type Timer } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { SimulationEvent } from './event-queue.js';
import type { LifeNetwork } from './life-network.js';
import type { SimulatedNode } from './simulated-node.js';
import type { Simulation } from './simulation.js';

export class NodeLife {
  readonly node: SimulatedNode;
  /** 1 for the first life of its node. */
  readonly number: number;
  readonly env: Env;
  readonly network: LifeNetwork;
  readonly #simulation: Simulation;
  #isAlive = true;

  /** @internal */
  constructor(simulation: Simulation, node: SimulatedNode, number: number) {
    this.#simulation = simulation;
    this.node = node;
    this.number = number;
    this.env = {
      clock: node.clock,
      timers: {
        setTimeout: (callback, delayMs) => this.#after(delayMs, callback),
        clearTimeout: (timer: Timer) => {
          (timer as SimulationEvent).isCancelled = true;
        },
        setImmediate: (callback) => {
          this.#after(0, callback);
        },
      },
      random: new SeededRandom(simulation.random.uint32()),
    };
    this.network = simulation.network.join(this);
  }

  /** The name of its node. */
  get name(): string {
    return this.node.name;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Resolves after `ms` by the clock of the node. */
  sleep(ms: number): Promise<void> {
    return pause(this.env.timers, ms);
  }

  /** A line for the trace. */
  log(text: string): void {
    if (this.#isAlive) this.#simulation.trace.add(this.name, text);
  }

  /** @internal */
  end(): void {
    this.#isAlive = false;
  }

  #after(delayMs: number, callback: () => void): SimulationEvent {
    const atMs = this.node.clock.virtualAfter(Math.max(0, delayMs));
    return this.#simulation.scheduleTimer(atMs, callback, this);
  }
}
