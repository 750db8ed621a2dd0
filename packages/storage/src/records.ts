/**
 * The records of a table: what their blocks in the arena hold, and where.
 *
 *     word 0   | form 2 | flags 2 | type 4 | value length 24 |
 *     word 1   | marks 4 | size class 8 | key length 20 |
 *     double   stamp: the version of a key, the expiry of a field, the score of a member, the place in a write set
 *     [double  object: number of the collection or large string, with flag `hasObject`]
 *     [double  expiry in ms since 1970, with flag `hasExpiry`]
 *     [double  time of the record's entry in `Expiries`, 0 for none, with flag `hasExpiry`]
 *     key bytes, value bytes
 *
 * A ref stays until its record is reshaped or freed. Positions are in `arena.chunk(ref)`.
 */
// @hot-path
import { bytesEqual, copyBytes } from '@holdfast/common';
import { type Arena, type Ref, sizeClassOf, unitsOfClass } from './arena.js';

export const hasExpiry: number = 1 << 28;
export const hasObject: number = 1 << 29;
/** Above the flags, of a string: one of `stringForms`. */
export const formShift: number = 30;
/** The bits below. */
export const formless: number = (1 << formShift) - 1;
const lengthMask = 0xffffff;
/** Of a key; also the mask of its length. */
export const keyLengthMax: number = 0xfffff;

export class Records {
  readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  keyEquals(ref: Ref, bytes: Uint8Array, start: number, length: number): boolean {
    const arena = this.arena;
    const words = arena.wordsOf(ref);
    const at = arena.offset(ref) >>> 2;
    if ((words[at + 1] & keyLengthMax) !== length) return false;
    return bytesEqual(arena.chunk(ref), (at << 2) + headBytes(words[at]), bytes, start, length);
  }

  keyStart(ref: Ref): number {
    const offset = this.arena.offset(ref);
    return offset + headBytes(this.arena.wordsOf(ref)[offset >>> 2]);
  }

  keyLength(ref: Ref): number {
    return this.arena.wordsOf(ref)[(this.arena.offset(ref) >>> 2) + 1] & keyLengthMax;
  }

  valueStart(ref: Ref): number {
    return this.keyStart(ref) + this.keyLength(ref);
  }

  valueLength(ref: Ref): number {
    return this.arena.wordsOf(ref)[this.arena.offset(ref) >>> 2] & lengthMask;
  }

  /** Type in bits 24-27, with the flags and the form above it. */
  typeAndFlags(ref: Ref): number {
    return this.arena.wordsOf(ref)[this.arena.offset(ref) >>> 2] & ~lengthMask;
  }

  type(ref: Ref): number {
    return (this.arena.wordsOf(ref)[this.arena.offset(ref) >>> 2] >>> 24) & 15;
  }

  /** Sets what is above the flags of a string. */
  setForm(ref: Ref, form: number): void {
    const words = this.arena.wordsOf(ref);
    const at = this.arena.offset(ref) >>> 2;
    words[at] = (words[at] & formless) | (form << formShift);
  }

  stamp(ref: Ref): number {
    return this.arena.doublesOf(ref)[(this.arena.offset(ref) >>> 3) + 1];
  }

  setStamp(ref: Ref, stamp: number): void {
    this.arena.doublesOf(ref)[(this.arena.offset(ref) >>> 3) + 1] = stamp;
  }

  object(ref: Ref): number {
    return this.arena.doublesOf(ref)[(this.arena.offset(ref) >>> 3) + 2];
  }

  setObject(ref: Ref, object: number): void {
    this.arena.doublesOf(ref)[(this.arena.offset(ref) >>> 3) + 2] = object;
  }

  /** When the key expires, in ms since 1970; 0 when it does not. */
  expiry(ref: Ref): number {
    const offset = this.arena.offset(ref);
    const head = this.arena.wordsOf(ref)[offset >>> 2];
    if ((head & hasExpiry) === 0) return 0;
    return this.arena.doublesOf(ref)[(offset >>> 3) + 2 + ((head >>> 29) & 1)];
  }

  /** Sets the expiry of a record that has the flag `hasExpiry`. */
  setExpiry(ref: Ref, expiryMs: number): void {
    const offset = this.arena.offset(ref);
    const head = this.arena.wordsOf(ref)[offset >>> 2];
    this.arena.doublesOf(ref)[(offset >>> 3) + 2 + ((head >>> 29) & 1)] = expiryMs;
  }

  /**
   * When `Expiries` will look at the record, 0 when it has no entry there: not after its expiry. Of a
   * record that may be gone, whose block holds whatever it holds, the answer is any number.
   */
  queuedAt(ref: Ref): number {
    const offset = this.arena.offset(ref);
    const head = this.arena.wordsOf(ref)[offset >>> 2];
    if ((head & hasExpiry) === 0) return 0;
    return this.arena.doublesOf(ref)[(offset >>> 3) + 3 + ((head >>> 29) & 1)];
  }

  /** Sets when `Expiries` will look at a record that has the flag `hasExpiry`. A new block begins with 0. */
  setQueuedAt(ref: Ref, timeMs: number): void {
    const offset = this.arena.offset(ref);
    const head = this.arena.wordsOf(ref)[offset >>> 2];
    this.arena.doublesOf(ref)[(offset >>> 3) + 3 + ((head >>> 29) & 1)] = timeMs;
  }

  /** Bytes of the record's block. */
  recordBytes(ref: Ref): number {
    return unitsOfClass((this.arena.wordsOf(ref)[(this.arena.offset(ref) >>> 2) + 1] >>> 20) & 0xff) << 3;
  }

  /** Order of two records' keys, as `memcmp`: negative, 0, positive. */
  compareKeys(a: Ref, b: Ref): number {
    const { arena } = this;
    const aWords = arena.wordsOf(a);
    const bWords = arena.wordsOf(b);
    const aLength = this.keyLength(a);
    const bLength = this.keyLength(b);
    const aStart = this.keyStart(a);
    const bStart = this.keyStart(b);
    const length = aLength < bLength ? aLength : bLength;
    // Keys start at whole words: equal ones are skipped four bytes at a time.
    let i = 0;
    while (i + 4 <= length && aWords[(aStart + i) >>> 2] === bWords[(bStart + i) >>> 2]) i += 4;
    const aBytes = arena.chunk(a);
    const bBytes = arena.chunk(b);
    for (; i < length; i++) {
      const difference = aBytes[aStart + i] - bBytes[bStart + i];
      if (difference !== 0) return difference;
    }
    return aLength - bLength;
  }

  /** A new block with its head; the rest of it is the caller's. */
  protected allocate(keyLength: number, valueLength: number, typeAndFlags: number): Ref {
    const sizeClass = sizeClassOf(recordUnits(keyLength, valueLength, typeAndFlags));
    const arena = this.arena;
    const ref = arena.allocate(sizeClass);
    const words = arena.wordsOf(ref);
    const at = arena.offset(ref) >>> 2;
    words[at] = typeAndFlags | valueLength;
    words[at + 1] = (sizeClass << 20) | keyLength;
    if ((typeAndFlags & hasExpiry) !== 0) this.setQueuedAt(ref, 0);
    return ref;
  }

  /**
   * Gives a record another value length or other flags. The key and the
   * stamp stay; object, expiry and, with `keepValue`, the value (as much as fits) do too. Returns the
   * record's ref, which may be a new one.
   */
  protected reshape(ref: Ref, valueLength: number, typeAndFlags: number, keepValue: boolean): Ref {
    const arena = this.arena;
    const words = arena.wordsOf(ref);
    const at = arena.offset(ref) >>> 2;
    const old = words[at];
    const keyLength = words[at + 1] & keyLengthMax;
    const sizeClass = (words[at + 1] >>> 20) & 0xff;
    if (((old ^ typeAndFlags) & (hasExpiry | hasObject)) === 0) {
      const units = recordUnits(keyLength, valueLength, typeAndFlags);
      const room = unitsOfClass(sizeClass);
      if (units <= room && units * 2 >= room) {
        words[at] = typeAndFlags | valueLength;
        return ref;
      }
    }
    const created = this.allocate(keyLength, valueLength, typeAndFlags);
    arena.doublesOf(created)[(arena.offset(created) >>> 3) + 1] = arena.doublesOf(ref)[(at >>> 1) + 1];
    if ((old & typeAndFlags & hasObject) !== 0) this.setObject(created, this.object(ref));
    if ((old & typeAndFlags & hasExpiry) !== 0) this.setExpiry(created, this.expiry(ref));
    copyBytes(arena.chunk(ref), this.keyStart(ref), arena.chunk(created), this.keyStart(created), keyLength);
    if (keepValue) {
      const kept = Math.min(valueLength, old & lengthMask);
      copyBytes(arena.chunk(ref), this.valueStart(ref), arena.chunk(created), this.valueStart(created), kept);
    }
    arena.free(ref, sizeClass);
    return created;
  }

  protected free(ref: Ref): void {
    this.arena.free(ref, (this.arena.wordsOf(ref)[(this.arena.offset(ref) >>> 2) + 1] >>> 20) & 0xff);
  }
}

/** Bytes before the key of a record that begins with `head`. */
function headBytes(head: number): number {
  return 16 + ((((head >>> 27) & 2) + ((head >>> 29) & 1)) << 3);
}

function recordUnits(keyLength: number, valueLength: number, typeAndFlags: number): number {
  return (headBytes(typeAndFlags) + keyLength + valueLength + 7) >>> 3;
}
