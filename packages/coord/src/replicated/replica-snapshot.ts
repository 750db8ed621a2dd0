/**
 * A snapshot of what a replica holds, taken while it goes on: whatever its role.
 *
 *     leader     | executed and not committed |          the state when it begins: all of it, once it is committed
 *     log        ... from .................. to          from: all of that is committed; to: all that came since is
 *
 * It ends with who leads and the last version given away, as the log itself says it.
 *
 * A leader that loses the lead with writes that are not committed takes the snapshot with it: it may hold some.
 */
import { KvError } from '@holdfast/common';
import type { Position } from '@holdfast/log';
import type { Storage } from '@holdfast/storage';
import { type ShardRecord, shardBatch } from './leadership.js';
import type { ReplicaState } from './replica-state.js';
import type { ReplicatedCommitter } from './replicated-committer.js';
import type { SnapshotStream } from './snapshot-source.js';

/** The replica, as far as its snapshots need to know it. */
export interface SnapshotOrigin {
  readonly state: ReplicaState;
  /** While it leads. */
  readonly committer: ReplicatedCommitter | null;
  /** Nothing is in the storage that may never have been, and nothing is missing. */
  readonly isSound: boolean;
  /** Who leads, as the last records of the log say. */
  readonly record: ShardRecord;
}

/** Throws KvError UNAVAILABLE when the state is not whole now. Its batches too, when it has been given up meanwhile. */
export async function takeSnapshot(origin: SnapshotOrigin): Promise<SnapshotStream> {
  const { committer } = origin;
  while (committer?.isHeld && !committer.isAbandoned) await committer.unheld();
  if (!origin.isSound || origin.committer !== committer) throw givenUp();
  const { storage } = origin.state;
  // Begins in this moment: what is executed and not committed now is in it.
  const reading = new StartedReading(storage.snapshot());
  try {
    const from = await settled(origin, storage);
    let to = from;
    const end = async (): Promise<Uint8Array> => {
      to = await settled(origin, storage);
      return shardBatch(origin.record, storage.stamp.last);
    };
    return { from, batches: withEnd(reading, end), to: () => to };
  } catch (error) {
    await reading.stop();
    throw error;
  }
}

/** The position up to which the log holds what is in the storage now. */
async function settled(origin: SnapshotOrigin, storage: Storage): Promise<Position> {
  const { committer, state } = origin;
  let { position } = state;
  if (committer !== null) {
    try {
      position = await committer.settled();
    } catch {
      throw givenUp();
    }
  }
  if (!origin.isSound || state.storage !== storage) throw givenUp();
  return position;
}

function withEnd(reading: StartedReading, end: () => Promise<Uint8Array>): AsyncIterable<Uint8Array> {
  let isAtEnd = false;
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    if (isAtEnd) return { done: true, value: undefined };
    const result = await reading.next();
    if (!result.done) return result;
    isAtEnd = true;
    return { done: false, value: await end() };
  };
  const stop = async (): Promise<IteratorResult<Uint8Array>> => {
    isAtEnd = true;
    await reading.stop();
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: stop }) };
}

/** An iteration whose first step was made at once. */
class StartedReading {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #first: Promise<IteratorResult<Uint8Array>> | null;

  constructor(iterable: AsyncIterable<Uint8Array>) {
    this.#iterator = iterable[Symbol.asyncIterator]();
    this.#first = this.#iterator.next();
    this.#first.catch(() => {});
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const result = this.#first ?? this.#iterator.next();
    this.#first = null;
    return result;
  }

  async stop(): Promise<void> {
    await this.#first?.catch(() => {});
    await this.#iterator.return?.();
  }
}

function givenUp(): KvError {
  return new KvError('UNAVAILABLE', 'the state of this replica is not whole: there is no snapshot of it now');
}
