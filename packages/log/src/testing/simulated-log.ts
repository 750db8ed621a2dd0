/**
 * A shared log behind a network that fails: one client of a `SimulatedLogServer`. Several processes of one
 * test, each with a client, write to the log and follow it. It stands for a log as `EtcdLog` is one: groups
 * of appends are conditional and atomic at the server, and an append without an answer is `unknown`.
 */
import { KvError } from '@holdfast/common';
import type { Disruption } from '@holdfast/etcd/testing';
import { type AppendGroup, AppendLine } from '../append-line.js';
import type { AppendOutcome, Committed, Log, LogEntry, LogState, Position, Refused } from '../log.js';
import { PositionWaiters } from '../position-waiters.js';
import type { AppendRequest, SimulatedLogClient, SimulatedLogServer } from './simulated-log-server.js';
import { noAnswer } from './simulated-network.js';

const groupMax = { groupBytesMax: 1024 * 1024, groupCountMax: 100 };

export class SimulatedLog implements Log, SimulatedLogClient {
  /** What `partition` knows it by. Several clients of one process have the same. */
  readonly name: string;
  protected readonly server: SimulatedLogServer;
  readonly #writer: number;
  readonly #line: AppendLine;
  readonly #followers = new PositionWaiters();
  #known: LogState;
  /** What was sent last: at most one group is on its way. */
  #request: AppendRequest | null = null;
  #isClosed = false;
  #disruption: Disruption | undefined;
  #late: AppendRequest | null = null;

  constructor(server: SimulatedLogServer, name = 'client') {
    this.server = server;
    this.name = name;
    this.#writer = server.register(this);
    this.#known = server.store.state;
    this.#line = new AppendLine({ send: (group) => this.#send(group), ...groupMax });
  }

  get batchBytesMax(): number {
    return this.server.batchBytesMax;
  }

  get committedPosition(): Position {
    return this.#known.tail;
  }

  /** The next append fails in this way. */
  disrupt(disruption: Disruption): void {
    this.#disruption = disruption;
  }

  /** Lets the request arrive that `disrupt` made late. */
  deliverLate(): void {
    if (this.#late !== null) this.server.append(this.#late);
    this.#late = null;
  }

  async append(batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome> {
    this.#throwWhenClosed();
    if (batch.length > this.batchBytesMax) {
      throw new KvError('LIMIT', `a batch is longer than ${this.batchBytesMax} bytes`);
    }
    return this.#line.append(batch, after, epoch);
  }

  async resolve(): Promise<(Committed | Refused)[]> {
    this.#throwWhenClosed();
    await this.#line.settled();
    const { doubt } = this.#line;
    if (doubt === null) return [];
    return this.#line.settle(doubt, await this.settle(this.#request!));
  }

  read(from: Position): AsyncIterable<LogEntry> {
    this.#throwWhenClosed();
    return this.#entries(from, this.committedPosition);
  }

  async state(): Promise<LogState> {
    this.#throwWhenClosed();
    const state = await this.#call(() => this.server.store.state);
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
    this.#throwWhenClosed();
    const { network, pollMs } = this.server;
    const isOver = (): boolean => this.committedPosition > position || this.#known.isSealed;
    const asking = { timers: network.env.timers, intervalMs: pollMs, ask: () => this.#ask() };
    await this.#followers.waitOrAsk(position, isOver, asking, signal);
    return this.committedPosition;
  }

  async seal(): Promise<Position> {
    this.#throwWhenClosed();
    await this.#line.settled();
    await this.#call(() => this.server.seal());
    return this.tail();
  }

  async trim(before: Position): Promise<void> {
    this.#throwWhenClosed();
    await this.#call(() => this.server.store.trim(before));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#line.settled();
    this.server.unregister(this);
    this.#followers.close();
  }

  note(state: LogState): void {
    if (state.tail < this.#known.tail) return;
    this.#known = { ...state, isSealed: state.isSealed || this.#known.isSealed };
    if (state.isSealed) this.#followers.wakeAll();
    else this.#followers.wake(state.tail);
  }

  /** Finds out what became of a request, and fences it if it is not there. */
  protected async settle(request: AppendRequest): Promise<Committed | Refused> {
    const { outcome, state } = await this.#call(() => {
      return { outcome: this.server.settle(request), state: this.server.store.state };
    });
    this.note(state);
    return outcome;
  }

  async #ask(): Promise<void> {
    this.#throwWhenClosed();
    await this.state().catch(() => {});
    this.#throwWhenClosed();
  }

  #call<T>(operate: () => T): Promise<T> {
    return this.server.network.call(this.name, operate);
  }

  async #send(group: AppendGroup): Promise<AppendOutcome> {
    const sequence = (this.#request?.sequence ?? 0) + 1;
    const request = { ...group, writer: this.#writer, sequence };
    const disruption = this.#disruption;
    this.#request = request;
    this.#disruption = undefined;
    if (disruption === 'request late') {
      this.#late = request;
      return { kind: 'unknown', cause: noAnswer() };
    }
    try {
      const outcome = await this.server.network.call(
        this.name,
        () => this.server.append(request),
        disruption,
      );
      if (outcome.kind === 'committed') this.note({ ...this.#known, tail: outcome.position });
      return outcome;
    } catch (cause) {
      return { kind: 'unknown', cause };
    }
  }

  async *#entries(from: Position, last: Position): AsyncGenerator<LogEntry, void, void> {
    if (from <= last) yield* await this.#call(() => this.server.store.slice(from, last));
  }

  #throwWhenClosed(): void {
    if (this.#isClosed) throw new KvError('CLOSED', 'the log is closed');
  }
}
