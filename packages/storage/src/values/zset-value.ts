/**
 * A sorted set: members with scores, in order of score, then of member, with ranks from 0. Small ones are
 * packed in one block (`listpack`), others are a table with an ordered index (`skiplist`, by Redis' name);
 * the way back does not exist. All of it lies in the arena: a change allocates nothing on the heap.
 *
 * Mutations, after the key:
 *
 *     putMembers     count u32, (score f64, member) x count
 *     removeMembers  count u32, member x count
 *     removeRange    (score f64, member) of the first entry that goes, and of the last
 */
// @hot-path
import { keyBytesMax } from '@holdfast/common';
import { Collection, valueTypes } from '../collection.js';
import type { Database } from '../database.js';
import { Dict } from '../dict.js';
import { collectionKinds, type MutationReader, type MutationWriter } from '../mutation.js';
import { encodingLimits } from './encoding-limits.js';
import { IndexedZSet } from './indexed-zset.js';
import { PackedZSet } from './packed-zset.js';
import { ZSetBound } from './zset-bound.js';
import { ZSetCursor } from './zset-cursor.js';

const putMembers = collectionKinds(valueTypes.zset);
const removeMembers = putMembers + 1;
const removeRange = putMembers + 2;

/** A description is cut into records of about this size. */
const recordBytesMax = 64 * 1024;

/**
 * A range is journaled member by member when it has at most the first number of them, or at most the second
 * and half of the set: a storage that keeps members as records of its own must write out what is left
 * of a set when it is told the ends of a range only. Never when the log does not take the members.
 */
const namedRemovalsMin = 64;
const namedRemovalsMax = 16384;

const entry = new ZSetCursor();
const bound = new ZSetBound();

export class ZSetValue extends Collection {
  #members: PackedZSet | IndexedZSet;

  constructor(database: Database) {
    super(database);
    this.#members = new PackedZSet(this.arena);
  }

  /** A set of the keys of `dict` with their stamps as scores. The dict must not be used after. */
  static of(database: Database, dict: Dict): ZSetValue {
    const zset = new ZSetValue(database);
    const { zsetListpackEntries } = encodingLimits;
    if (dict.size <= zsetListpackEntries) {
      dict.forEach((ref) => {
        zset.put(dict.arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref), dict.stamp(ref));
      });
      dict.clear();
    } else {
      zset.#members = new IndexedZSet(dict);
    }
    return zset;
  }

  get type(): number {
    return valueTypes.zset;
  }

  get size(): number {
    return this.#members.size;
  }

  get encoding(): string {
    return this.#members instanceof PackedZSet ? 'listpack' : 'skiplist';
  }

  // Reading

  /**
   * The score of a member, NaN when it is not there. `rank`, `update` and `remove` then act upon the member
   * that was found, `add` upon the one that was missed, before anything else is called.
   */
  score(bytes: Uint8Array, start: number, length: number): number {
    return this.#members.score(bytes, start, length);
  }

  /** The rank of the member that `score` found. */
  rank(): number {
    return this.#members.rank();
  }

  /** How many entries lie before a bound. */
  countBefore(bound: ZSetBound): number {
    return this.#members.countBefore(bound);
  }

  /** Puts a cursor on the entry of a rank that is there. */
  seek(cursor: ZSetCursor, rank: number): void {
    this.#members.seek(cursor, rank);
  }

  /** Puts a cursor on the next entry; false when there is none. */
  stepForward(cursor: ZSetCursor): boolean {
    return this.#members.stepForward(cursor);
  }

  /** Puts a cursor on the entry before; false when there is none. */
  stepBack(cursor: ZSetCursor): boolean {
    return this.#members.stepBack(cursor);
  }

  /** As `Dict.scan`: appends names of entries for `read`, to be used before the next change. */
  scan(position: number, count: number, into: number[]): number {
    return this.#members.scan(position, count, into);
  }

  /** Makes a cursor show an entry that `scan` named; it can't step from there. */
  read(cursor: ZSetCursor, name: number): void {
    this.#members.read(cursor, name);
  }

  // Changing

  /** `count` members are about to be put: too many of them make a large set at once. */
  expect(count: number): void {
    if (count > encodingLimits.zsetListpackEntries) this.#unpack();
  }

  override takeEncoding(encoding: string): void {
    if (encoding === 'skiplist') this.#unpack();
  }

  /** Adds the member that `score` just missed. */
  add(bytes: Uint8Array, start: number, length: number, score: number): void {
    const members = this.#members;
    if (members instanceof PackedZSet && !isPackable(members, length)) {
      this.#unpack().score(bytes, start, length);
    }
    const unsigned = withoutMinusZero(score);
    this.#members.add(bytes, start, length, unsigned);
    this.#journalPut(bytes, start, length, unsigned);
  }

  /** Gives the member that `score` just found another score. */
  update(bytes: Uint8Array, start: number, length: number, score: number): void {
    const unsigned = withoutMinusZero(score);
    this.#members.update(unsigned);
    this.#journalPut(bytes, start, length, unsigned);
  }

  /** Adds a member or gives it another score. */
  put(bytes: Uint8Array, start: number, length: number, score: number): void {
    const old = this.score(bytes, start, length);
    if (old !== old) this.add(bytes, start, length, score);
    else if (old !== score) this.update(bytes, start, length, score);
  }

  /** Removes a member; whether it was there. It may lie in this set. */
  remove(bytes: Uint8Array, start: number, length: number): boolean {
    const score = this.score(bytes, start, length);
    if (score !== score) return false;
    this.changeOne(removeMembers)?.field(bytes, start, length);
    this.#members.remove();
    return true;
  }

  /** Removes `count` entries, at least one, from a rank on; all of them are there. */
  removeRange(rank: number, count: number): void {
    const isShort = count <= namedRemovalsMin || (count <= namedRemovalsMax && count * 2 <= this.size);
    const isNamed = isShort && this.#logTakesNames(rank, count);
    const journal = this.change(isNamed ? removeMembers : removeRange);
    if (journal !== null && isNamed) {
      journal.uint32(count);
      this.seek(entry, rank);
      for (let i = 0; i < count; i++, this.stepForward(entry)) {
        journal.field(entry.bytes, entry.start, entry.length);
      }
    } else if (journal !== null) {
      this.seek(entry, rank);
      journalEntry(journal);
      this.seek(entry, rank + count - 1);
      journalEntry(journal);
    }
    for (let i = 0; i < count; i++) this.#members.removeAt(rank);
  }

  #logTakesNames(rank: number, count: number): boolean {
    const { journal } = this.database;
    if (journal === null || journal.takes(count * keyBytesMax)) return true;
    this.seek(entry, rank);
    let bytes = 0;
    for (let i = 0; i < count; i++, this.stepForward(entry)) bytes += entry.length + 4;
    return journal.takes(bytes);
  }

  // Collection

  release(budget: number): boolean {
    return this.#members.release(budget);
  }

  apply(reader: MutationReader): void {
    const { bytes, kind } = reader;
    if (kind === removeRange) {
      this.#applyRemoval(reader);
      return;
    }
    const count = reader.uint32();
    if (kind === putMembers) this.expect(count);
    for (let i = 0; i < count; i++) {
      const score = kind === putMembers ? reader.number() : 0;
      reader.field();
      if (kind === putMembers) this.put(bytes, reader.fieldStart, reader.fieldLength, score);
      else this.remove(bytes, reader.fieldStart, reader.fieldLength);
    }
  }

  describe(writer: MutationWriter): void {
    if (this.size > 0) this.seek(entry, 0);
    for (let isThere = this.size > 0; isThere; ) {
      this.begin(writer, putMembers);
      const countAt = writer.length;
      writer.uint32(0);
      let count = 0;
      for (; isThere && writer.length - countAt < recordBytesMax; isThere = this.stepForward(entry)) {
        journalEntry(writer);
        count++;
      }
      writer.bytes.writeUInt32LE(count, countAt);
    }
  }

  #applyRemoval(reader: MutationReader): void {
    const { bytes } = reader;
    const score = reader.number();
    reader.field();
    bound.atEntry(score, bytes, reader.fieldStart, reader.fieldLength, false);
    const from = this.countBefore(bound);
    const lastScore = reader.number();
    reader.field();
    bound.atEntry(lastScore, bytes, reader.fieldStart, reader.fieldLength, true);
    const to = this.countBefore(bound);
    if (to > from) this.removeRange(from, to - from);
  }

  #journalPut(bytes: Uint8Array, start: number, length: number, score: number): void {
    const journal = this.changeOne(putMembers);
    if (journal === null) return;
    journal.number(score);
    journal.field(bytes, start, length);
  }

  #unpack(): IndexedZSet {
    const members = this.#members;
    if (members instanceof IndexedZSet) return members;
    const unpacked = new IndexedZSet(new Dict(this.arena, this.database.context.seed));
    if (members.size > 0) {
      members.seek(entry, 0);
      do {
        unpacked.score(entry.bytes, entry.start, entry.length);
        unpacked.add(entry.bytes, entry.start, entry.length, entry.score);
      } while (members.stepForward(entry));
    }
    members.release(members.size);
    this.#members = unpacked;
    return unpacked;
  }
}

/** Minus zero as zero: a score is shown again as it was given, but for this sign, as in Redis' small sets. */
function withoutMinusZero(score: number): number {
  return score + 0;
}

function isPackable(members: PackedZSet, length: number): boolean {
  const { zsetListpackEntries, zsetListpackValue } = encodingLimits;
  return members.size < zsetListpackEntries && length <= zsetListpackValue && members.fits(length);
}

/** Writes what `entry` shows. */
function journalEntry(writer: MutationWriter): void {
  writer.number(entry.score);
  writer.field(entry.bytes, entry.start, entry.length);
}
