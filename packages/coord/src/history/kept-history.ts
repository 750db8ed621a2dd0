/**
 * The history of a server that stands alone, or of a replica, wherever its commits are kept at the moment: nowhere, in
 * its log, or in memory. Off unless bounds are given, and then nobody is told of a commit.
 *
 *     log in files        read from there; there again after a restart: `LogHistory`
 *     no log              in memory, and begins anew with each start: `MemoryHistory`
 *     log in etcd         in memory of each replica, and begins anew with each start of it: `ReplicaHistory`
 *
 * Where it is kept changes with the log, and it begins anew then: those who read are told COMPACTED.
 */
import type { Clock } from '@holdfast/common';
import type { Disk, Position } from '@holdfast/log';
import type { WriteStamp } from '@holdfast/storage';
import type { Oracle } from '@holdfast/tso';
import type { KeptLog } from '../kept-log.js';
import type { HistoryBounds } from './bounds.js';
import { notKept } from './errors.js';
import type { History, HistoryPage, KeptCommits, ReadLimit } from './history.js';
import { HistoryStarts } from './history-starts.js';
import { LogHistory } from './log-history.js';
import { MemoryHistory } from './memory-history.js';
import { ReplicaHistory } from './replica-history.js';

export interface KeptHistoryOptions {
  readonly clock: Clock;
  readonly oracle: Oracle;
  readonly bounds: HistoryBounds;
  /** Where a log is; null for a server without a directory. */
  readonly place: { readonly disk: Disk; readonly path: string } | null;
}

const off = 'history-bytes is 0';

export class KeptHistory implements History {
  /** They count at once, but for keeping one at all: that begins and ends where it is said. */
  bounds: HistoryBounds;
  readonly #options: KeptHistoryOptions;
  #kept: KeptCommits | null = null;
  /** The same, when it is that of a replica. */
  #replicated: ReplicaHistory | null = null;
  #starts: HistoryStarts | null = null;
  #whyNot = off;

  constructor(options: KeptHistoryOptions) {
    this.#options = options;
    this.bounds = options.bounds;
  }

  /** Whether it is to be kept where it can be. */
  get isWanted(): boolean {
    return this.bounds.bytes > 0;
  }

  /** Null when none is kept. */
  get current(): History | null {
    return this.#kept;
  }

  /** Who is to be told of what a server on its own commits; null for nobody. */
  get commits(): KeptCommits | null {
    return this.#replicated === null ? this.#kept : null;
  }

  /** Who is to be told of the entries that a replica has; null for nobody. */
  get replicated(): ReplicaHistory | null {
    return this.#replicated;
  }

  get oldest(): number {
    return this.#kept?.oldest ?? 0;
  }

  get newest(): number {
    return this.#kept?.newest ?? 0;
  }

  async read(after: number, limit?: ReadLimit): Promise<HistoryPage> {
    if (this.#kept === null) throw notKept(this.#whyNot);
    return this.#kept.read(after, limit);
  }

  async waitBeyond(version: number, signal?: AbortSignal): Promise<void> {
    if (this.#kept === null) throw notKept(this.#whyNot);
    await this.#kept.waitBeyond(version, signal);
  }

  /** See `LogHistory.release`: what of a log may be trimmed. */
  async release(before: Position): Promise<Position> {
    return this.#kept instanceof LogHistory ? this.#kept.release(before) : before;
  }

  /** A server begins with a log. Goes on with the history of its last run, unless that was without one. */
  async resume(log: KeptLog, stamp: WriteStamp): Promise<void> {
    const starts = this.#startsOf();
    if (!this.isWanted) return starts.forget();
    const { head, tail } = await log.state();
    const before = stamp.last;
    const version = this.#above(stamp);
    await starts.resume(head, tail, before, version);
    this.#over(log, starts, version);
  }

  /**
   * Begins with what is written from now on to `log`: all before is handed over, but may not be committed. Throws KvError
   * DISK, and none is kept then.
   */
  async beginOnLog(log: KeptLog, stamp: WriteStamp): Promise<void> {
    this.#leave(off);
    if (!this.isWanted) return;
    const starts = this.#startsOf();
    const version = this.#above(stamp);
    const stored = starts.begin(log.committedPosition, version);
    this.#over(log, starts, version);
    await stored.catch(async (error: unknown) => {
      await this.stop(`its beginning could not be written down: ${String(error)}`);
      throw error;
    });
  }

  /** Begins with what is handed over from now on. */
  beginInMemory(stamp: WriteStamp): void {
    this.#leave(off);
    if (!this.isWanted) return;
    const { clock } = this.#options;
    this.#kept = new MemoryHistory(clock, () => this.bounds, this.#above(stamp));
  }

  /**
   * Begins with the entries that come from the shared log from now on. `stamp`: of a server that stood alone until this
   * moment, at which nothing is being written: whatever versions it gave away are below all to come then.
   */
  beginReplicated(stamp: WriteStamp | null = null): void {
    this.#leave(off);
    if (!this.isWanted) return;
    if (stamp !== null) this.#above(stamp);
    this.#replicated = new ReplicaHistory(this.#options.clock, () => this.bounds);
    this.#kept = this.#replicated;
  }

  /** Of a replica, after its bounds were changed. */
  async turnReplicated(): Promise<void> {
    if (this.isWanted === (this.#kept !== null)) return;
    if (this.isWanted) this.beginReplicated();
    else await this.stop(off);
  }

  /** What an earlier run left is no history of what is written now. */
  forget(): Promise<void> {
    return this.#startsOf().forget();
  }

  /** None is kept any more. Before anything is written that it would miss. */
  async stop(why: string): Promise<void> {
    const starts = this.#starts;
    this.#leave(why);
    await starts?.forget();
  }

  #leave(why: string): void {
    const kept = this.#kept;
    this.#kept = null;
    this.#replicated = null;
    this.#starts = null;
    this.#whyNot = why;
    kept?.end();
  }

  #over(log: KeptLog, starts: HistoryStarts, version: number): void {
    const { clock } = this.#options;
    this.#starts = starts;
    this.#kept = new LogHistory({ log, starts, clock, bounds: () => this.bounds, version });
  }

  #startsOf(): HistoryStarts {
    const { disk, path } = this.#options.place!;
    return new HistoryStarts(disk, path);
  }

  /** A version of its own, which the state is as of from now on. */
  #above(stamp: WriteStamp): number {
    const version = this.#options.oracle.next(1);
    stamp.use(version);
    stamp.reset();
    return version;
  }
}
