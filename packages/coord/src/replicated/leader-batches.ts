/**
 * What a leader has executed and not handed over, and the batches that it is cut into:
 *
 *     journal    | write | write | write ...              of turns that follow each other
 *     batch      [ who leads, now and then | writes ]     up to a version: of the last write, or of reads that wait
 *
 * With nothing in the journal a batch says only who leads. A write in the middle is never cut through.
 */
import { MutationWriter, type Storage } from '@holdfast/storage';
import type { LeadLease } from './lead-lease.js';
import { type HandoverRecord, type LeadershipRecord, shardBatch } from './leadership.js';
import { longWriteBytesMin } from './limits.js';
import type { LogRoom } from './log-room.js';
import type { LeaderBatch } from './log-writer.js';

/** What gathers is cut into a batch of its own at this size, in bytes: after a turn, and within one. */
const batchBytesAim = 256 * 1024;
const batchBytesMost = 1024 * 1024;

export interface LeaderBatchesOptions {
  readonly storage: Storage;
  readonly record: LeadershipRecord;
  readonly lease: LeadLease;
  /** What one write may have. */
  readonly bytesMax: number;
  readonly room: LogRoom;
  /** A version for a read. Throws KvError UNAVAILABLE when none is at hand. */
  readonly nextVersion: () => number;
}

export class LeaderBatches {
  /** What depends on a greater version is in a batch that was not cut yet. */
  handedVersion: number;
  readonly #options: LeaderBatchesOptions;
  readonly #journal = new MutationWriter();
  /** That reads wait for, which the next batch carries; 0 while none does. */
  #readVersion = 0;
  /** The next batch has a record of leadership, whatever else is in it. */
  #isRecordWanted = false;

  constructor(options: LeaderBatchesOptions) {
    this.#options = options;
    const { storage } = options;
    this.handedVersion = storage.stamp.last;
    this.#limit();
    storage.journal = this.#journal;
  }

  /** Nothing was executed that is not cut. */
  get isEmpty(): boolean {
    return this.#journal.length === 0;
  }

  /** Enough for a batch of its own, although another one is on its way. */
  get isLarge(): boolean {
    return this.#journal.length >= batchBytesAim;
  }

  /** Too much to wait for the end of the turn. */
  get isFull(): boolean {
    return this.#journal.length >= batchBytesMost;
  }

  /** There is something to be cut. */
  get hasGathered(): boolean {
    return this.#journal.length > 0 || this.#readVersion !== 0;
  }

  /** A version for reads that wait to be confirmed by the next batch. Throws KvError UNAVAILABLE. */
  readVersion(): number {
    if (this.#readVersion === 0) this.#readVersion = this.#options.nextVersion();
    return this.#readVersion;
  }

  /** The next batch says which version the log has reached, above all that was given away. Throws KvError UNAVAILABLE. */
  markNext(): void {
    this.#readVersion = this.#options.nextVersion();
    this.#isRecordWanted = true;
  }

  /** What has gathered, of which the storage is told; or who leads, when nothing has. Null when it is longer than `bytesMax`. */
  cut(bytesMax: number): LeaderBatch | null {
    const { lease, record, storage } = this.#options;
    const journal = this.#journal;
    const version = Math.max(storage.stamp.last, this.#readVersion, this.handedVersion);
    const data = journal.bytes.subarray(0, journal.length);
    const hasData = data.length > 0;
    const hasRecord = !hasData || this.#isRecordWanted || lease.isRecordDue;
    const bytes = hasData
      ? Buffer.concat(hasRecord ? [shardBatch(record, version), data] : [data])
      : shardBatch(record, version);
    if (bytes.length > bytesMax) return null;
    if (hasRecord) lease.recorded();
    if (hasData) storage.staged(bytes);
    journal.clear();
    this.#limit();
    this.#readVersion = 0;
    this.#isRecordWanted = false;
    this.handedVersion = version;
    return { bytes, version, hasData, isLast: false };
  }

  /**
   * Nothing but who leads, or is to, whatever else is going on. `version`: not above what comes before it in the log, nor
   * what comes behind it, where those are known.
   */
  ofRecord(
    record: LeadershipRecord | HandoverRecord,
    isLast: boolean,
    version: number = this.handedVersion,
  ): LeaderBatch {
    return { bytes: shardBatch(record, version), version, hasData: false, isLast };
  }

  /** How long the next write may be: what has no end of its own length, as a copy, asks the journal before it is done. */
  #limit(): void {
    const { bytesMax, room } = this.#options;
    const journal = this.#journal;
    journal.bytesMax = Math.min(bytesMax, Math.max(longWriteBytesMin, room.roomBytes));
    journal.limitedBy = journal.bytesMax < bytesMax ? 'etcd, which is nearly full' : 'the log';
  }
}
