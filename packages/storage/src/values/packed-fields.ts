/**
 * A small table in one block of the arena, its entries one after another in the order they were added:
 *
 *     | entry | entry | ... | free |
 *
 *     entry: | field length | value length | [expiry f64] | field | value |
 *     length: one byte below 254; 254 and two bytes; 255 and three bytes
 *
 * A field is found by walking the entries, which for a hundred of them beats hashing. There is room for
 * expiries from the first one that is set on. Entry numbers are positions in the block plus one.
 */
// @hot-path
import { bytesEqual, copyBytes } from '@holdfast/common';
import { type Arena, sizeClassOf, unitsOfClass } from '../arena.js';
import type { Entry, EntryView, FieldTable } from './field-table.js';

/** A packed table never takes more, whatever the limits say: changing an entry moves those after it. */
export const packedBytesMax: number = 1 << 20;

const scratchDouble = new Float64Array(1);
const scratchBytes = new Uint8Array(scratchDouble.buffer);

/** What `#decode` read last: where a field starts in its chunk, and the lengths. Not kept by each table: there are many. */
const decoded = { fieldAt: 0, fieldLength: 0, valueLength: 0 };

export class PackedFields implements FieldTable {
  readonly arena: Arena;
  size = 0;
  #ref = 0;
  #sizeClass = 0;
  #used = 0;
  /** Bytes of an entry's expiry: 8 once there was one. */
  #expiryBytes = 0;
  #walk = 0;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Whether any entry ever had an expiry. */
  get hasExpiries(): boolean {
    return this.#expiryBytes !== 0;
  }

  /** Whether an entry of these lengths may be added, or may take the place of another one. */
  fits(fieldLength: number, valueLength: number): boolean {
    return this.#used + fieldLength + valueLength + 16 <= packedBytesMax;
  }

  /**
   * Most entries have short lengths, and most fields of the same length differ in their last byte: with both
   * looked at first, a hundred fields are passed by four times as fast.
   */
  find(bytes: Uint8Array, start: number, length: number): Entry {
    if (this.size === 0) return 0;
    const chunk = this.arena.chunk(this.#ref);
    const base = this.arena.offset(this.#ref);
    const end = base + this.#used;
    const lastByte = length === 0 ? 0 : bytes[start + length - 1];
    for (let at = base; at < end; ) {
      let fieldAt = at + 2 + this.#expiryBytes;
      let fieldLength = chunk[at];
      let valueLength = chunk[at + 1];
      if (fieldLength >= 254 || valueLength >= 254) {
        this.#decode(chunk, at);
        ({ fieldAt, fieldLength, valueLength } = decoded);
      }
      if (fieldLength === length && (length === 0 || chunk[fieldAt + length - 1] === lastByte)) {
        if (bytesEqual(chunk, fieldAt, bytes, start, length)) return at - base + 1;
      }
      at = fieldAt + fieldLength + valueLength;
    }
    return 0;
  }

  add(
    bytes: Uint8Array,
    start: number,
    length: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): Entry {
    const entry = this.#used + 1;
    const needed = codeBytes(length) + codeBytes(valueLength) + this.#expiryBytes + length + valueLength;
    this.#resize(this.#used + needed);
    const chunk = this.arena.chunk(this.#ref);
    let at = this.arena.offset(this.#ref) + entry - 1;
    at = writeLength(chunk, at, length);
    at = writeLength(chunk, at, valueLength);
    for (let i = 0; i < this.#expiryBytes; i++) chunk[at++] = 0;
    copyBytes(bytes, start, chunk, at, length);
    copyBytes(value, valueStart, chunk, at + length, valueLength);
    this.size++;
    return entry;
  }

  /** Gives an entry another value; its place and its expiry stay. The value must not lie in this table. */
  setValue(entry: Entry, value: Uint8Array, valueStart: number, valueLength: number): Entry {
    this.#decodeEntry(entry);
    const fieldLength = decoded.fieldLength;
    const oldCode = codeBytes(decoded.valueLength);
    const code = codeBytes(valueLength);
    const oldTail = entry - 1 + codeBytes(fieldLength);
    const oldEnd = oldTail + oldCode + this.#expiryBytes + fieldLength + decoded.valueLength;
    const newEnd = oldTail + code + this.#expiryBytes + fieldLength + valueLength;
    const usedBefore = this.#used;
    const used = usedBefore + newEnd - oldEnd;
    if (used > usedBefore) this.#resize(used);
    const base = this.arena.offset(this.#ref);
    const chunk = this.arena.chunk(this.#ref);
    const head = base + oldTail + oldCode;
    const headEnd = head + this.#expiryBytes + fieldLength;
    if (code < oldCode) chunk.copyWithin(base + oldTail + code, head, headEnd);
    if (newEnd !== oldEnd) chunk.copyWithin(base + newEnd, base + oldEnd, base + usedBefore);
    if (code > oldCode) chunk.copyWithin(base + oldTail + code, head, headEnd);
    writeLength(chunk, base + oldTail, valueLength);
    copyBytes(value, valueStart, chunk, base + newEnd - valueLength, valueLength);
    if (used < usedBefore) this.#resize(used);
    return entry;
  }

  remove(entry: Entry): void {
    const base = this.arena.offset(this.#ref);
    this.#decodeEntry(entry);
    const next = decoded.fieldAt + decoded.fieldLength + decoded.valueLength;
    this.arena.chunk(this.#ref).copyWithin(base + entry - 1, next, base + this.#used);
    this.size--;
    this.#resize(this.#used - (next - base - entry + 1));
  }

  read(entry: Entry, view: EntryView): void {
    this.#decodeEntry(entry);
    const chunk = this.arena.chunk(this.#ref);
    view.bytes = chunk;
    view.start = decoded.fieldAt;
    view.length = decoded.fieldLength;
    view.valueBytes = chunk;
    view.valueStart = decoded.fieldAt + decoded.fieldLength;
    view.valueLength = decoded.valueLength;
  }

  /** Ms since 1970; 0 when the entry does not expire. */
  expiry(entry: Entry): number {
    if (this.#expiryBytes === 0) return 0;
    this.#decodeEntry(entry);
    return readDouble(this.arena.chunk(this.#ref), decoded.fieldAt - 8);
  }

  /** Sets when the entry that `find` just returned expires, or with 0 that it does not. Returns the entry. */
  setExpiry(entry: Entry, expiryMs: number): Entry {
    let moved = entry;
    if (this.#expiryBytes === 0) {
      if (expiryMs === 0) return entry;
      moved = this.#makeRoomForExpiries(entry);
    }
    this.#decodeEntry(moved);
    writeDouble(this.arena.chunk(this.#ref), decoded.fieldAt - 8, expiryMs);
    return moved;
  }

  /** When the first entry expires; Infinity when none does. Takes a walk. */
  get earliestExpiryMs(): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    if (this.#expiryBytes === 0) return earliestMs;
    this.rewind();
    for (let entry = this.next(); entry !== 0; entry = this.next()) {
      const expiryMs = this.expiry(entry);
      if (expiryMs !== 0 && expiryMs < earliestMs) earliestMs = expiryMs;
    }
    return earliestMs;
  }

  /** An entry that expired at `nowMs` or before, found as by `find`; 0 when there is none. */
  nextExpired(nowMs: number): Entry {
    if (this.#expiryBytes === 0) return 0;
    this.rewind();
    for (let entry = this.next(); entry !== 0; entry = this.next()) {
      const expiryMs = this.expiry(entry);
      if (expiryMs !== 0 && expiryMs <= nowMs) return entry;
    }
    return 0;
  }

  rewind(): void {
    this.#walk = 0;
  }

  next(): Entry {
    if (this.#walk >= this.#used) return 0;
    const entry = this.#walk + 1;
    this.#decodeEntry(entry);
    this.#walk = decoded.fieldAt + decoded.fieldLength + decoded.valueLength - this.arena.offset(this.#ref);
    return entry;
  }

  scan(_cursor: number, _count: number, into: Entry[]): number {
    this.rewind();
    for (let entry = this.next(); entry !== 0; entry = this.next()) into.push(entry);
    return 0;
  }

  random(random: () => number): Entry {
    this.rewind();
    for (let skip = Math.floor((random() / 0x100000000) * this.size); skip > 0; skip--) this.next();
    return this.next();
  }

  release(_budget: number): boolean {
    this.size = 0;
    this.#resize(0);
    return true;
  }

  #decodeEntry(entry: Entry): void {
    this.#decode(this.arena.chunk(this.#ref), this.arena.offset(this.#ref) + entry - 1);
  }

  #decode(chunk: Uint8Array, from: number): void {
    let at = from;
    let length = chunk[at++];
    if (length >= 254) {
      at += length - 252;
      length = readLength(chunk, at, length);
    }
    decoded.fieldLength = length;
    length = chunk[at++];
    if (length >= 254) {
      at += length - 252;
      length = readLength(chunk, at, length);
    }
    decoded.valueLength = length;
    decoded.fieldAt = at + this.#expiryBytes;
  }

  /** Makes the block as large as `bytes` need; what is there is kept as far as it fits. */
  #resize(bytes: number): void {
    const { arena } = this;
    const kept = bytes < this.#used ? bytes : this.#used;
    const oldRef = this.#ref;
    const oldClass = this.#sizeClass;
    this.#used = bytes;
    const units = (bytes + 7) >>> 3;
    const room = oldRef === 0 ? 0 : unitsOfClass(oldClass);
    if (units <= room && units * 2 >= room) return;
    if (units === 0) {
      this.#ref = 0;
    } else {
      this.#sizeClass = sizeClassOf(units);
      this.#ref = arena.allocate(this.#sizeClass);
      if (oldRef !== 0) {
        const target = arena.chunk(this.#ref);
        copyBytes(arena.chunk(oldRef), arena.offset(oldRef), target, arena.offset(this.#ref), kept);
      }
    }
    if (oldRef !== 0) arena.free(oldRef, oldClass);
  }

  /** Puts the entries in another order: each is in `order` once. */
  reorder(order: readonly Entry[]): void {
    const { arena } = this;
    const oldRef = this.#ref;
    const source = arena.chunk(oldRef);
    const from = arena.offset(oldRef);
    this.#ref = arena.allocate(this.#sizeClass);
    const target = arena.chunk(this.#ref);
    let to = arena.offset(this.#ref);
    for (const entry of order) {
      const at = from + entry - 1;
      this.#decode(source, at);
      const length = decoded.fieldAt + decoded.fieldLength + decoded.valueLength - at;
      copyBytes(source, at, target, to, length);
      to += length;
    }
    arena.free(oldRef, this.#sizeClass);
  }

  /** Rewrites all entries with 8 bytes more; returns where `entry` is now. */
  #makeRoomForExpiries(entry: Entry): Entry {
    const { arena } = this;
    const oldRef = this.#ref;
    const oldClass = this.#sizeClass;
    const source = arena.chunk(oldRef);
    const from = arena.offset(oldRef);
    const end = from + this.#used;
    const used = this.#used + this.size * 8;
    this.#sizeClass = sizeClassOf((used + 7) >>> 3);
    this.#ref = arena.allocate(this.#sizeClass);
    this.#used = used;
    const target = arena.chunk(this.#ref);
    const base = arena.offset(this.#ref);
    let moved = 0;
    let to = base;
    for (let at = from; at < end; ) {
      if (at === from + entry - 1) moved = to - base + 1;
      this.#decode(source, at);
      const head = decoded.fieldAt - at;
      const body = decoded.fieldLength + decoded.valueLength;
      copyBytes(source, at, target, to, head);
      target.fill(0, to + head, to + head + 8);
      copyBytes(source, decoded.fieldAt, target, to + head + 8, body);
      at = decoded.fieldAt + body;
      to += head + 8 + body;
    }
    this.#expiryBytes = 8;
    arena.free(oldRef, oldClass);
    return moved;
  }
}

/** How many bytes the code of a length takes. */
function codeBytes(length: number): number {
  if (length < 254) return 1;
  return length <= 0xffff ? 3 : 4;
}

/** Writes a length; returns the position after it. */
function writeLength(chunk: Uint8Array, at: number, length: number): number {
  if (length < 254) {
    chunk[at] = length;
    return at + 1;
  }
  chunk[at] = length <= 0xffff ? 254 : 255;
  chunk[at + 1] = length;
  chunk[at + 2] = length >>> 8;
  if (length <= 0xffff) return at + 3;
  chunk[at + 3] = length >>> 16;
  return at + 4;
}

/** A length whose code begins with 254 or 255 and ends before `end`. */
function readLength(chunk: Uint8Array, end: number, code: number): number {
  if (code === 254) return chunk[end - 2] | (chunk[end - 1] << 8);
  return chunk[end - 3] | (chunk[end - 2] << 8) | (chunk[end - 1] << 16);
}

function readDouble(chunk: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) scratchBytes[i] = chunk[at + i];
  return scratchDouble[0];
}

function writeDouble(chunk: Uint8Array, at: number, value: number): void {
  scratchDouble[0] = value;
  for (let i = 0; i < 8; i++) chunk[at + i] = scratchBytes[i];
}
