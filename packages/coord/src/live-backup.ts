/**
 * The data of a running server as of one moment, the one at which the last batch is asked for: all keys, and then what
 * was written meanwhile, while writes go on. That is read from the log, or kept in memory where there is none. The
 * batches throw KvError INVALID when databases were swapped meanwhile: begin again.
 */
import type { Timers } from '@holdfast/common';
import { BatchWrites } from '@holdfast/storage';
import type { CommitPath } from './commit-path.js';
import { drainedUnlessRefused } from './committer.js';
import type { KeptLog } from './kept-log.js';
import type { LocalCommitter } from './local-committer.js';
import type { Snapshotter } from './snapshotter.js';
import { wholeState } from './whole-copies.js';

/** What a backup is as of: of the log 0 without one, and the version of the last write. */
export interface Moment {
  readonly position: number;
  readonly version: number;
}

/** Of a server with a log, which is not trimmed meanwhile. Throws KvError DISK while that has no room. */
export async function* loggedBackup(
  path: CommitPath,
  log: KeptLog,
  snapshotter: Snapshotter,
  timers: Timers,
): AsyncGenerator<Uint8Array, Moment, void> {
  const { storage } = path;
  const release = snapshotter.hold();
  const settled = async (): Promise<void> => {
    await drainedUnlessRefused(path.committer, timers);
    await path.settled();
  };
  try {
    await settled();
    const from = log.committedPosition;
    const version = storage.stamp.last;
    let last: Uint8Array | null = null;
    yield* storage.snapshot();
    await settled();
    await path.committer.drained();
    await log.sync();
    const to = log.committedPosition;
    for await (const { batch, position } of log.read(from + 1)) {
      if (position > to) break;
      last = batch;
      yield batch;
    }
    const lastVersion = last === null ? version : Math.max(version, new BatchWrites().lastVersion(last));
    return { position: to, version: lastVersion };
  } finally {
    release();
  }
}

/** Of a server without one. Nobody else may change who commits meanwhile. */
export async function* unloggedBackup(path: CommitPath): AsyncGenerator<Uint8Array, Moment, void> {
  const version = path.storage.needsJournal ? yield* tapped(path) : yield* recorded(path);
  return { position: 0, version };
}

async function* recorded(path: CommitPath): AsyncGenerator<Uint8Array, number, void> {
  try {
    return yield* wholeState(path.storage, await path.record());
  } finally {
    await path.keepInMemory();
  }
}

/** Of a storage that is told of each batch anyway. */
async function* tapped(path: CommitPath): AsyncGenerator<Uint8Array, number, void> {
  const { storage } = path;
  const committer = path.committer as LocalCommitter;
  const batches: Buffer[] = [];
  committer.tap = (batch) => void batches.push(Buffer.from(batch));
  try {
    yield* storage.snapshot();
    await path.settled();
    committer.tap = null;
    const version = storage.stamp.last;
    yield* batches;
    return version;
  } finally {
    committer.tap = null;
  }
}
