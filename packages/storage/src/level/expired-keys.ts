/**
 * Finds keys that expired while they were on the disk only, by the expiry index. The storage itself asks no
 * clock and removes nothing: it brings the keys into memory, where whoever expires keys finds them.
 */
import { expiryKeyOverhead, headKeyOf, prefixes, prefixKey, readUint32, readUint64 } from './disk-keys.js';
import type { Keyspace } from './keyspace.js';
import type { Keyspaces } from './keyspaces.js';
import type { Loader } from './loader.js';
import type { OrderedStore } from './ordered-store.js';
import { largeLength } from './string-pieces.js';

/** So many keys are loaded together, or fewer where they are large: strings beyond so many bytes, which come as they are. */
const keysPerLoad = 256;
const bytesPerLoad = 4 * 1024 * 1024;
const start = prefixKey(prefixes.expiry);

export class ExpiredKeys {
  readonly #store: OrderedStore;
  readonly #keyspaces: Keyspaces;
  readonly #loader: Loader;
  /** No key that is on the disk only expires before this. */
  #noneBeforeMs = 0;
  #looking: Promise<void> | null = null;
  /**
   * Of what the index has before this entry nothing is on the disk only: it has that until the removals are written, and
   * is not to be read over and over again meanwhile. `#nextMs`: its keys expire then, or before.
   */
  #next: Uint8Array = start;
  #nextMs = Number.NEGATIVE_INFINITY;
  /** The first expiry of the keys that left memory since the index was looked at: it may not have had them yet. */
  #soonestMs = Number.POSITIVE_INFINITY;

  constructor(store: OrderedStore, keyspaces: Keyspaces, loader: Loader) {
    this.#store = store;
    this.#keyspaces = keyspaces;
    this.#loader = loader;
  }

  /** A key leaves memory that expires then. */
  mayExpireAt(expiryMs: number): void {
    if (expiryMs < this.#noneBeforeMs) this.#noneBeforeMs = expiryMs;
    if (expiryMs < this.#soonestMs) this.#soonestMs = expiryMs;
    if (expiryMs <= this.#nextMs) this.#beginAnew();
  }

  /** Null when no key that is on the disk only can have expired, as far as is known without looking. */
  prepare(nowMs: number): Promise<void> | null {
    if (this.#looking !== null) return this.#looking;
    if (nowMs < this.#noneBeforeMs || this.#keyspaces.isComplete) return null;
    this.#looking = this.#look(nowMs).finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(nowMs: number): Promise<void> {
    const due = new Map<Keyspace, Uint8Array[]>();
    this.#soonestMs = Number.POSITIVE_INFINITY;
    const from = this.#next;
    // A clock may go back.
    const untilMs = Math.max(this.#nextMs, nowMs);
    this.#nextMs = untilMs;
    const range = this.#store.range(from, prefixKey(prefixes.expiry + 1));
    let last = from;
    try {
      for (let left = keysPerLoad, bytes = 0; left > 0 && bytes < bytesPerLoad; ) {
        const entries = await range.next(keysPerLoad);
        const sizes = await this.#sizesOf(entries, nowMs);
        let isDone = entries.length === 0;
        if (isDone) this.#noneBeforeMs = this.#soonestMs;
        for (const [i, [entry]] of entries.entries()) {
          if (bytes >= bytesPerLoad) break;
          isDone = this.#isLater(entry, nowMs);
          if (isDone) break;
          last = entry;
          if (!this.#collect(entry, due)) continue;
          left--;
          bytes += sizes[i];
        }
        if (isDone) break;
      }
      // They will be removed, which needs none of their elements.
      await this.#loader.loadHeads(due);
    } catch (error) {
      this.#beginAnew();
      throw error;
    } finally {
      await range.close();
    }
    // Unless one has left memory meanwhile that was passed over because it was there.
    if (this.#nextMs === untilMs) this.#next = last;
  }

  #beginAnew(): void {
    this.#next = start;
    this.#nextMs = Number.NEGATIVE_INFINITY;
  }

  /** What the values of keys that are due take, as far as their heads tell; 0 of the others. */
  async #sizesOf(entries: readonly [Uint8Array, Uint8Array][], nowMs: number): Promise<number[]> {
    const due = entries.filter(([entry]) => readUint64(entry, 1) <= nowMs);
    const heads = await this.#store.getMany(due.map(([entry]) => headKeyOf(entry)));
    return entries.map((_, i) => {
      const head = heads[i];
      return head === undefined ? 0 : head.length + largeLength(head);
    });
  }

  /** Whether an entry, and with it all that follow, is not due yet. */
  #isLater(entry: Uint8Array, nowMs: number): boolean {
    const expiryMs = readUint64(entry, 1);
    if (expiryMs <= nowMs) return false;
    this.#noneBeforeMs = Math.min(expiryMs, this.#soonestMs);
    return true;
  }

  /** Adds the key of an entry that is due to those that are to be loaded, unless it is in memory already. */
  #collect(entry: Uint8Array, due: Map<Keyspace, Uint8Array[]>): boolean {
    const keyspace = this.#keyspaces.byGeneration(readUint32(entry, 9));
    if (keyspace === null) return false;
    const key = entry.subarray(expiryKeyOverhead);
    if (keyspace.isFound(key, 0, key.length)) return false;
    const keys = due.get(keyspace);
    if (keys === undefined) due.set(keyspace, [key]);
    else keys.push(key);
    return true;
  }
}
