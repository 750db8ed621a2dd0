/**
 * The last commits of a shard as one of its replicas has them: in memory, whether it follows or leads.
 *
 *     log        ... 41 | 42 | 43 | 44 ...        each entry once, in order, whoever appended it
 *     history            |    '---- kept
 *                        '- the first that comes: it begins behind the last version of that entry
 *
 * Positions say what comes next. What is applied again, after a state was given up, is passed over; when entries are
 * missing, because the state was taken from another node, the history begins anew. So it says the same at all replicas, as
 * far as it reaches, and a reader goes on at any of them, or at the next leader, with the version that it has.
 *
 * An entry that says only who leads has a version, too: everything before it is not above that, and everything behind it is.
 */
import type { Clock } from '@holdfast/common';
import { type Position, PositionWaiters } from '@holdfast/log';
import { BatchWrites, firstVersionOf } from '@holdfast/storage';
import type { HistoryBounds } from './bounds.js';
import { behind, notBegun } from './errors.js';
import type { HistoryPage, KeptCommits, ReadLimit } from './history.js';
import { MemoryHistory } from './memory-history.js';

export class ReplicaHistory implements KeptCommits {
  readonly #clock: Clock;
  readonly #bounds: () => HistoryBounds;
  readonly #writes = new BatchWrites();
  /** Those who wait for its beginning. */
  readonly #waiters = new PositionWaiters();
  /** Null until an entry has come. */
  #kept: MemoryHistory | null = null;
  /** Of the last entry that came. */
  #position: Position = 0;
  #isEnded = false;

  constructor(clock: Clock, bounds: () => HistoryBounds) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  get oldest(): number {
    return this.#kept?.oldest ?? 0;
  }

  get newest(): number {
    return this.#kept?.newest ?? 0;
  }

  /** An entry of the log, known to be committed: the next one, one that came before, or one behind a gap. */
  committed(batch: Uint8Array, position: Position): void {
    const kept = this.#kept;
    if (batch.length === 0) return;
    if (kept !== null && position <= this.#position) return;
    const written = this.#writes.lastVersion(batch);
    const version = Math.max(written, firstVersionOf(batch));
    const isNext = position === this.#position + 1;
    this.#position = position;
    if (kept === null || !isNext) this.#begin(version);
    else if (written > 0) kept.committed(batch, position, version);
    else kept.reached(version);
  }

  /** As `History.read`. UNAVAILABLE when the replica has not come so far yet, or has only just begun; `version` is how far. */
  async read(after: number, limit?: ReadLimit): Promise<HistoryPage> {
    const kept = this.#kept;
    if (kept === null) throw notBegun();
    if (after > kept.newest) throw behind(after, kept.newest);
    return kept.read(after, limit);
  }

  async waitBeyond(version: number, signal?: AbortSignal): Promise<void> {
    if (this.#kept === null && !this.#isEnded) await this.#waiters.wait(0, signal);
    await this.#kept?.waitBeyond(version, signal);
  }

  end(): void {
    this.#isEnded = true;
    this.#kept?.end();
    this.#waiters.wakeAll();
  }

  /** Behind an entry whose last version this is: 0 in a log that has no write yet. */
  #begin(version: number): void {
    const before = this.#kept;
    this.#kept = new MemoryHistory(this.#clock, this.#bounds, version);
    before?.end();
    this.#waiters.wakeAll();
  }
}
