/** The log of a shard, as a node of the simulation has it: over the network to the node that keeps it. */
import { KvError } from '@holdfast/common';
import type {
  AppendOutcome,
  Committed,
  Log,
  LogEntry,
  LogState,
  Position,
  Refused,
  Staged,
} from '@holdfast/log';
import type { AppendRequest } from '@holdfast/log/testing';
import type { CallChannel, NodeLife } from '@holdfast/testing/simulation';
import {
  appendGroup,
  logNode,
  type Opened,
  openLog,
  readLog,
  type StoredParts,
  settleGroup,
  stateOfLog,
  storePart,
  trimLog,
} from './log-node.js';
import type { Mistake } from './mistakes.js';

const timeoutMs = 100;
const pollMs = 150;

/** By life: from how many bytes on a batch is stored before its append. Most batches have between 40 and 300. */
const longBytesOf = [Number.POSITIVE_INFINITY, 160, 0];
const partBytes = 48;
/** Between two parts, at most: of one batch in four, which then may take longer than a lease, and of the others. */
const slowPauseMs = 150;
const quickPauseMs = 4;

class StoredBatch implements Staged {
  readonly batch: Uint8Array;
  readonly parts: StoredParts;

  constructor(batch: Uint8Array, parts: StoredParts) {
    this.batch = batch;
    this.parts = parts;
  }
}

interface Waiter {
  readonly beyond: Position;
  readonly wake: () => void;
}

export class LogClient implements Log {
  readonly batchBytesMax: number = 1024 * 1024;
  readonly #life: NodeLife;
  readonly #shard: string;
  readonly #mistake: Mistake | null;
  readonly #writer: number;
  #known: LogState;
  readonly #longBytes: number;
  #sequence = 0;
  #doubt: AppendRequest | null = null;
  readonly #waiters = new Set<Waiter>();
  #isClosed = false;

  static async open(life: NodeLife, shard: string, mistake: Mistake | null): Promise<LogClient> {
    for (;;) {
      try {
        const opened = await life.network.call(logNode, openLog, { shard }, { timeoutMs });
        return new LogClient(life, shard, opened, mistake);
      } catch {
        await life.sleep(50);
      }
    }
  }

  private constructor(life: NodeLife, shard: string, { state, writer }: Opened, mistake: Mistake | null) {
    this.#mistake = mistake;
    this.#life = life;
    this.#shard = shard;
    this.#writer = writer;
    this.#known = state;
    // A mistake shows less often where less is done in the time.
    this.#longBytes =
      mistake === null ? longBytesOf[life.env.random.uint32() % longBytesOf.length] : longBytesOf[0];
  }

  get committedPosition(): Position {
    return this.#known.tail;
  }

  /** Something newer may be known. */
  note(state: LogState): void {
    if (state.tail < this.#known.tail) return;
    this.#known = state;
    for (const { beyond, wake } of this.#waiters) if (beyond < state.tail) wake();
  }

  /** One at a time, as the committer does. */
  async append(batch: Uint8Array, after: Position, epoch: number, staged?: Staged): Promise<AppendOutcome> {
    if (this.#isClosed) throw new KvError('CLOSED', 'the log is closed');
    if (this.#doubt !== null) return { kind: 'refused', reason: 'unavailable', tail: after };
    const batches = [Uint8Array.from(batch)];
    const request = { writer: this.#writer, sequence: ++this.#sequence, after, epoch, batches };
    this.#doubt = request;
    try {
      const stored = staged instanceof StoredBatch ? staged.parts : null;
      const sent = stored === null ? request : { ...request, batches: [] };
      const outcome = await this.#call(appendGroup, { shard: this.#shard, request: sent, stored });
      this.#doubt = null;
      if (outcome.kind === 'committed') this.note({ ...this.#known, tail: outcome.position, epoch });
      return outcome;
    } catch (cause) {
      return { kind: 'unknown', cause };
    }
  }

  stage(batch: Uint8Array, signal: AbortSignal): Promise<Staged> | null {
    return batch.length >= this.#longBytes ? this.#store(batch, signal) : null;
  }

  async #store(batch: Uint8Array, signal: AbortSignal): Promise<Staged> {
    const { random } = this.#life.env;
    const count = Math.ceil(batch.length / partBytes);
    const pauseMs = random.uint32() % 4 === 0 ? slowPauseMs : quickPauseMs;
    const parts = { writer: this.#writer, sequence: ++this.#sequence, count };
    for (let index = 0; index < count && !signal.aborted; ) {
      const bytes = batch.slice(index * partBytes, (index + 1) * partBytes);
      const part = { ...parts, shard: this.#shard, index, bytes };
      const isStored = await this.#call(storePart, part).then(
        () => true,
        () => false,
      );
      if (isStored) index++;
      await this.#life.sleep(random.uint32() % pauseMs);
    }
    if (signal.aborted) throw new KvError('UNAVAILABLE', 'the batch is not wanted any more');
    return new StoredBatch(batch, parts);
  }

  async resolve(): Promise<(Committed | Refused)[]> {
    const request = this.#doubt;
    if (request === null) return [];
    if (this.#mistake === 'stale tail trusted') return [await this.#guess(request)];
    const { outcome, state } = await this.#call(settleGroup, { shard: this.#shard, request });
    this.note(state);
    if (this.#doubt === request) this.#doubt = null;
    return [outcome];
  }

  async *read(from: Position): AsyncGenerator<LogEntry, void, void> {
    const last = this.committedPosition;
    // As if what was announced while nobody listened did not matter.
    if (this.#mistake === 'gap skipped' && last - from > 3) from = last;
    if (from <= last) yield* await this.#call(readLog, { shard: this.#shard, from, last });
  }

  async state(): Promise<LogState> {
    const state = await this.#call(stateOfLog, { shard: this.#shard });
    this.note(state);
    return state;
  }

  async tail(): Promise<Position> {
    return (await this.state()).tail;
  }

  async head(): Promise<Position> {
    return (await this.state()).head;
  }

  async waitBeyond(position: Position, signal?: AbortSignal): Promise<Position> {
    while (this.committedPosition <= position && !signal?.aborted && !this.#isClosed) {
      let isDue = false;
      await new Promise<void>((resolve) => {
        const waiter = { beyond: position, wake: resolve };
        this.#waiters.add(waiter);
        const timer = this.#life.env.timers.setTimeout(() => {
          isDue = true;
          resolve();
        }, pollMs);
        const abort = (): void => {
          this.#waiters.delete(waiter);
          this.#life.env.timers.clearTimeout(timer);
          resolve();
        };
        signal?.addEventListener('abort', abort, { once: true });
      });
      this.#waiters.clear();
      if (isDue) await this.state().catch(() => {});
    }
    return this.committedPosition;
  }

  async seal(): Promise<Position> {
    throw new KvError('INVALID', 'nobody seals a log of the simulation');
  }

  async trim(before: Position): Promise<void> {
    await this.#call(trimLog, { shard: this.#shard, before });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { wake } of this.#waiters) wake();
  }

  /** What a look at the log makes of an append. Nothing keeps it from arriving after that. */
  async #guess(request: AppendRequest): Promise<Committed | Refused> {
    const { after, batches } = request;
    const { tail } = await this.state();
    this.#doubt = null;
    if (tail === after) return { kind: 'refused', reason: 'unavailable', tail };
    for await (const { batch, position } of this.read(after + 1)) {
      if (Buffer.compare(batch, batches[0]) === 0) return { kind: 'committed', position };
      break;
    }
    return { kind: 'refused', reason: 'position', tail };
  }

  async #call<Request, Response>(
    channel: CallChannel<Request, Response>,
    request: Request,
  ): Promise<Response> {
    try {
      return await this.#life.network.call(logNode, channel, request, { timeoutMs });
    } catch (error) {
      if (error instanceof KvError && error.code !== 'INVALID') {
        throw new KvError('UNAVAILABLE', error.message);
      }
      throw error;
    }
  }
}
