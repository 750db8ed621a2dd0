/**
 * Writes the end of a log in segment files: frame after frame, in the next file when one is full.
 *
 *     [ files that are full ... ]   [ active:  frames | end        zeros or leftovers ]
 *
 * A frame is handed to the page cache at once, blocking (about 4 us for 1 KB), so the death of the process loses
 * nothing that was written. On the disk is what came before a `sync` that succeeded; after one that failed nothing
 * can be said, and it is for the caller to write no more.
 *
 * A write that fails (full disk) is undone: its frame is wiped and the wipe synced, so the append is refused and the
 * next one may be tried.
 *
 * One caller at a time, and it begins no sync, of either kind, while one is under way. What may be appended, and when
 * to sync, is not decided here.
 */
import { join } from 'node:path';
import { checksum } from '@holdfast/common';
import type { Disk } from './disk.js';
import { FrameHead, type FrameKind, frameBytes, frameHeadBytes, frameKinds } from './frame.js';
import { joinedBatchBytesMax } from './limits.js';
import type { AppendOutcome, Position } from './log.js';
import type { RecoveredLog } from './recovery.js';
import { Segment, segmentName } from './segment.js';
import type { SegmentPool } from './segment-pool.js';

const noBatch = new Uint8Array(0);
const zeroHead = new Uint8Array(frameHeadBytes);

export interface SegmentWriterOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** Usual size of a segment file. */
  readonly segmentBytes: number;
  readonly pool: SegmentPool;
  /** What there is already; its segments belong to the writer from now on. */
  readonly recovered: RecoveredLog;
}

export class SegmentWriter {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #pool: SegmentPool;
  readonly #head = new FrameHead();
  readonly #scratch = Buffer.alloc(frameHeadBytes + joinedBatchBytesMax);
  readonly #segments: Segment[];
  #active: Segment;
  #epoch: number;
  #last: Position;
  #durable: Position;
  /** Since the last sync began: the active file was written, others were left behind, the directory changed. */
  #isDirty = false;
  #leftBehind: Segment[] = [];
  #isDirectoryDirty = false;

  constructor(options: SegmentWriterOptions) {
    const { recovered } = options;
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#segmentBytes = options.segmentBytes;
    this.#pool = options.pool;
    this.#segments = recovered.segments;
    this.#active = recovered.segments[recovered.segments.length - 1];
    this.#epoch = recovered.epoch;
    this.#last = recovered.last;
    this.#durable = recovered.last;
  }

  /** Position of the last entry that was written. */
  get last(): Position {
    return this.#last;
  }

  /** Position of the last entry known to be on the disk. */
  get durable(): Position {
    return this.#durable;
  }

  /** Of the last frame. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Something was written since the last sync began. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** The active file is more than half full: the next one had better be prepared. */
  get isHalfFull(): boolean {
    return this.#active.end > this.#segmentBytes / 2;
  }

  /** A file was left behind, and is not on the disk yet as a whole. */
  get hasLeftBehind(): boolean {
    return this.#leftBehind.length > 0;
  }

  /** In order; grows and shrinks with the log. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Bytes in use by the files that have entries from `position` on. */
  bytesFrom(position: Position): number {
    let bytes = 0;
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      bytes += this.#segments[i].end;
      if (this.#segments[i].firstPosition <= position) break;
    }
    return bytes;
  }

  /** Writes a batch as the next entry. `committed` means written; when `unknown`, nothing may be written any more. */
  append(batch: Uint8Array, epoch: number): AppendOutcome {
    const position = this.#last + 1;
    let segment = this.#active;
    try {
      const isFull = segment.end + frameBytes(batch.length) > this.#segmentBytes;
      // A segment without entries takes any batch: the next one would have the same name.
      if (isFull && this.#last >= segment.firstPosition) segment = this.#rotate();
    } catch (cause) {
      return { kind: 'refused', reason: 'disk', tail: this.#last, cause };
    }
    const at = segment.end;
    const epochBefore = this.#epoch;
    this.#epoch = epoch;
    try {
      this.#writeFrame(segment, frameKinds.batch, batch, position);
    } catch (cause) {
      this.#epoch = epochBefore;
      return this.#undo(segment, at, cause);
    }
    segment.note(position, at);
    this.#last = position;
    return { kind: 'committed', position };
  }

  /** Writes the frame after which there is no entry any more; as `append`, with the position of the last entry. */
  seal(): AppendOutcome {
    const at = this.#active.end;
    try {
      this.#writeFrame(this.#active, frameKinds.seal, noBatch, this.#last);
    } catch (cause) {
      return this.#undo(this.#active, at, cause);
    }
    return { kind: 'committed', position: this.#last };
  }

  /** Writes a frame that says what is on the disk, and which epoch it is. Throws KvError DISK. */
  mark(epoch: number): void {
    this.#epoch = epoch;
    this.#writeFrame(this.#active, frameKinds.mark, noBatch, this.#last);
  }

  /** Brings to the disk what was written before the call. Throws KvError DISK. */
  async sync(): Promise<void> {
    const position = this.#last;
    if (this.#isDirty) await this.#bringToDisk();
    this.#durable = position;
  }

  /** Whether one more batch of this length, and all before it, can be brought to the disk by `syncActive`. */
  needsActiveOnly(length: number): boolean {
    if (this.#leftBehind.length > 0 || this.#isDirectoryDirty) return false;
    return this.#active.end + frameBytes(length) <= this.#segmentBytes;
  }

  /** As `sync`, blocking, when only the active file was written. */
  syncActive(): void {
    this.#isDirty = false;
    this.#active.file.datasyncSync();
    this.#durable = this.#last;
  }

  /** Gives the active file its zeros, so that syncs of it are fast. Throws KvError DISK. */
  fillActive(): Promise<void> {
    return this.#pool.fillWithZeros(this.#active.file);
  }

  /** Takes the files out of the log that have only entries before `before`, up to one that is being read. */
  dropBefore(before: Position): Segment[] {
    const segments = this.#segments;
    let count = 0;
    while (
      count + 1 < segments.length &&
      segments[count + 1].firstPosition <= before &&
      segments[count].readers === 0
    ) {
      count++;
    }
    return segments.splice(0, count);
  }

  async close(): Promise<void> {
    for (const segment of this.#segments) await segment.file.close();
  }

  #writeFrame(segment: Segment, kind: FrameKind, batch: Uint8Array, position: Position): void {
    const head = this.#head;
    head.kind = kind;
    head.length = batch.length;
    head.checksum = checksum(batch, 0, batch.length, 0);
    head.position = position;
    head.epoch = this.#epoch;
    head.durable = this.#durable;
    head.encode(this.#scratch, 0, segment.salt);
    this.#isDirty = true;
    if (batch.length <= joinedBatchBytesMax) {
      this.#scratch.set(batch, frameHeadBytes);
      segment.file.writeSync(this.#scratch.subarray(0, frameHeadBytes + batch.length), segment.end);
    } else {
      segment.file.writeSync(this.#scratch.subarray(0, frameHeadBytes), segment.end);
      segment.file.writeSync(batch, segment.end + frameHeadBytes);
    }
    segment.end += frameBytes(batch.length);
  }

  /**
   * Takes back a frame that may be written in part. Not left to chance: when the batch ends like the bytes
   * that were there before (zeros), a cut frame can be a good one.
   */
  #undo(segment: Segment, at: number, cause: unknown): AppendOutcome {
    try {
      const written = segment.file.size() - at;
      if (written > 0) {
        // Within what the file has already: this can't fail for want of room.
        segment.file.writeSync(zeroHead.subarray(0, Math.min(frameHeadBytes, written)), at);
        segment.file.datasyncSync();
      }
    } catch (error) {
      return { kind: 'unknown', cause: error };
    }
    return { kind: 'refused', reason: 'disk', tail: this.#last, cause };
  }

  /** Goes on in a new segment. Throws KvError DISK, and then nothing has changed. */
  #rotate(): Segment {
    const spare = this.#pool.take() ?? this.#pool.createSync();
    const path = join(this.#directory, segmentName(this.#last + 1));
    const segment = new Segment(path, spare.file, spare.salt, this.#last + 1);
    try {
      // The mark carries the epoch and the end of the log into this file: those before may be trimmed.
      this.#writeFrame(segment, frameKinds.mark, noBatch, this.#last);
      this.#disk.rename(spare.path, path);
    } catch (error) {
      this.#pool.discard(spare);
      throw error;
    }
    this.#isDirectoryDirty = true;
    this.#leftBehind.push(this.#active);
    this.#segments.push(segment);
    this.#active = segment;
    return segment;
  }

  async #bringToDisk(): Promise<void> {
    const active = this.#active;
    const leftBehind = this.#leftBehind;
    const isDirectoryDirty = this.#isDirectoryDirty;
    this.#isDirty = false;
    if (isDirectoryDirty || leftBehind.length > 0) {
      this.#leftBehind = [];
      this.#isDirectoryDirty = false;
      for (const segment of leftBehind) await segment.file.datasync();
      await this.#disk.syncDirectory(this.#directory);
    }
    await active.file.datasync();
  }
}
