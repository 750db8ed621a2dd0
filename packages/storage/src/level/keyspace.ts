/**
 * The content of one database from one FLUSHDB to the next: a generation on the disk, and what is known
 * of it without looking there. The values themselves are in the Database.
 */
// @hot-path
import { byteStringOf } from '@holdfast/common';
import { AbsentNames } from '../absent-names.js';
import { Arena, type Ref } from '../arena.js';
import type { Collection } from '../collection.js';
import type { Database } from '../database.js';
import { DepartedKeys } from '../departed-keys.js';
import { Dict } from '../dict.js';
import { hasObject } from '../records.js';
import type { Load } from './load.js';

/** The notes about keys are few in most databases. */
const headsChunkBytes = 4 * 1024 * 1024;

/** Keys that are known to be absent, and the bytes of their names. */
const absentMax = 32_768;
const absentBytesMax = 4 * 1024 * 1024;

/** Collections that are whole or gone are forgotten when there are so many, or twice as many as there were left then. */
const partialPruneMin = 64;

/** A key was removed, and the batch of its removal is not staged yet. */
const unstaged = Number.POSITIVE_INFINITY;

export class Keyspace {
  readonly generation: number;
  /** Whose content it is or was; SWAPDB moves both together. */
  readonly database: Database;
  /** Keys that are on the disk only. */
  #coldKeys: number;
  /** Those that left memory; null while there may be others, which were on the disk only from the start. */
  #departed: DepartedKeys | null = null;
  /**
   * The keys with an expiry or with elements of their own, as of the last staged batch: stamp =
   * incarnation (0: none), object = the expiry that the index has (0: none). Beside the arena of the
   * database, since a write is staged after the database has already forgotten the old value.
   */
  readonly #heads: Dict;
  /** Keys that were removed, and the number of the write set that removes them from the disk; oldest first. */
  readonly #removals = new Map<string, number>();
  /** Keys that the disk was asked for and did not have. */
  readonly #absent = new AbsentNames(absentMax, absentBytesMax, (name) => this.#pins.has(name));
  /** Collections that are in memory in part, and some that were: see `hasPartial`. */
  readonly #partial = new Set<Collection>();
  #partialPruneAt = partialPruneMin;
  /** Loads under way, by key. */
  readonly loads = new Map<string, Load>();
  /** Keys that somebody is about to use who waited for them, and how many do. They are not let go. */
  readonly #pins = new Map<string, number>();
  /** Somebody needs all keys: none is let go while it is not 0. */
  holds = 0;

  /** `departed` covers all keys that are on the disk, if it is given. */
  constructor(
    generation: number,
    database: Database,
    coldKeys: number,
    departed: DepartedKeys | null = null,
  ) {
    this.generation = generation;
    this.database = database;
    this.#coldKeys = coldKeys;
    this.#departed = coldKeys === 0 ? new DepartedKeys() : departed;
    this.#heads = new Dict(new Arena(headsChunkBytes), database.context.seed);
  }

  get coldKeys(): number {
    return this.#coldKeys;
  }

  set coldKeys(count: number) {
    this.#coldKeys = count;
    if (count > 0) return;
    this.#departed = new DepartedKeys();
  }

  /** All its keys are in memory, and whole: what is not there does not exist. */
  get isComplete(): boolean {
    return this.coldKeys === 0 && !this.hasPartial;
  }

  /** Whether any collection is in memory in part. */
  get hasPartial(): boolean {
    if (this.#partial.size === 0) return false;
    for (const collection of this.#partial) {
      if (isPartial(collection)) return true;
      // It is whole by now, or gone.
      this.#partial.delete(collection);
    }
    return false;
  }

  /** A collection got its key, and not all of its elements. */
  addPartial(collection: Collection): void {
    if (this.#partial.size >= this.#partialPruneAt) {
      for (const known of this.#partial) if (!isPartial(known)) this.#partial.delete(known);
      this.#partialPruneAt = Math.max(partialPruneMin, this.#partial.size * 2);
    }
    this.#partial.add(collection);
  }

  get keyCount(): number {
    return this.database.size + this.coldKeys;
  }

  get usedBytes(): number {
    return this.#heads.arena.usedBytes;
  }

  /** The keys that left memory; null while others may be on the disk. */
  get departed(): DepartedKeys | null {
    return this.#departed;
  }

  /** What the knowledge of keys that left memory takes. */
  get departedBytes(): number {
    return this.#departed?.usedBytes ?? 0;
  }

  /** Whether the key that the database was just asked for in vain is known not to exist, though the disk may still have it. */
  isAbsent(bytes: Uint8Array, start: number, length: number): boolean {
    if (this.#departed !== null && !this.#departed.mayHave(this.database.dict.hash)) return true;
    if (this.#absent.size === 0 && this.#removals.size === 0) return false;
    const name = byteStringOf(bytes, start, length);
    return this.#absent.has(name) || this.#removals.has(name);
  }

  /** Whether the key is in memory, in part at least, or known to be absent. */
  isFound(bytes: Uint8Array, start: number, length: number): boolean {
    if (this.isComplete || this.database.find(bytes, start, length) !== 0) return true;
    return this.isAbsent(bytes, start, length);
  }

  /**
   * Whether a key is on the disk only, that was there at a moment since which no removal was forgotten. Quicker than
   * `isFound`, for a million of them.
   */
  isCold(bytes: Uint8Array, start: number, length: number): boolean {
    if (this.database.find(bytes, start, length) !== 0) return false;
    return this.#removals.size === 0 || !this.#removals.has(byteStringOf(bytes, start, length));
  }

  /** A load did not find the key. */
  notFound(name: string): void {
    this.#absent.add(name);
  }

  /** A key is gone from memory; until the disk knows, only this does. */
  removed(bytes: Uint8Array, start: number, length: number): void {
    const name = byteStringOf(bytes, start, length);
    this.#removals.delete(name);
    this.#removals.set(name, unstaged);
  }

  /** The removal of a key is in write set `sequence`. */
  removalStaged(bytes: Uint8Array, start: number, length: number, sequence: number): void {
    if (this.#removals.size === 0) return;
    const name = byteStringOf(bytes, start, length);
    if (this.#removals.has(name)) this.#removals.set(name, sequence);
  }

  /** Write sets up to `written` are on the disk, which knows by itself what they removed. */
  pruneRemovals(written: number): void {
    for (const [name, sequence] of this.#removals) {
      if (sequence > written) return;
      this.#removals.delete(name);
    }
  }

  /** Calls `visit` with the hash of every key that was removed, and that the disk may still have. */
  forEachRemovedHash(visit: (hash: number) => void): void {
    const { dict } = this.database;
    for (const name of this.#removals.keys()) {
      const key = Buffer.from(name, 'latin1');
      dict.find(key, 0, key.length);
      visit(dict.hash);
    }
  }

  /**
   * A key leaves memory, which the database just found, and stays on the disk. What is known of all that left may take
   * `departedBytesMax` bytes; with more keys the disk has to be asked for each that is not in memory.
   */
  letGo(bytes: Uint8Array, start: number, length: number, departedBytesMax: number): void {
    this.noteHead(bytes, start, length, 0, 0);
    if (this.#absent.size > 0 || this.#removals.size > 0) {
      // What it was before it was made.
      const name = byteStringOf(bytes, start, length);
      this.#absent.delete(name);
      this.#removals.delete(name);
    }
    this.#coldKeys++;
    if (this.#departed?.add(this.database.dict.hash, departedBytesMax) === false) this.#departed = null;
  }

  pin(name: string): void {
    this.#pins.set(name, (this.#pins.get(name) ?? 0) + 1);
  }

  unpin(name: string): void {
    const count = this.#pins.get(name) as number;
    if (count === 1) this.#pins.delete(name);
    else this.#pins.set(name, count - 1);
  }

  isPinned(bytes: Uint8Array, start: number, length: number): boolean {
    return this.#pins.size > 0 && this.#pins.has(byteStringOf(bytes, start, length));
  }

  // The heads

  get hasHeads(): boolean {
    return this.#heads.size > 0;
  }

  /** The note about a key with an expiry or elements; 0 when there is none. */
  findHead(bytes: Uint8Array, start: number, length: number): Ref {
    return this.#heads.find(bytes, start, length);
  }

  incarnation(ref: Ref): number {
    return this.#heads.stamp(ref);
  }

  expiry(ref: Ref): number {
    return this.#heads.object(ref);
  }

  /** Notes a key's incarnation and expiry, or forgets it when it has neither. */
  noteHead(bytes: Uint8Array, start: number, length: number, incarnation: number, expiryMs: number): void {
    const heads = this.#heads;
    if (incarnation === 0 && expiryMs === 0 && heads.size === 0) return;
    let ref = heads.find(bytes, start, length);
    if (incarnation === 0 && expiryMs === 0) {
      if (ref !== 0) heads.remove(ref);
      return;
    }
    if (ref === 0) ref = heads.create(bytes, start, length, 0, hasObject);
    heads.setStamp(ref, incarnation);
    heads.setObject(ref, expiryMs);
  }
}

/** Whether a collection has a key, and not all of its elements. */
function isPartial({ ref, partial }: Collection): boolean {
  return ref !== 0 && partial !== null;
}
