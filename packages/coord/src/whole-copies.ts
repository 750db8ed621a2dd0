/**
 * Whole copies of the data of a server without a log. Each is of one moment, its last: all keys, and then what was
 * written while they were read. Level storage has its data on the disk anyway: there a copy means that all of it is.
 */
import { type Env, KvError } from '@holdfast/common';
import type { Storage } from '@holdfast/storage';
import type { CommitPath } from './commit-path.js';
import type { KeptLog } from './kept-log.js';
import type { RecordingCommitter } from './recording-committer.js';
import type { SnapshotFiles } from './snapshot-files.js';

export interface WholeCopiesOptions {
  readonly env: Env;
  readonly path: CommitPath;
  /** Null for a storage that writes its own disk. */
  readonly snapshots: SnapshotFiles | null;
  /** A log that is off, whose entries a copy makes void; null when none was ever on. */
  readonly log: () => KeptLog | null;
  /** Makes the directory this server's own, where it is not yet. Throws KvError when it can't be. */
  readonly claim: () => Promise<void>;
}

export class WholeCopies {
  readonly #options: WholeCopiesOptions;
  #running: Promise<void> | null = null;
  /** When the last one was finished, in ms since 1970; 0 for none. */
  lastFinishedMs = 0;
  /** How many writes there had been when it began. */
  savedWrites = 0;

  constructor(options: WholeCopiesOptions) {
    this.#options = options;
  }

  /** The one that is being taken. */
  get running(): Promise<void> | null {
    return this.#running;
  }

  /** Takes one, or joins the one under way. */
  take(): Promise<void> {
    this.#running ??= this.#take().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Takes one in place of what the log has up to `position`, and goes on recording. Throws KvError. */
  async begin(position: number): Promise<RecordingCommitter> {
    const { path } = this.#options;
    const snapshots = this.#options.snapshots!;
    for (;;) {
      const recorder = await path.record();
      try {
        await snapshots.write(position, wholeState(path.storage, recorder), async () => {
          await this.#options.log()?.sync();
          return position;
        });
        await snapshots.removeOld();
        return recorder;
      } catch (error) {
        await path.keepInMemory();
        // Databases were swapped meanwhile: begin again.
        if (!(error instanceof KvError && error.code === 'INVALID')) throw error;
      }
    }
  }

  async #take(): Promise<void> {
    const { claim, env, log, path, snapshots } = this.#options;
    const { storage } = path;
    const { writes } = storage.stamp;
    if (snapshots === null) {
      await path.committer.drained();
      await storage.flush();
    } else {
      await claim();
      await this.begin(log()?.committedPosition ?? 0);
      await path.keepInMemory();
    }
    this.lastFinishedMs = env.clock.now();
    this.savedWrites = writes;
  }
}

/** All keys, then all that was written since they were begun with. Returns the version that this is as of. */
export async function* wholeState(
  storage: Storage,
  recorder: RecordingCommitter,
): AsyncGenerator<Uint8Array, number, void> {
  yield* storage.snapshot();
  do await recorder.drained();
  while (recorder.isHeld && !recorder.isAbandoned);
  if (recorder.isAbandoned) throw new KvError('CLOSED', 'the server ends within a write');
  const batches = recorder.take();
  const version = storage.stamp.last;
  yield* batches;
  return version;
}
