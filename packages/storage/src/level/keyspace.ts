/**
 * The content of one database from one FLUSHDB to the next: a generation on the disk, and what is known
 * of it without looking there. The values themselves are in the Database.
 */
// @hot-path
import { byteStringOf } from '@holdfast/common';
import { Arena, type Ref } from '../arena.js';
import type { Database } from '../database.js';
import { Dict, hasObject } from '../dict.js';

/** Keys known to be absent are forgotten beyond this number. */
const absentMax = 100_000;

/** The notes about keys are few in most databases. */
const headsChunkBytes = 4 * 1024 * 1024;

/** A key was removed, and the batch of its removal is not staged yet. */
const unstaged = Number.POSITIVE_INFINITY;

export class Keyspace {
  readonly generation: number;
  /** Whose content it is or was; SWAPDB moves both together. */
  readonly database: Database;
  /** Keys that are on the disk only. */
  coldKeys: number;
  /**
   * The keys with an expiry or with elements of their own, as of the last staged batch: stamp =
   * incarnation (0: none), object = the expiry that the index has (0: none). Beside the arena of the
   * database, since a write is staged after the database has already forgotten the old value.
   */
  readonly #heads: Dict;
  /** Keys known to be absent, and the number of the write set that removes them from the disk; oldest first. */
  readonly #absent = new Map<string, number>();
  /** Loads under way, by key. */
  readonly loads = new Map<string, Promise<void>>();

  constructor(generation: number, database: Database, coldKeys: number) {
    this.generation = generation;
    this.database = database;
    this.coldKeys = coldKeys;
    this.#heads = new Dict(new Arena(headsChunkBytes), database.context.seed);
  }

  /** All its keys are in memory: what is not there does not exist. */
  get isComplete(): boolean {
    return this.coldKeys === 0;
  }

  get keyCount(): number {
    return this.database.size + this.coldKeys;
  }

  get usedBytes(): number {
    return this.#heads.arena.usedBytes;
  }

  isAbsent(name: string): boolean {
    return this.#absent.has(name);
  }

  /** A load did not find the key. */
  notFound(name: string): void {
    this.#absent.set(name, 0);
  }

  /** A key is gone from memory; until the disk knows, only this does. */
  removed(bytes: Uint8Array, start: number, length: number): void {
    if (this.isComplete) return;
    const name = byteStringOf(bytes, start, length);
    this.#absent.delete(name);
    this.#absent.set(name, unstaged);
  }

  /** The removal of a key is in write set `sequence`. */
  removalStaged(bytes: Uint8Array, start: number, length: number, sequence: number): void {
    if (this.isComplete) return;
    const name = byteStringOf(bytes, start, length);
    if (this.#absent.has(name)) this.#absent.set(name, sequence);
  }

  /** Forgets old absent keys, but not those that the disk still has: write sets up to `written` are there. */
  pruneAbsent(written: number): void {
    if (this.#absent.size <= absentMax) return;
    for (const [name, sequence] of this.#absent) {
      if (sequence <= written) this.#absent.delete(name);
      if (this.#absent.size <= absentMax) return;
    }
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
