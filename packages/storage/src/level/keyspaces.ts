/**
 * Which keyspace each database has: at this moment, and as of the last staged batch. In
 * between lies the turn that is going on: it may have flushed and swapped databases already.
 */
import type { Database } from '../database.js';
import type { Residency } from '../database-context.js';
import { Keyspace } from './keyspace.js';

export class Keyspaces implements Residency {
  #live: Keyspace[] = [];
  #staged: Keyspace[] = [];
  /** Made by flushes that are not staged yet, oldest first. */
  readonly #flushed: Keyspace[] = [];
  /** Generations from here on are free. */
  nextGeneration = 0;
  /** The batch that is being applied is the next one of this state: see `Storage.prepareApply`. */
  isNext = false;

  /** To be called once, before anything changes. */
  begin(keyspaces: readonly Keyspace[], nextGeneration: number): void {
    this.#live = [...keyspaces];
    this.#staged = [...keyspaces];
    this.nextGeneration = nextGeneration;
  }

  /** What database `index` holds now. */
  live(index: number): Keyspace {
    return this.#live[index];
  }

  all(): readonly Keyspace[] {
    return this.#live;
  }

  /** Whether all keys of all databases are in memory. */
  get isComplete(): boolean {
    for (const keyspace of this.#live) if (!keyspace.isComplete) return false;
    return true;
  }

  /** The keyspace with a generation, if it is the content of a database now. */
  byGeneration(generation: number): Keyspace | null {
    return this.#live.find((keyspace) => keyspace.generation === generation) ?? null;
  }

  /** Whether a keyspace is still the content of its database: no flush has ended it. */
  isLive(keyspace: Keyspace): boolean {
    return this.#live[keyspace.database.index] === keyspace;
  }

  /** What database `index` held as of the last staged record. */
  staged(index: number): Keyspace {
    return this.#staged[index];
  }

  // Changes as they happen

  removed(database: Database, bytes: Uint8Array, start: number, length: number): void {
    this.#live[database.index].removed(bytes, start, length);
  }

  replacedUnseen(database: Database): void {
    if (this.isNext) this.#live[database.index].coldKeys--;
  }

  emptied(database: Database): void {
    const keyspace = new Keyspace(this.nextGeneration++, database, 0);
    this.#live[database.index] = keyspace;
    this.#flushed.push(keyspace);
  }

  swapped(a: number, b: number): void {
    exchange(this.#live, a, b);
  }

  // Changes as they are staged, in the same order

  /** The flush of database `index` is staged: returns the keyspace that ends. */
  stageFlush(index: number): Keyspace {
    const ended = this.#staged[index];
    this.#staged[index] = this.#flushed.shift() as Keyspace;
    return ended;
  }

  stageSwap(a: number, b: number): void {
    exchange(this.#staged, a, b);
  }
}

function exchange(keyspaces: Keyspace[], a: number, b: number): void {
  const first = keyspaces[a];
  keyspaces[a] = keyspaces[b];
  keyspaces[b] = first;
}
