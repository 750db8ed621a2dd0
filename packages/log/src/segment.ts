/**
 * One file of the log: a file head, then frames (`frame.ts`), then zeros or the leftovers of a former life.
 * Named by the position of its first entry, so that a list of names in order is the log.
 *
 *     00000000000000000001.seg   00000000000000048213.seg   spare-3.seg
 *
 * A segment holds in memory a sparse index (one pair of numbers per 256 KiB), so that reading can start
 * in the middle.
 */
import type { DiskFile } from './disk.js';
import { fileHeadBytes } from './frame.js';
import { indexStrideBytes } from './limits.js';
import type { Position } from './log.js';

const namePattern = /^(\d{20})\.seg$/;
const sparePattern = /^spare-\d+\.seg$/;

export function segmentName(firstPosition: Position): string {
  return `${String(firstPosition).padStart(20, '0')}.seg`;
}

/** First position of the segment with this file name; null when it is no segment. */
export function firstPositionOf(name: string): Position | null {
  const match = namePattern.exec(name);
  return match === null ? null : Number(match[1]);
}

export function isSpareName(name: string): boolean {
  return sparePattern.test(name);
}

/** A segment file that has its head but no place in the log yet. */
export interface SpareSegment {
  readonly path: string;
  readonly file: DiskFile;
  readonly salt: number;
}

export class Segment {
  readonly path: string;
  readonly file: DiskFile;
  readonly salt: number;
  readonly firstPosition: Position;
  /** Offset where the next frame goes. */
  end: number;
  /** Iterations that are under way: the file must stay as it is. */
  readers: number;
  readonly #indexedPositions: Position[];
  readonly #indexedOffsets: number[];

  constructor(path: string, file: DiskFile, salt: number, firstPosition: Position) {
    this.path = path;
    this.file = file;
    this.salt = salt;
    this.firstPosition = firstPosition;
    this.end = fileHeadBytes;
    this.readers = 0;
    this.#indexedPositions = [firstPosition];
    this.#indexedOffsets = [fileHeadBytes];
  }

  /** Notes that the entry at `position` starts at `offset`; kept only when the last note is far away. */
  note(position: Position, offset: number): void {
    if (offset - this.#indexedOffsets[this.#indexedOffsets.length - 1] < indexStrideBytes) return;
    this.#indexedPositions.push(position);
    this.#indexedOffsets.push(offset);
  }

  /** An offset at which a frame starts, at or before the entry at `position`. */
  offsetBefore(position: Position): number {
    let low = 0;
    let high = this.#indexedPositions.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#indexedPositions[middle] <= position) low = middle;
      else high = middle - 1;
    }
    return this.#indexedOffsets[low];
  }
}
