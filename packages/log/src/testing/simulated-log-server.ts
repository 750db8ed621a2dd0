/** The far end of `SimulatedLog`, where the truth is: what it does with a group is what etcd does. */
import type { AppendGroup } from '../append-line.js';
import type { Committed, LogState, Position, Refused } from '../log.js';
import { MemoryLogStore } from './memory-log.js';
import type { SimulatedNetwork } from './simulated-network.js';

export interface SimulatedLogServerOptions {
  readonly network: SimulatedNetwork;
  /** How often a client that waits for entries asks, because notifications may be lost, in ms. */
  readonly pollMs?: number;
  /** The longest batch that it takes. */
  readonly batchBytesMax?: number;
  /** The position that the first entry follows, and the lowest epoch that it takes; 0 and 0. */
  readonly startAfter?: Position;
  readonly startEpoch?: number;
}

/** A group of appends as the server gets it. */
export interface AppendRequest extends AppendGroup {
  readonly writer: number;
  readonly sequence: number;
}

/** A client as the server sees it. */
export interface SimulatedLogClient {
  readonly name: string;
  /** Something newer may be known. */
  note(state: LogState): void;
}

export class SimulatedLogServer {
  readonly network: SimulatedNetwork;
  readonly pollMs: number;
  readonly batchBytesMax: number;
  /** What is committed. Tests may look at it at any time. */
  readonly store: MemoryLogStore;
  readonly #clients = new Set<SimulatedLogClient>();
  /** By writer and sequence number: where the group ended. */
  readonly #positions = new Map<string, Position>();
  /** By writer: no group up to this sequence number is taken any more. */
  readonly fences = new Map<number, number>();
  #writerCount = 0;

  constructor(options: SimulatedLogServerOptions) {
    this.network = options.network;
    this.pollMs = options.pollMs ?? 1000;
    this.batchBytesMax = options.batchBytesMax ?? 8 * 1024 * 1024;
    this.store = new MemoryLogStore(options.startAfter, options.startEpoch);
  }

  /** The number of a new writer. */
  register(client: SimulatedLogClient): number {
    this.#clients.add(client);
    return ++this.#writerCount;
  }

  unregister(client: SimulatedLogClient): void {
    this.#clients.delete(client);
  }

  /** Takes a group: all of it or nothing, once, and not if it was given up. */
  append(request: AppendRequest): Committed | Refused {
    const { writer, sequence, batches, after, epoch } = request;
    const known = this.#positions.get(`${writer}/${sequence}`);
    if (known !== undefined) return { kind: 'committed', position: known };
    if (sequence <= (this.fences.get(writer) ?? 0)) return refused('unavailable', this.store.tail);
    for (const [i, batch] of batches.entries()) {
      const outcome = this.store.append(batch, after + i, epoch);
      if (outcome.kind === 'refused') return outcome;
    }
    const { tail } = this.store;
    this.#positions.set(`${writer}/${sequence}`, tail);
    this.#notifyAll();
    return { kind: 'committed', position: tail };
  }

  /** What became of a group. If it is not there, it can't come any more. */
  settle({ writer, sequence, after, epoch }: AppendRequest): Committed | Refused {
    const position = this.#positions.get(`${writer}/${sequence}`);
    if (position !== undefined) return { kind: 'committed', position };
    // It may come late, after a later one.
    this.fences.set(writer, Math.max(sequence, this.fences.get(writer) ?? 0));
    const { tail, isSealed, epoch: last } = this.store.state;
    if (isSealed) return refused('sealed', tail);
    if (epoch < last) return refused('epoch', tail);
    return refused(after === tail ? 'unavailable' : 'position', tail);
  }

  seal(): void {
    this.store.seal();
    this.#notifyAll();
  }

  #notifyAll(): void {
    const { state } = this.store;
    for (const client of this.#clients) this.network.notify(client.name, () => client.note(state));
  }
}

function refused(reason: Refused['reason'], tail: Position): Refused {
  return { kind: 'refused', reason, tail };
}
