/**
 * Does to the nodes of a simulation what its fault profile says: crashes, pauses, partitions and clocks that are
 * set. Each kind of fault has a rhythm of its own. Then `stop` gives the cluster what it needs to recover.
 */
import { randomBelow } from '@holdfast/common';
import { type FaultRhythm, noFaults } from './fault-profile.js';
import type { SimulatedNode } from './simulated-node.js';
import type { Simulation } from './simulation.js';

export class Nemesis {
  readonly #simulation: Simulation;
  #isActive = false;
  /** Rises when it stops: what was planned before is void. */
  #round = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  start(): void {
    const { partitions, crashes, pauses, clocks } = this.#simulation.profile;
    this.#isActive = true;
    this.#repeat(partitions, () => this.#partition());
    this.#repeat(crashes, () => this.#crash());
    this.#repeat(pauses, () => this.#pause());
    this.#repeat({ everyMeanMs: clocks.jumpEveryMeanMs, lastMeanMs: 0 }, () => this.#jump());
  }

  /**
   * Ends all faults: the network heals and is quick, who was paused goes on, who was down starts. Clocks stay as
   * they are: wrong, but steady.
   */
  stop(): void {
    this.#isActive = false;
    this.#round++;
    this.#simulation.trace.add('nemesis', 'is done');
    this.#simulation.setProfile({ ...noFaults, clocks: this.#simulation.profile.clocks });
    this.#simulation.network.heal();
    for (const node of this.#simulation.nodes) {
      node.resume();
      if (node.life === null) node.start();
    }
  }

  /** Begins a fault now and then, and calls what `begin` returns when the fault is to end. */
  #repeat({ everyMeanMs, lastMeanMs }: FaultRhythm, begin: () => () => void): void {
    if (everyMeanMs === Number.POSITIVE_INFINITY) return;
    this.#later(everyMeanMs, () => {
      const end = begin();
      this.#later(lastMeanMs, () => {
        end();
        this.#repeat({ everyMeanMs, lastMeanMs }, begin);
      });
    });
  }

  #later(meanMs: number, run: () => void): void {
    const round = this.#round;
    const { network, nowMs } = this.#simulation;
    this.#simulation.schedule(nowMs + network.exponential(meanMs), () => {
      if (this.#isActive && round === this.#round) run();
    });
  }

  #partition(): () => void {
    const { network, random, nodes, profile } = this.#simulation;
    const names = nodes.map(({ name }) => name);
    // Half of them cut off one node, the others any set of nodes.
    const alone = names[randomBelow(random, names.length)];
    const some = names.filter(() => randomBelow(random, 2) === 0);
    const side = randomBelow(random, 2) === 0 ? [alone] : some;
    network.partition(side, { oneWay: random.uint32() < profile.partitions.oneWayRate * 0x100000000 });
    return () => network.heal();
  }

  #crash(): () => void {
    const { random, profile } = this.#simulation;
    const node = this.#victim();
    node?.crash(random.uint32() < profile.crashes.powerRate * 0x100000000 ? 'power' : 'process');
    return () => {
      if (node !== null && node.life === null) node.start();
    };
  }

  #pause(): () => void {
    const node = this.#victim();
    node?.pause();
    return () => node?.resume();
  }

  #jump(): () => void {
    const { random, nodes, profile } = this.#simulation;
    const faulty = nodes.filter(({ isFaulty }) => isFaulty);
    const node = faulty[randomBelow(random, faulty.length)];
    const { jumpMaxMs } = profile.clocks;
    const byMs = randomBelow(random, 2 * jumpMaxMs) - jumpMaxMs;
    this.#simulation.trace.add(node.name, `has its clock set by ${Math.floor(byMs)} ms`);
    node.clock.jump(Math.floor(byMs));
    return () => {};
  }

  /** A node that is up and well, unless enough are not. */
  #victim(): SimulatedNode | null {
    const { random, nodes, profile } = this.#simulation;
    const faulty = nodes.filter(({ isFaulty }) => isFaulty);
    const well = faulty.filter((node) => node.life !== null && !node.isPaused);
    const drawn = randomBelow(random, Math.max(1, well.length));
    return faulty.length - well.length < profile.downMax ? (well[drawn] ?? null) : null;
  }
}
