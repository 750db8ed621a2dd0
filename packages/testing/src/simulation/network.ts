/**
 * The links between simulated nodes. It knows packets only: what a packet means is a closure that runs where and
 * when it arrives. `life-network.ts` makes calls and messages of them, `stream.ts` connections.
 *
 * Each ordered pair of nodes is a link with weather of its own: bursts of loss, clogs, blocks. A packet of a node to
 * itself arrives at once, always.
 */
import { LifeNetwork } from './life-network.js';
import type { NodeLife } from './node-life.js';
import type { CrashKind } from './simulated-node.js';
import type { Simulation } from './simulation.js';

export interface Packet {
  readonly from: string;
  readonly to: string;
  /** For the trace. */
  readonly describe: () => string;
  readonly mayRepeat?: boolean;
  /** Runs on the life that is there when the packet arrives. */
  readonly deliver: (life: NodeLife) => void;
  /** Runs instead when the process is not there, while the machine is: word of that gets back. */
  readonly refuse?: () => void;
}

interface Link {
  isBlocked: boolean;
  losesUntilMs: number;
  clogsUntilMs: number;
}

export class SimulatedNetwork {
  readonly #simulation: Simulation;
  readonly #links = new Map<string, Link>();

  /** @internal */
  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** From now on nothing of `from` reaches `to`. */
  block(from: string, to: string): void {
    this.#link(from, to).isBlocked = true;
  }

  /** No node of `side` reaches one that is not, nor the other way round; `oneWay`: only the first. */
  partition(side: readonly string[], options: { oneWay?: boolean } = {}): void {
    const rest = this.#simulation.nodes.map(({ name }) => name).filter((name) => !side.includes(name));
    this.#simulation.trace.add(
      'network',
      `parts ${side.join(', ')} ${options.oneWay ? '->|' : '|'} ${rest.join(', ')}`,
    );
    for (const here of side) {
      for (const there of rest) {
        this.block(here, there);
        if (!options.oneWay) this.block(there, here);
      }
    }
  }

  isBlocked(from: string, to: string): boolean {
    return this.#link(from, to).isBlocked;
  }

  /** Ends blocks, bursts and clogs. */
  heal(): void {
    this.#simulation.trace.add('network', 'heals');
    this.#links.clear();
  }

  /** Sends a packet, which arrives later, never, or twice. */
  send(packet: Packet): void {
    if (packet.from === packet.to) {
      this.#deliverAfter(0, packet);
      return;
    }
    if (this.isBlocked(packet.from, packet.to) || this.losesNow(packet.from, packet.to)) {
      this.#lose(packet);
      return;
    }
    this.#deliverAfter(this.delayMs(packet.from, packet.to), packet);
    const { duplicateRate } = this.#simulation.profile.network;
    if (packet.mayRepeat && this.#happens(duplicateRate))
      this.#deliverAfter(this.delayMs(packet.from, packet.to), packet);
  }

  /** Draws whether a packet is lost now. */
  losesNow(from: string, to: string): boolean {
    const { lossRate, burstRate, burstMeanMs } = this.#simulation.profile.network;
    const link = this.#link(from, to);
    if (this.#happens(burstRate)) link.losesUntilMs = this.#simulation.nowMs + this.exponential(burstMeanMs);
    return this.#simulation.nowMs < link.losesUntilMs || this.#happens(lossRate);
  }

  /** Draws how long a packet takes. */
  delayMs(from: string, to: string): number {
    const { delayMinMs, delayMeanMs, straggleRate, clogRate, clogMeanMs } = this.#simulation.profile.network;
    const { nowMs } = this.#simulation;
    const link = this.#link(from, to);
    if (this.#happens(clogRate)) link.clogsUntilMs = nowMs + this.exponential(clogMeanMs);
    const delayMs = delayMinMs + this.exponential(delayMeanMs) * (this.#happens(straggleRate) ? 10 : 1);
    return Math.max(0, link.clogsUntilMs - nowMs) + delayMs;
  }

  /** Draws a duration with this mean. */
  exponential(meanMs: number): number {
    return -Math.log(1 - this.#simulation.random.uint32() / 0x100000000) * meanMs;
  }

  /** @internal The network as a new life has it. */
  join(life: NodeLife): LifeNetwork {
    return new LifeNetwork(this.#simulation, life);
  }

  /** @internal */
  leave(life: NodeLife, kind: CrashKind): void {
    life.network.leave(kind);
  }

  #deliverAfter(delayMs: number, packet: Packet): void {
    this.#simulation.schedule(this.#simulation.nowMs + delayMs, () => this.#arrive(packet));
  }

  #arrive(packet: Packet): void {
    const { from, to } = packet;
    if (this.isBlocked(from, to)) {
      this.#lose(packet);
      return;
    }
    const node = this.#simulation.node(to);
    const { life } = node;
    if (life === null) {
      this.#lose(packet);
      if (node.isPowered) packet.refuse?.();
      return;
    }
    const deliver = (): void => {
      if (this.#simulation.trace.isOn) this.#simulation.trace.add(from, `> ${to} ${packet.describe()}`);
      packet.deliver(life);
    };
    if (node.isPaused) this.#simulation.schedule(this.#simulation.nowMs, deliver, life);
    else deliver();
  }

  #lose({ from, to, describe }: Packet): void {
    if (this.#simulation.trace.isOn) this.#simulation.trace.add(from, `> ${to} lost: ${describe()}`);
  }

  #happens(rate: number): boolean {
    return rate > 0 && this.#simulation.random.uint32() < rate * 0x100000000;
  }

  #link(from: string, to: string): Link {
    const key = `${from}\n${to}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = { isBlocked: false, losesUntilMs: 0, clogsUntilMs: 0 };
      this.#links.set(key, link);
    }
    return link;
  }
}
