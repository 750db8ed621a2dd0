/**
 * A connection between two lives, as TCP makes one: in order, without loss, until it breaks. Packets that are lost
 * or blocked are sent again, so they arrive late and hold up what follows; after `streamTimeoutMs` of that, the
 * sender gives up. A peer whose process died resets the connection; one that lost power says nothing.
 *
 *     send --> [ m3 ][ m2 ][ m1 ] --> receive        one Pipe each way
 *
 * There is no flow control: what is sent is on its way.
 */
import { streamTimeoutMs } from '../limits.js';
import { copyMessage } from './copy-message.js';
import type { NodeLife } from './node-life.js';
import type { Simulation } from './simulation.js';
import { payload } from './trace.js';

/** Why a stream closed: the peer ended it, is gone or refused it, or could not be reached for too long. */
export type StreamClose = 'ended' | 'reset' | 'timeout';

/** One end of a connection. */
export interface Stream<Send, Receive> {
  readonly isOpen: boolean;
  /** Without effect when the stream is closed. */
  send(message: Send): void;
  onMessage(handler: (message: Receive) => void): void;
  /** Called once, unless this side closed it. */
  onClose(handler: (reason: StreamClose) => void): void;
  /** After what was sent before. */
  close(): void;
}

type Item =
  | { readonly kind: 'open'; readonly channel: string }
  | { readonly kind: 'message'; readonly message: unknown }
  | { readonly kind: 'end' };

const retryFirstMs = 200;
const retryLastMs = 3200;

export class StreamEnd implements Stream<unknown, unknown> {
  readonly life: NodeLife;
  readonly #simulation: Simulation;
  readonly #peerName: string;
  readonly #pipe: Pipe;
  #peer: StreamEnd | null = null;
  #isOpen = true;
  #onMessage: (message: unknown) => void = () => {};
  #onClose: (reason: StreamClose) => void = () => {};

  constructor(simulation: Simulation, life: NodeLife, peerName: string) {
    this.#simulation = simulation;
    this.life = life;
    this.#peerName = peerName;
    this.#pipe = new Pipe(simulation, this);
    life.network.streams.add(this);
  }

  get isOpen(): boolean {
    return this.#isOpen && this.life.isAlive;
  }

  get peerName(): string {
    return this.#peerName;
  }

  send(message: unknown): void {
    if (this.isOpen) this.#pipe.push({ kind: 'message', message: copyMessage(message) });
  }

  onMessage(handler: (message: unknown) => void): void {
    this.#onMessage = handler;
  }

  onClose(handler: (reason: StreamClose) => void): void {
    this.#onClose = handler;
  }

  close(): void {
    if (!this.isOpen) return;
    this.#pipe.push({ kind: 'end' });
    this.#forget();
  }

  /** Asks the peer for a connection. */
  open(channel: string): void {
    this.#pipe.push({ kind: 'open', channel });
  }

  /** The process of this end is gone: the peer will be told. */
  abort(): void {
    const peer = this.#peer;
    this.#isOpen = false;
    if (peer !== null) peer.resetFrom(this.life.name);
  }

  /** Takes what arrived from the peer, at a life of this end's node. False when nobody is there for it. */
  receive(item: Item): boolean {
    if (!this.isOpen) return false;
    if (item.kind === 'message') this.#onMessage(item.message);
    else this.#closed('ended');
    return true;
  }

  /** Takes an item that this end sent and that has arrived at a life of the peer's node. */
  arrive(item: Item, life: NodeLife): void {
    if (item.kind === 'open') {
      const end = new StreamEnd(this.#simulation, life, this.life.name);
      end.#peer = this;
      this.#peer = end;
      if (life.network.takeStream(item.channel, end, this.life.name)) return;
      end.#forget();
      this.resetFrom(life.name);
    } else if (this.#peer?.life !== life || !this.#peer.receive(item)) {
      this.resetFrom(life.name);
    }
  }

  /** Word that the connection is not known any more, sent by `node`. */
  resetFrom(node: string): void {
    this.#simulation.network.send({
      from: node,
      to: this.life.name,
      describe: () => 'reset of a stream',
      deliver: (life) => {
        if (life === this.life && this.isOpen) this.#closed('reset');
      },
    });
  }

  giveUp(): void {
    if (this.isOpen) this.#closed('timeout');
  }

  #closed(reason: StreamClose): void {
    this.#forget();
    this.#onClose(reason);
  }

  #forget(): void {
    this.#isOpen = false;
    this.life.network.streams.delete(this);
  }
}

/** What one end has sent and the other has not received. */
class Pipe {
  readonly #simulation: Simulation;
  readonly #end: StreamEnd;
  /** Arrived, but behind one that is being sent again. */
  readonly #held: Item[] = [];
  #lastArrivalMs = 0;
  #retryMs = retryFirstMs;
  #heldSinceMs = 0;

  constructor(simulation: Simulation, end: StreamEnd) {
    this.#simulation = simulation;
    this.#end = end;
  }

  push(item: Item): void {
    const { network, nowMs } = this.#simulation;
    const [from, to] = [this.#end.life.name, this.#end.peerName];
    const delayMs = from === to ? 0 : network.delayMs(from, to);
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, nowMs + delayMs);
    this.#simulation.schedule(this.#lastArrivalMs, () => this.#arrive(item));
  }

  #arrive(item: Item): void {
    if (this.#held.length > 0 || !this.#canPass()) {
      this.#held.push(item);
      if (this.#held.length > 1) return;
      this.#heldSinceMs = this.#simulation.nowMs;
      this.#retryMs = retryFirstMs;
      this.#retryLater();
    } else {
      this.#deliver(item);
    }
  }

  #retry(): void {
    if (this.#canPass()) {
      for (const item of this.#held.splice(0)) this.#deliver(item);
    } else if (this.#simulation.nowMs - this.#heldSinceMs > streamTimeoutMs) {
      this.#held.length = 0;
      this.#end.giveUp();
    } else {
      this.#retryMs = Math.min(2 * this.#retryMs, retryLastMs);
      this.#retryLater();
    }
  }

  #retryLater(): void {
    this.#simulation.schedule(this.#simulation.nowMs + this.#retryMs, () => this.#retry());
  }

  #canPass(): boolean {
    const [from, to] = [this.#end.life.name, this.#end.peerName];
    if (from === to) return true;
    const { network } = this.#simulation;
    return this.#simulation.node(to).isPowered && !network.isBlocked(from, to) && !network.losesNow(from, to);
  }

  #deliver(item: Item): void {
    const [from, to] = [this.#end.life.name, this.#end.peerName];
    const node = this.#simulation.node(to);
    const { life } = node;
    if (life === null) {
      this.#end.resetFrom(to);
      return;
    }
    const deliver = (): void => {
      if (this.#simulation.trace.isOn) this.#simulation.trace.add(from, `> ${to} ${describe(item)}`);
      this.#end.arrive(item, life);
    };
    if (node.isPaused) this.#simulation.schedule(this.#simulation.nowMs, deliver, life);
    else deliver();
  }
}

function describe(item: Item): string {
  if (item.kind === 'open') return `opens a stream ${item.channel}`;
  return item.kind === 'end' ? 'ends a stream' : `stream: ${payload(item.message)}`;
}

/** A connection from `life` to a node, by name. */
export function openStream(
  simulation: Simulation,
  life: NodeLife,
  to: string,
  channel: string,
): Stream<unknown, unknown> {
  const end = new StreamEnd(simulation, life, to);
  end.open(channel);
  return end;
}
