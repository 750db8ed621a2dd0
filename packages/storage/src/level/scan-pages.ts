/**
 * Pages of a scan over keys that are not all in memory: in the order of the disk, by slot and hash.
 *
 *     cursor     2^47 + position        (below 2^32: a cursor over memory alone; 0 begins)
 *     page       | from position ... up to, not including, the next page's position |
 *
 * Preparing a page reads its heads from the disk and loads them. What is not on the disk yet is in the
 * pending write sets, and what comes until the page is used is added as it is staged. So whatever is there
 * from the start of a scan to its end is on its page: on the disk, in a set, or among those added.
 */
import { byteStringOf, type Timer, type Timers } from '@holdfast/common';
import { mutationKinds } from '../mutation.js';
import { noElements } from '../partial-elements.js';
import {
  headKeyAt,
  headKeyOverhead,
  numberKey32,
  positionOf,
  positionsEnd,
  prefixes,
  writeHeadKey,
} from './disk-keys.js';
import { hasElements } from './disk-records.js';
import type { Keyspace } from './keyspace.js';
import type { Keyspaces } from './keyspaces.js';
import type { Loader } from './loader.js';
import type { MutationSkimmer } from './mutation-skimmer.js';
import type { OrderedRange, OrderedStore } from './ordered-store.js';
import { largeLength } from './string-pieces.js';
import type { WriteBehind } from './write-behind.js';

/** Added to the position in every cursor over the disk. */
export const diskCursor: number = 2 ** 47;

/** Pages that nobody came back for are forgotten beyond this number. */
const pagesMax = 256;
/** And after so long, in ms: each grows with what is written. Whoever comes back later has it prepared again. */
const keptMs = 60_000;
/** Heads are read from the disk this many at a time. */
const headsPerRead = 1000;
/** A page ends early where the values of its keys are large: beyond so many bytes, as far as the heads tell. */
const pageBytesMax = 4 * 1024 * 1024;
/** What a collection with elements of their own counts for: more of it is loaded if values are wanted. */
const collectionBytes = { keys: pageBytesMax / 128, values: pageBytesMax / 8 } as const;

class Page {
  readonly keyspace: Keyspace;
  readonly from: number;
  /** Position of the next page, `positionsEnd` after the last. Until it is known, all that follows may belong here. */
  until = positionsEnd;
  /** Keys, as byte strings, and their positions. Some may be gone when the page is used. */
  readonly names = new Map<string, number>();
  isReady = false;
  isUsed = false;
  loading!: Promise<void>;
  timer: Timer | null = null;

  constructor(keyspace: Keyspace, from: number) {
    this.keyspace = keyspace;
    this.from = from;
  }

  add(name: string, position: number): void {
    if (position >= this.from && position < this.until) this.names.set(name, position);
  }

  end(until: number): void {
    this.until = until;
    for (const [name, position] of this.names) if (position >= until) this.names.delete(name);
  }
}

export interface ScanPagesOptions {
  readonly store: OrderedStore;
  readonly timers: Timers;
  readonly keyspaces: Keyspaces;
  readonly loader: Loader;
  readonly writer: WriteBehind;
  readonly seed: number;
  /** No page is prepared any more: nobody has to be told of what is staged. */
  readonly onIdle: () => void;
}

export class ScanPages {
  readonly #options: ScanPagesOptions;
  /** Oldest first. */
  readonly #pages = new Map<string, Page>();
  #headKey = Buffer.allocUnsafeSlow(1024);

  constructor(options: ScanPagesOptions) {
    this.#options = options;
  }

  /** Null when the page is there. */
  prepare(keyspace: Keyspace, cursor: number, count: number, wants: 'keys' | 'values'): Promise<void> | null {
    const id = pageId(keyspace, cursor, count);
    const known = this.#pages.get(id);
    if (known !== undefined) return known.isReady ? this.#request(known, wants) : known.loading;
    const page = new Page(keyspace, cursor >= diskCursor ? cursor - diskCursor : 0);
    this.#pages.set(id, page);
    this.#forgetOld();
    page.timer = this.#options.timers.setTimeout(() => this.#forget(id, page), keptMs);
    page.loading = this.#prepare(page, count, wants).catch((error: unknown) => {
      this.#forget(id, page);
      throw error;
    });
    return page.loading;
  }

  /** Null when what is wanted of the page's keys is there: some may have been let go since it was prepared. */
  #request(page: Page, wants: 'keys' | 'values'): Promise<void> | null {
    const { loader } = this.#options;
    const keys = new Map([[page.keyspace, keysOf(page)]]);
    return wants === 'keys' ? loader.requestElements(keys, noElements) : loader.requestAll(keys);
  }

  /**
   * Visits the keys of a prepared page, and those of the turn's mutations that belong there. It is used up with the turn:
   * another command of the same transaction may ask for it, too. Returns the next cursor; -1 when there is no such page.
   */
  take(
    keyspace: Keyspace,
    cursor: number,
    count: number,
    unstaged: MutationSkimmer | null,
    visit: (ref: number) => void,
  ): number {
    const id = pageId(keyspace, cursor, count);
    const page = this.#pages.get(id);
    if (page === undefined || !page.isReady) return -1;
    if (unstaged !== null) this.#addUnstaged(unstaged);
    if (!page.isUsed) this.#options.timers.setImmediate(() => this.#forget(id, page));
    page.isUsed = true;
    return this.look(keyspace, cursor, count, visit);
  }

  /** As `take`, of what was staged; the page stays. */
  look(keyspace: Keyspace, cursor: number, count: number, visit: (ref: number) => void): number {
    const page = this.#pages.get(pageId(keyspace, cursor, count));
    if (page === undefined || !page.isReady) return -1;
    const { database } = keyspace;
    for (const name of page.names.keys()) {
      const key = Buffer.from(name, 'latin1');
      const ref = database.find(key, 0, key.length);
      if (ref !== 0) visit(ref);
    }
    return page.until >= positionsEnd ? 0 : diskCursor + page.until;
  }

  /** A key was written: it is added to the pages that it belongs to. */
  written(keyspace: Keyspace, key: Uint8Array, start: number, length: number): void {
    let name = '';
    let position = -1;
    for (const page of this.#pages.values()) {
      if (page.keyspace !== keyspace) continue;
      if (position < 0) {
        name = byteStringOf(key, start, length);
        position = this.#positionOf(keyspace, key, start, length);
      }
      page.add(name, position);
    }
  }

  /** See `Storage.isScanned`. */
  isScanned(keyspace: Keyspace, cursor: number, key: Uint8Array, start: number, length: number): boolean {
    return this.#positionOf(keyspace, key, start, length) < cursor - diskCursor;
  }

  /** Loads every key of a keyspace. All stay until the turn after. */
  async loadAll(keyspace: Keyspace): Promise<void> {
    const { keyspaces, loader, timers } = this.#options;
    keyspace.holds++;
    const range = this.#rangeFrom(keyspace, 0);
    try {
      while (keyspaces.isLive(keyspace) && !keyspace.isComplete) {
        const entries = await range.next(headsPerRead);
        if (entries.length === 0) break;
        const keys = entries.map(([key]) => key.subarray(headKeyOverhead));
        await loader.load(new Map([[keyspace, keys]]));
      }
      keyspace.coldKeys = 0;
    } finally {
      await range.close();
      timers.setImmediate(() => keyspace.holds--);
    }
  }

  async #prepare(page: Page, count: number, wants: 'keys' | 'values'): Promise<void> {
    // Whatever is pending now is there, or on the disk when the range is opened: never in between.
    this.#addPending(page);
    const range = this.#rangeFrom(page.keyspace, page.from);
    try {
      await readHeads(page, range, count, collectionBytes[wants]);
    } finally {
      await range.close();
    }
    const keys = new Map([[page.keyspace, keysOf(page)]]);
    await (wants === 'keys' ? this.#options.loader.loadHeads(keys) : this.#options.loader.load(keys));
    page.isReady = true;
  }

  #rangeFrom({ generation }: Keyspace, position: number): OrderedRange {
    return this.#options.store.range(headKeyAt(generation, position), headKeyAt(generation, positionsEnd));
  }

  #addPending(page: Page): void {
    const prefix = numberKey32(prefixes.head, page.keyspace.generation);
    for (const set of this.#options.writer.pendingSets) {
      set.forEachPut(prefix, (bytes, start, length) => {
        const name = byteStringOf(bytes, start + headKeyOverhead, length - headKeyOverhead);
        page.add(name, positionOf(bytes, start));
      });
    }
  }

  /** What the turn has written so far is not staged, and belongs to the keyspaces as the turn found them. */
  #addUnstaged(skimmer: MutationSkimmer): void {
    const { keyspaces } = this.#options;
    const { reader } = skimmer;
    const current: (Keyspace | null)[] = keyspaces.all().map((_, index) => keyspaces.staged(index));
    while (skimmer.next()) {
      const { kind, database, bytes } = reader;
      const keyspace = current[database];
      if (kind === mutationKinds.swapDatabases) {
        current[database] = current[skimmer.otherDatabase];
        current[skimmer.otherDatabase] = keyspace;
      } else if (kind === mutationKinds.flushDatabase) {
        current[database] = null;
      } else if (keyspace !== null && kind === mutationKinds.renameKey) {
        this.written(keyspace, bytes, reader.fieldStart, reader.fieldLength);
      } else if (keyspace !== null) {
        this.written(keyspace, bytes, reader.keyStart, reader.keyLength);
      }
    }
  }

  #positionOf({ generation }: Keyspace, key: Uint8Array, start: number, length: number): number {
    if (length + headKeyOverhead > this.#headKey.length) {
      this.#headKey = Buffer.allocUnsafeSlow((length + headKeyOverhead) * 2);
    }
    writeHeadKey(this.#headKey, generation, this.#options.seed, key, start, length);
    return positionOf(this.#headKey, 0);
  }

  #forget(id: string, page: Page): void {
    if (page.timer !== null) this.#options.timers.clearTimeout(page.timer);
    page.timer = null;
    if (this.#pages.get(id) === page) this.#pages.delete(id);
    if (this.#pages.size === 0) this.#options.onIdle();
  }

  #forgetOld(): void {
    for (const [id, page] of this.#pages) {
      if (this.#pages.size <= pagesMax) return;
      if (page.isReady) this.#forget(id, page);
    }
  }

  /** Nobody will come back. */
  close(): void {
    for (const [id, page] of this.#pages) this.#forget(id, page);
  }
}

function keysOf({ names }: Page): Buffer[] {
  return Array.from(names.keys(), (name) => Buffer.from(name, 'latin1'));
}

/** Reads `count` heads, or fewer where they are large, and all others at the position of the last one. */
async function readHeads(
  page: Page,
  range: OrderedRange,
  count: number,
  collectionBytes: number,
): Promise<void> {
  let left = count;
  let bytes = 0;
  let last = -1;
  for (;;) {
    const entries = await range.next(Math.max(1, Math.min(left, headsPerRead)));
    if (entries.length === 0) return;
    for (const [key, value] of entries) {
      const position = positionOf(key, 0);
      if ((left <= 0 || bytes >= pageBytesMax) && position !== last) {
        page.end(position);
        return;
      }
      page.add(byteStringOf(key, headKeyOverhead, key.length - headKeyOverhead), position);
      last = position;
      left--;
      bytes += value.length;
      if (hasElements(value)) bytes += largeLength(value) || collectionBytes;
    }
  }
}

function pageId({ generation }: Keyspace, cursor: number, count: number): string {
  return `${generation} ${cursor} ${count}`;
}
