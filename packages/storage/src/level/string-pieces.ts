/**
 * A large string on the disk: its length in the head, and pieces that have records of their own, as elements do. So a write
 * to some bytes of it writes a piece or two, and neither LevelDB nor who reads it ever has a copy of all of it.
 *
 *     head    content: length f64
 *     piece   number u32, big-endian | bytes: `pieceBytes`, but for the last one
 */
// @hot-path
import { KvError } from '@holdfast/common';
import { valueTypes } from '../collection.js';
import { type LargeString, pieceBytes, pieceCount } from '../large-string.js';
import { readUint32, writeUint32 } from './disk-keys.js';
import { hasElements, readDouble, typeOf, writeDouble } from './disk-records.js';
import type { ElementSink } from './layouts/index.js';

/**
 * With more than this of new strings, in bytes, their pieces are written before the set. A string of which more changed is
 * written as a new one, so that this holds for it as well.
 */
export const aheadBytesMin: number = 16 * 1024 * 1024;

/** Of a head's content. */
export const lengthBytes = 8;
const lengthScratch = new Uint8Array(lengthBytes);
const numberScratch = new Uint8Array(4);

/** The content of the head of a string that has so many bytes; valid until the next call. */
export function lengthContent(length: number): Uint8Array {
  writeDouble(lengthScratch, 0, length);
  return lengthScratch;
}

/** Of a large string whose head has `value`, as far as it can be trusted unread; 0 of what is none. */
export function largeLength(value: Uint8Array): number {
  const isLarge = hasElements(value) && typeOf(value) === valueTypes.string;
  return isLarge ? readDouble(value, value.length - lengthBytes) : 0;
}

/** Stages the pieces that changed since they were written last, or all of them. */
export function putPieces(string: LargeString, isNew: boolean, sink: ElementSink): void {
  const { bytes, length } = string;
  const { set } = sink;
  const count = pieceCount(length);
  for (let piece = 0; piece < count; piece++) {
    if (!isNew && !string.isChanged(piece)) continue;
    const start = piece * pieceBytes;
    const end = Math.min(start + pieceBytes, length);
    writeUint32(numberScratch, 0, piece);
    sink.put(numberScratch, 0, 4, end - start);
    set.bytes.set(bytes.subarray(start, end), set.at);
  }
}

/** Where the pieces of a string belong, that come in their order. */
export class PieceOrder {
  readonly length: number;
  /** So much of the string is there. */
  end = 0;

  /** `content`: of the head. Throws KvError CORRUPT. */
  constructor(content: Uint8Array) {
    if (content.length !== lengthBytes) throw withoutPieces();
    this.length = readDouble(content, 0);
  }

  /** Takes the next piece; false when it is behind the end, from when the string was longer. Throws KvError CORRUPT. */
  take(number: Uint8Array, value: Uint8Array): boolean {
    if (this.end === this.length) return false;
    const start = readUint32(number, 0) * pieceBytes;
    if (start !== this.end || value.length !== Math.min(pieceBytes, this.length - start))
      throw withoutPieces();
    this.end = start + value.length;
    return true;
  }

  /** All have come. Throws KvError CORRUPT. */
  finish(): void {
    if (this.end !== this.length) throw withoutPieces();
  }
}

function withoutPieces(): KvError {
  return new KvError('CORRUPT', 'a string on the disk has lost a part: restore the directory from a backup.');
}
