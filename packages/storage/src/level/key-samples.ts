/**
 * Keys of a keyspace that is not all in memory, chosen at random: a page of a scan that begins anywhere.
 *
 *     | slot 7  k k k k k |             | slot 9  k k k k k k k k k |
 *                              1 -----> |             2 [ page ]            1: any position, 2: any hash of the slot that follows it
 *
 * Keys of a few hash tags lie in a few slots, and between these is nothing: so the slot is found first. Of the keys of a page
 * one at least has not expired; where none has, the next page is taken, as long as there is another one.
 */
import type { Clock, Random, Timers } from '@holdfast/common';
import { headKeyAt, positionOf, positionsEnd, positionsPerSlot } from './disk-keys.js';
import type { Keyspace } from './keyspace.js';
import type { OrderedStore } from './ordered-store.js';
import { diskCursor, type ScanPages } from './scan-pages.js';

/** Each of them is loaded. */
const keysPerSample = 8;

export interface KeySamplesOptions {
  readonly store: OrderedStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly pages: ScanPages;
}

export class KeySamples {
  readonly #options: KeySamplesOptions;
  readonly #searches = new WeakMap<Keyspace, Promise<void>>();
  /** Of the page that was found. It serves whoever asks in one turn. */
  readonly #cursors = new WeakMap<Keyspace, number>();

  constructor(options: KeySamplesOptions) {
    this.#options = options;
  }

  /** Null when a page is there. */
  prepare(keyspace: Keyspace): Promise<void> | null {
    const cursor = this.#cursors.get(keyspace);
    if (cursor !== undefined) return this.#options.pages.prepare(keyspace, cursor, keysPerSample, 'keys');
    const known = this.#searches.get(keyspace);
    if (known !== undefined) return known;
    const searching = this.#search(keyspace).finally(() => this.#searches.delete(keyspace));
    this.#searches.set(keyspace, searching);
    return searching;
  }

  /** Visits the keys of the page that was prepared. */
  take(keyspace: Keyspace, visit: (ref: number) => void): void {
    const { pages, timers } = this.#options;
    const cursor = this.#cursors.get(keyspace);
    if (cursor === undefined) return;
    timers.setImmediate(() => this.#cursors.delete(keyspace));
    pages.take(keyspace, cursor, keysPerSample, null, visit);
  }

  async #search(keyspace: Keyspace): Promise<void> {
    const { pages } = this.#options;
    const start = diskCursor + (await this.#anywhere(keyspace));
    let cursor = start;
    for (let hasWrapped = false; ; ) {
      await pages.prepare(keyspace, cursor, keysPerSample, 'keys');
      let isLive = false;
      const next = pages.look(keyspace, cursor, keysPerSample, (ref) => {
        isLive ||= this.#isLive(keyspace, ref);
      });
      if (isLive || (hasWrapped && (next === 0 || next > start))) break;
      hasWrapped ||= next === 0;
      cursor = next === 0 ? diskCursor : next;
    }
    this.#cursors.set(keyspace, cursor);
  }

  async #anywhere(keyspace: Keyspace): Promise<number> {
    const { random } = this.#options;
    const position = (random.uint32() / 2 ** 32) * positionsEnd;
    const found = (await this.#firstFrom(keyspace, position)) ?? (await this.#firstFrom(keyspace, 0)) ?? 0;
    return found - (found % positionsPerSlot) + random.uint32();
  }

  async #firstFrom({ generation }: Keyspace, position: number): Promise<number | null> {
    const from = headKeyAt(generation, Math.floor(position));
    const range = this.#options.store.range(from, headKeyAt(generation, positionsEnd));
    try {
      const [entry] = await range.next(1);
      return entry === undefined ? null : positionOf(entry[0], 0);
    } finally {
      await range.close();
    }
  }

  #isLive({ database }: Keyspace, ref: number): boolean {
    const expiryMs = database.expiry(ref);
    return expiryMs === 0 || expiryMs > this.#options.clock.now();
  }
}
