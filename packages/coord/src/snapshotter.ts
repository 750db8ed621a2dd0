/**
 * Keeps the log of a memory storage short: takes a snapshot when the log has grown enough, and drops what
 * the snapshot covers. For a storage that writes its own disk it drops what that has reached. What the history of the
 * last writes needs stays, whatever covers it.
 */
import { type Env, KvError, Recurring } from '@holdfast/common';
import type { Storage } from '@holdfast/storage';
import { type Committer, drainedUnlessRefused } from './committer.js';
import type { KeptHistory } from './history/kept-history.js';
import type { KeptLog } from './kept-log.js';
import type { SnapshotFiles } from './snapshot-files.js';

/** A snapshot is taken when the log behind the last one is longer than this and than twice that one, in bytes. */
const logBytesMin = 64 * 1024 * 1024;
const checkIntervalMs = 1000;
/** One that failed is not tried again at once: while it is written the log has less room, and may refuse. */
const retryDelayMs = 10_000;

export interface SnapshotterOptions {
  readonly storage: Storage;
  readonly log: KeptLog;
  readonly committer: Committer;
  /** Null for a storage that writes its own disk. */
  readonly snapshots: SnapshotFiles | null;
  readonly history: KeptHistory;
  readonly env: Env;
  readonly onError: (error: unknown) => void;
}

export class Snapshotter {
  readonly #options: SnapshotterOptions;
  #snapshotBytes = 0;
  /** Up to which the last snapshot covers the log; not known yet before the first one of this run. */
  #covered: number | null = null;
  #running: Promise<void> | null = null;
  readonly #checking: Recurring;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  /** Who needs the log as it is. */
  #holds = 0;
  /** When the last snapshot was finished, in ms since 1970; 0 for none. */
  lastFinishedMs = 0;
  /** How many writes there had been when it began. */
  savedWrites = 0;

  constructor(options: SnapshotterOptions) {
    this.#options = options;
    const { env, onError } = options;
    const work = (): Promise<void> => this.#check();
    this.#checking = new Recurring({ timers: env.timers, intervalMs: checkIntervalMs, work, onError });
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Takes a snapshot now, or joins the one under way. */
  take(): Promise<void> {
    this.#running ??= this.#take().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** The log is not trimmed until what this returns is called. */
  hold(): () => void {
    this.#holds++;
    return () => {
      this.#holds--;
    };
  }

  /** Resolves when nothing of it is under way: the log and the directory are not touched any more. */
  async close(): Promise<void> {
    await this.#checking.close();
    await this.#running?.catch(() => {});
  }

  async #take(): Promise<void> {
    const { storage, committer, snapshots, env } = this.#options;
    const { writes } = storage.stamp;
    if (snapshots === null) {
      await storage.flush();
    } else {
      const from = await this.#write(snapshots);
      await snapshots.removeOld();
      await this.#trim(from + 1);
    }
    if (snapshots === null) await this.#trim(storage.durablePosition + 1);
    committer.settle();
    this.lastFinishedMs = env.clock.now();
    this.savedWrites = writes;
  }

  async #trim(before: number): Promise<void> {
    if (this.#holds > 0) return;
    const { history, log } = this.#options;
    await log.trim(await history.release(before));
  }

  /** What its bounds let go meanwhile. Not asked of the log in vain, which brings everything to the disk for it. */
  async #trimHistory(covered: number): Promise<void> {
    const { history, log } = this.#options;
    if (this.#holds > 0) return;
    const before = await history.release(covered + 1);
    if (before > (log.starts[0] ?? before)) await log.trim(before);
  }

  async #write(snapshots: SnapshotFiles): Promise<number> {
    const { env, storage, log, committer } = this.#options;
    for (;;) {
      const from = log.committedPosition;
      try {
        this.#snapshotBytes = await snapshots.write(from, storage.snapshot(), async () => {
          // What is written of the snapshot may be what takes the room of the log.
          await drainedUnlessRefused(committer, env.timers);
          if (committer.isAbandoned) throw new KvError('CLOSED', 'the server ends within a write');
          await log.sync();
          return log.committedPosition;
        });
        this.#covered = from;
        return from;
      } catch (error) {
        // Databases were swapped meanwhile: begin again.
        if (!(error instanceof KvError && error.code === 'INVALID') || this.#checking.isClosed) throw error;
      }
    }
  }

  async #check(): Promise<void> {
    const { history, storage, snapshots } = this.#options;
    if (snapshots === null) await this.#trim(storage.durablePosition + 1);
    else if (await this.#isLong(snapshots)) await this.#takeUnlessTooSoon();
    else if (history.commits !== null) await this.#trimHistory(this.#covered!);
  }

  async #takeUnlessTooSoon(): Promise<void> {
    const { clock } = this.#options.env;
    if (this.#checking.isClosed || clock.monotonic() < this.#retryAtMs) return;
    try {
      await this.take();
    } catch (error) {
      this.#retryAtMs = clock.monotonic() + retryDelayMs;
      throw error;
    }
  }

  async #isLong(snapshots: SnapshotFiles): Promise<boolean> {
    this.#covered ??= (await snapshots.newest())?.from ?? 0;
    return this.#options.log.bytesFrom(this.#covered + 1) > Math.max(logBytesMin, this.#snapshotBytes * 2);
  }
}
