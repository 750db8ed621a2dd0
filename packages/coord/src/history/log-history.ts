/**
 * The last commits as the log in files has them: it is trimmed later, and read by version.
 *
 *     log        | file ...... | file ...... | file ...... | active
 *     needed     . for the history ................. for recovery
 *                '- oldest
 *
 * Nothing is kept beside the log, and writing costs nothing more. Versions rise with positions, so the place of a
 * version is found by halving; a reader that goes on where it was is remembered.
 */
import { type Clock, KvError } from '@holdfast/common';
import { type Position, PositionWaiters } from '@holdfast/log';
import { BatchWrites, firstVersionOf } from '@holdfast/storage';
import type { KeptLog } from '../kept-log.js';
import { type HistoryBounds, versionOfAge } from './bounds.js';
import { compacted, lost } from './errors.js';
import type { HistoryPage, KeptCommits, ReadLimit } from './history.js';
import type { HistoryStarts } from './history-starts.js';
import { cursorsMax, readLimitDefault } from './limits.js';
import { PageBuilder } from './page-builder.js';

export interface LogHistoryOptions {
  readonly log: KeptLog;
  /** Begun, or resumed. */
  readonly starts: HistoryStarts;
  readonly clock: Clock;
  readonly bounds: () => HistoryBounds;
  /** A version that is above all in the log, and below all to come. */
  readonly version: number;
}

export class LogHistory implements KeptCommits {
  newest: number;
  readonly #log: KeptLog;
  readonly #starts: HistoryStarts;
  readonly #clock: Clock;
  readonly #bounds: () => HistoryBounds;
  readonly #writes = new BatchWrites();
  readonly #waiters = new PositionWaiters();
  #position: Position;
  /** By the version that a reader has: the entry that it goes on with. */
  readonly #cursors = new Map<number, Position>();
  /** The first version of the file that was looked at last, which begins with this position. */
  #file = { from: 0, version: 0 };

  constructor({ bounds, clock, log, starts, version }: LogHistoryOptions) {
    this.#log = log;
    this.#starts = starts;
    this.#clock = clock;
    this.#bounds = bounds;
    this.#position = log.committedPosition;
    this.newest = version;
  }

  get oldest(): number {
    return this.#starts.first.after;
  }

  committed(_batch: Uint8Array, position: Position, version: number): void {
    this.#position = position;
    if (version <= this.newest) return;
    this.newest = version;
    if (!this.#waiters.isEmpty) this.#waiters.wake(version);
  }

  async read(after: number, limit: ReadLimit = readLimitDefault): Promise<HistoryPage> {
    this.#check(after);
    if (after >= this.newest) return { commits: [], version: after };
    try {
      return await this.#read(after, limit);
    } catch (error) {
      // It was dropped meanwhile.
      if (error instanceof KvError && error.code === 'INVALID') this.#check(after);
      throw error;
    }
  }

  async waitBeyond(version: number, signal?: AbortSignal): Promise<void> {
    if (this.newest <= version) await this.#waiters.wait(version, signal);
  }

  end(): void {
    this.#waiters.wakeAll();
  }

  /**
   * The log may be trimmed up to what this returns, `before` at most: the history reaches no further back then. Whole
   * files are dropped, each when those behind it have enough bytes, or when all in it is too old.
   */
  async release(before: Position): Promise<Position> {
    const { starts } = this.#log;
    let kept = 0;
    while (kept + 1 < starts.length && starts[kept + 1] <= before && (await this.#isEnough(starts[kept + 1])))
      kept++;
    const position = starts[kept] - 1;
    if (position > this.#starts.first.position) {
      const batch = await this.#entryAt(position);
      await this.#starts.drop(position, this.#writes.lastVersion(batch));
    }
    return Math.min(before, starts[kept] ?? before);
  }

  async #isEnough(from: Position): Promise<boolean> {
    const { bytes, seconds } = this.#bounds();
    if (this.#log.bytesFrom(from) >= bytes) return true;
    const tooOld = versionOfAge(this.#clock, seconds);
    return tooOld > 0 && from <= this.#position && (await this.#firstOfFile(from)) <= tooOld;
  }

  async #firstOfFile(from: Position): Promise<number> {
    if (this.#file.from !== from) this.#file = { from, version: firstVersionOf(await this.#entryAt(from)) };
    return this.#file.version;
  }

  #check(after: number): void {
    if (after < this.oldest) throw compacted(after, this.oldest);
    if (this.#starts.isLost(after)) throw lost(after, this.oldest);
  }

  async #read(after: number, limit: ReadLimit): Promise<HistoryPage> {
    const { newest } = this;
    const page = new PageBuilder(after, limit);
    let next = await this.#placeOf(after);
    for await (const { batch, position } of this.#log.read(next)) {
      next = position;
      for (const write of this.#writes.of(batch)) {
        const { end, start, version } = write;
        if (version <= after) continue;
        if (version > newest || !page.takes(write)) {
          const reached = version > newest ? newest : page.last;
          this.#remember(reached, position);
          return page.upTo(reached);
        }
        page.add(write, batch.subarray(start, end));
      }
      next = position + 1;
    }
    this.#remember(newest, next);
    return page.upTo(newest);
  }

  /** The entry that the first write after a version is in, or an earlier one. */
  async #placeOf(after: number): Promise<Position> {
    const known = this.#cursors.get(after);
    const least = this.#starts.first.position + 1;
    if (known !== undefined) return Math.max(known, least);
    let low = least;
    let high = this.#position;
    while (low < high) {
      const middle = Math.floor((low + high + 1) / 2);
      if (firstVersionOf(await this.#entryAt(middle)) <= after) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  async #entryAt(position: Position): Promise<Uint8Array> {
    for await (const { batch } of this.#log.read(position)) return batch;
    throw new KvError('CORRUPT', `the entry at position ${position} of the log is missing`);
  }

  #remember(version: number, position: Position): void {
    this.#cursors.delete(version);
    this.#cursors.set(version, position);
    if (this.#cursors.size <= cursorsMax) return;
    for (const oldest of this.#cursors.keys()) {
      this.#cursors.delete(oldest);
      return;
    }
  }
}
