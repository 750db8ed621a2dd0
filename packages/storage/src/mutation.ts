/**
 * Mutations: what a write did, as small physical records. One format serves the log, the disk,
 * snapshots, watch and change feeds.
 *
 *     | kind u8 | database u8 | version f64 | key length u32 | key | fields of the kind ... |
 *
 * Numbers are little-endian; a byte field is a u32 length and its bytes. A batch is records one after
 * another; a record is applied only to a key whose version is not newer, so that applying a batch again
 * changes nothing. Records of one command or transaction share a version.
 *
 * The collections own the kinds of their range (`collectionKinds`): first kind + type * 8.
 */
// @hot-path
import { copyBytes, KvError } from '@holdfast/common';

export const mutationKinds = {
  /** expiry f64 (0: none), u8 (form and former state: see `string-forms.ts`), value */
  putString: 1,
  deleteKey: 2,
  /** expiry f64 (0: none) */
  setExpiry: 3,
  /** The key moves to another name in the same database, replacing what is there: target key */
  renameKey: 4,
  /** Key is empty. */
  flushDatabase: 5,
  /** Key is empty; other database u8 */
  swapDatabases: 6,
  /** A string is changed in place (APPEND, SETRANGE, SETBIT): its new length u32, position u32, bytes */
  patchString: 7,
  /** Key is empty; what is said about who writes the log: a byte field that storage passes over */
  leadership: 8,
} as const;

/** First kind of a collection type's range of eight: `kind >>> 3` is the type + 1. */
export function collectionKinds(type: number): number {
  return (type + 1) << 3;
}

/** A buffer that has grown beyond this is not used again. */
const keptBytesMax: number = 4 << 20;

export class MutationWriter {
  /** The records so far are `bytes[0, length)`. */
  bytes: Buffer;
  length = 0;
  /** Number of records. */
  count = 0;
  /** What whoever takes the records can make a batch of, in bytes: asked before a write that may be long (`takes`). */
  bytesMax: number = Number.POSITIVE_INFINITY;
  /** What it is that takes no more, for who is told so. */
  limitedBy = 'the log';
  /** Whose the last record is, if it begins with a count and takes more elements; null when it does not. */
  #counted: object | null = null;
  #countedKind = 0;
  #countedVersion = 0;
  #countAt = 0;

  constructor(capacity = 65536) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Starts a record; its fields follow in order. */
  begin(
    kind: number,
    database: number,
    version: number,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
  ): void {
    this.#reserve(14 + keyLength);
    this.#counted = null;
    const bytes = this.bytes;
    const at = this.length;
    bytes[at] = kind;
    bytes[at + 1] = database;
    this.length = at + 2;
    this.number(version);
    this.field(key, keyStart, keyLength);
    this.count++;
  }

  /**
   * Of a record that was just begun: its first field is a count, 1 so far, and more elements may be added to it. A command
   * with many elements says its key once.
   */
  beginCount(owner: object, kind: number, version: number): void {
    this.#counted = owner;
    this.#countedKind = kind;
    this.#countedVersion = version;
    this.#countAt = this.length;
    this.uint32(1);
  }

  /** Counts one element more in the last record; false when that is none of this owner, kind and version. */
  countOneMore(owner: object, kind: number, version: number): boolean {
    if (this.#counted !== owner || this.#countedKind !== kind || this.#countedVersion !== version)
      return false;
    const { bytes } = this;
    let at = this.#countAt;
    while (bytes[at] === 0xff) bytes[at++] = 0;
    bytes[at]++;
    return true;
  }

  /** What comes now is another command's: the last record takes no more elements. */
  endCount(): void {
    this.#counted = null;
  }

  /** Whether so many bytes more are still a batch. */
  takes(bytes: number): boolean {
    return this.length + bytes <= this.bytesMax;
  }

  /** Throws KvError LIMIT when they are not. */
  admit(bytes: number): void {
    if (!this.takes(bytes)) throw new KvError('LIMIT', this.refusal);
  }

  /** Why they are not. */
  get refusal(): string {
    return `the write has more than ${this.bytesMax} bytes, too many for ${this.limitedBy}`;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.bytes[this.length++] = value;
  }

  number(value: number): void {
    this.#reserve(8);
    scratchDouble[0] = value;
    const bytes = this.bytes;
    const at = this.length;
    for (let i = 0; i < 8; i++) bytes[at + i] = scratchBytes[i];
    this.length = at + 8;
  }

  uint32(value: number): void {
    this.#reserve(4);
    const bytes = this.bytes;
    const at = this.length;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
    this.length = at + 4;
  }

  field(source: Uint8Array, start: number, length: number): void {
    this.#reserve(4 + length);
    this.uint32(length);
    copyBytes(source, start, this.bytes, this.length, length);
    this.length += length;
  }

  /** Adds bytes that are fields already. */
  raw(fields: Uint8Array): void {
    this.#reserve(fields.length);
    copyBytes(fields, 0, this.bytes, this.length, fields.length);
    this.length += fields.length;
  }

  /** Adds one whole record from `batch[start, end)`. */
  copy(batch: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    this.#counted = null;
    copyBytes(batch, start, this.bytes, this.length, end - start);
    this.length += end - start;
    this.count++;
  }

  /** What was written, as a batch of its own; the writer begins anew. */
  take(): Buffer {
    const written = this.bytes.subarray(0, this.length);
    // What is too large to be kept is given away.
    const batch = this.bytes.length > keptBytesMax ? written : Buffer.from(written);
    this.clear();
    return batch;
  }

  /** Forgets the records, keeps the buffer unless it grew too large. */
  clear(): void {
    this.length = 0;
    this.count = 0;
    this.#counted = null;
    if (this.bytes.length > keptBytesMax) this.bytes = Buffer.allocUnsafeSlow(65536);
  }

  #reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

const scratchDouble = new Float64Array(1);
const scratchBytes = new Uint8Array(scratchDouble.buffer);

/** Reads a batch record by record: `next`, then the fields of its kind. Throws KvError CORRUPT past the end. */
export class MutationReader {
  readonly bytes: Uint8Array;
  /** Where the next field starts. */
  at = 0;
  kind = 0;
  database = 0;
  version = 0;
  keyStart = 0;
  keyLength = 0;
  /** The byte field that `field` read last is `bytes[fieldStart, fieldStart + fieldLength)`. */
  fieldStart = 0;
  fieldLength = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Moves to the next record; the fields of the one before must have been read. */
  next(): boolean {
    if (this.at >= this.bytes.length) return false;
    this.kind = this.byte();
    this.database = this.byte();
    this.version = this.number();
    this.field();
    this.keyStart = this.fieldStart;
    this.keyLength = this.fieldLength;
    return true;
  }

  byte(): number {
    this.#need(1);
    return this.bytes[this.at++];
  }

  number(): number {
    this.#need(8);
    for (let i = 0; i < 8; i++) scratchBytes[i] = this.bytes[this.at + i];
    this.at += 8;
    return scratchDouble[0];
  }

  uint32(): number {
    this.#need(4);
    const { bytes, at } = this;
    this.at += 4;
    return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
  }

  /** Reads a byte field: see `fieldStart`. */
  field(): void {
    const length = this.uint32();
    this.#need(length);
    this.fieldStart = this.at;
    this.fieldLength = length;
    this.at += length;
  }

  #need(length: number): void {
    if (this.at + length > this.bytes.length) throw new KvError('CORRUPT', 'a mutation record is cut short');
  }
}
