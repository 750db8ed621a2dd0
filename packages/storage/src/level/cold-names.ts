/**
 * The names of keys that are not in memory, for commands that want names alone: the heads are read from the disk, as they
 * were when the reading began, and not loaded.
 *
 *     begins               reads, while others go on                             taken by the command, in its turn
 *       |  d d d d d d d d d d d d d d d d d d d d  (heads, piece by piece)  |     what was read and what left memory,
 *       |      a key is loaded    a key leaves memory    a key is removed    |     without what is in memory or gone
 *
 * A key that is on the disk only when the names are taken either was so all the time, and was read, or has left memory since
 * the beginning, and that is told. Which keys were removed is remembered meanwhile, until the disk has been read: see
 * `isActive`. What was gathered stays true by being told, so that a command may wait for other things too before it uses it.
 */
import { byteStringOf, type Timer, type Timers } from '@holdfast/common';
import { KeyNames, type NameSelection } from '../key-names.js';
import { headKeyAt, headKeyOverhead, positionsEnd, positionsPerSlot } from './disk-keys.js';
import { readHead } from './disk-records.js';
import type { Keyspace } from './keyspace.js';
import type { Keyspaces } from './keyspaces.js';
import type { OrderedRange, OrderedStore } from './ordered-store.js';

/** Read at once: of values of 1 KB that is half a millisecond for who serves everybody. */
const headsPerRead = 256;
/** So many gather names at once. */
const readingMax = 4;
/** What nobody came back for is forgotten after this: a transaction may have to wait for other things too. */
const keptMs = 10_000;

class Gathering {
  readonly keyspace: Keyspace;
  readonly selection: NameSelection;
  readonly names = new KeyNames();
  /** Keys that left memory since it began, and when they expire. */
  readonly left = new Map<string, number>();
  loading!: Promise<void>;
  isReady = false;
  isUsed = false;
  timer: Timer | null = null;

  constructor(keyspace: Keyspace, selection: NameSelection) {
    this.keyspace = keyspace;
    this.selection = selection;
  }

  /** Leaves but keys that are on the disk only at this moment. */
  settle(): void {
    const { keyspace, left, names } = this;
    names.drop((bytes, start, length) => {
      if (!keyspace.isCold(bytes, start, length)) return true;
      return left.size > 0 && left.has(byteStringOf(bytes, start, length));
    });
    for (const [name, expiryMs] of left) {
      const key = Buffer.from(name, 'latin1');
      if (keyspace.isCold(key, 0, key.length)) names.add(key, 0, key.length, expiryMs);
    }
    left.clear();
  }
}

export interface ColdNamesOptions {
  readonly store: OrderedStore;
  readonly timers: Timers;
  readonly keyspaces: Keyspaces;
}

export class ColdNames {
  readonly #options: ColdNamesOptions;
  readonly #gatherings = new Map<string, Gathering>();
  #reading = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: ColdNamesOptions) {
    this.#options = options;
  }

  /** Whether names are being gathered: removals must be remembered, and `leaves` be called. */
  get isActive(): boolean {
    return this.#gatherings.size > 0;
  }

  /** Null when they are there. */
  prepare(keyspace: Keyspace, selection: NameSelection): Promise<void> | null {
    if (keyspace.coldKeys === 0) return null;
    const id = idOf(keyspace, selection);
    let gathering = this.#gatherings.get(id);
    if (gathering === undefined) {
      gathering = new Gathering(keyspace, selection);
      this.#gatherings.set(id, gathering);
      gathering.loading = this.#gather(id, gathering);
    }
    if (!gathering.isReady) return gathering.loading;
    this.#keep(id, gathering);
    return null;
  }

  /**
   * The names that were prepared, as of now. They are used up with the turn: another command of the same transaction may ask
   * for them, too. Null when there are none.
   */
  take(keyspace: Keyspace, selection: NameSelection): KeyNames | null {
    const id = idOf(keyspace, selection);
    const gathering = this.#gatherings.get(id);
    if (gathering === undefined || !gathering.isReady) return null;
    if (!gathering.isUsed) this.#options.timers.setImmediate(() => this.#forget(id, gathering));
    gathering.isUsed = true;
    gathering.settle();
    return gathering.names;
  }

  /** A key leaves memory. To be called while it is active. */
  leaves(keyspace: Keyspace, key: Uint8Array, start: number, length: number, expiryMs: number): void {
    for (const gathering of this.#gatherings.values()) {
      if (gathering.keyspace !== keyspace || !gathering.selection.matches(key, start, length)) continue;
      gathering.left.set(byteStringOf(key, start, length), expiryMs);
    }
  }

  /** Nobody will come back. */
  close(): void {
    for (const [id, gathering] of this.#gatherings) this.#forget(id, gathering);
  }

  async #gather(id: string, gathering: Gathering): Promise<void> {
    if (this.#reading >= readingMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#reading++;
    try {
      await this.#read(gathering);
      gathering.isReady = true;
      if (this.#gatherings.get(id) === gathering) this.#keep(id, gathering);
    } catch (error) {
      this.#forget(id, gathering);
      throw error;
    } finally {
      this.#reading--;
      this.#waiting.shift()?.();
    }
  }

  async #read(gathering: Gathering): Promise<void> {
    const { keyspaces } = this.#options;
    const { keyspace } = gathering;
    const range = this.#rangeOf(gathering);
    try {
      while (keyspaces.isLive(keyspace)) {
        const entries = await range.next(headsPerRead);
        if (entries.length === 0) break;
        for (const [key, value] of entries) add(gathering, key, value);
      }
    } finally {
      await range.close();
    }
  }

  #rangeOf({ keyspace: { generation }, selection: { slot } }: Gathering): OrderedRange {
    const from = slot < 0 ? 0 : slot * positionsPerSlot;
    const to = slot < 0 ? positionsEnd : from + positionsPerSlot;
    return this.#options.store.range(headKeyAt(generation, from), headKeyAt(generation, to));
  }

  /** For a while, beginning now. */
  #keep(id: string, gathering: Gathering): void {
    const { timers } = this.#options;
    if (gathering.timer !== null) timers.clearTimeout(gathering.timer);
    gathering.timer = timers.setTimeout(() => {
      // A transaction that needs several comes back when the last is there.
      if (this.#reading > 0) this.#keep(id, gathering);
      else this.#forget(id, gathering);
    }, keptMs);
  }

  #forget(id: string, gathering: Gathering): void {
    if (gathering.timer !== null) this.#options.timers.clearTimeout(gathering.timer);
    gathering.timer = null;
    if (this.#gatherings.get(id) === gathering) this.#gatherings.delete(id);
  }
}

/** Adds a key that is on the disk only, if it is wanted. Throws KvError CORRUPT. */
function add({ keyspace, selection, names }: Gathering, headKey: Uint8Array, value: Uint8Array): void {
  const length = headKey.length - headKeyOverhead;
  if (!selection.matches(headKey, headKeyOverhead, length)) return;
  if (!keyspace.isCold(headKey, headKeyOverhead, length)) return;
  names.add(headKey, headKeyOverhead, length, readHead(headKey, value).expiryMs);
}

function idOf({ generation }: Keyspace, { id }: NameSelection): string {
  return `${generation} ${id}`;
}
