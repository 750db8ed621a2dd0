/**
 * Puts elements from the disk into collections, and pieces into strings: all of them, a piece at a time, or one by one into a
 * collection that is in memory in part (`PartialElements`). What is there already is newer, and stays.
 */
import { KvError } from '@holdfast/common';
import type { Collection } from '../collection.js';
import { allocateLarge } from '../large-string.js';
import { Additions } from './additions.js';
import { elementKeyOverhead, numberKey64, prefixes } from './disk-keys.js';
import { checksumBytes, type Head, verify } from './disk-records.js';
import { ElementOrder } from './element-order.js';
import type { Keyspace } from './keyspace.js';
import type { Keyspaces } from './keyspaces.js';
import type { Layout, MutationOutput } from './layouts/index.js';
import type { OrderedStore } from './ordered-store.js';
import { PieceOrder } from './string-pieces.js';

/** Elements are read and added this many at a time: about a millisecond. */
const elementsPerTurn = 1000;

export interface ElementRecord {
  readonly element: Uint8Array;
  readonly value: Uint8Array;
}

export class ElementLoader {
  readonly #store: OrderedStore;
  readonly #keyspaces: Keyspaces;
  readonly #layouts: readonly Layout[];
  readonly #order = new ElementOrder();

  constructor(store: OrderedStore, keyspaces: Keyspaces, layouts: readonly Layout[]) {
    this.#store = store;
    this.#keyspaces = keyspaces;
    this.#layouts = layouts;
  }

  /** The element records of a collection, a piece at a time, each checked. */
  async *elements(incarnation: number): AsyncGenerator<ElementRecord[]> {
    const { element } = prefixes;
    const range = this.#store.range(numberKey64(element, incarnation), numberKey64(element, incarnation + 1));
    try {
      for (;;) {
        const entries = await range.next(elementsPerTurn);
        if (entries.length === 0) return;
        yield entries.map(([key, value]) => {
          verify(key, value);
          return { element: key.subarray(elementKeyOverhead), value: value.subarray(checksumBytes) };
        });
      }
    } finally {
      await range.close();
    }
  }

  /** A large string, put together from its pieces; null when its keyspace ended meanwhile. Throws KvError CORRUPT, LIMIT. */
  async string(keyspace: Keyspace, { content, incarnation }: Head): Promise<Buffer | null> {
    const order = new PieceOrder(content);
    const bytes = allocateLarge(order.length);
    for await (const pieces of this.elements(incarnation)) {
      if (!this.#keyspaces.isLive(keyspace)) return null;
      for (const { element, value } of pieces) {
        const { end } = order;
        if (order.take(element, value)) bytes.set(value, end);
      }
    }
    if (!this.#keyspaces.isLive(keyspace)) return null;
    order.finish();
    return bytes;
  }

  /**
   * Adds all elements to a collection: to one without a key, or to one that is in memory in part, which then is whole.
   * `order` is what the head says of it. False when its keyspace or its key ended meanwhile.
   */
  async fill(
    keyspace: Keyspace,
    collection: Collection,
    incarnation: number,
    order: Uint8Array,
  ): Promise<boolean> {
    const { partial } = collection;
    const additions = new Additions();
    let count = 0;
    for await (const entries of this.elements(incarnation)) {
      count += entries.length;
      if (!this.#isAwaited(keyspace, collection)) return false;
      for (const { element, value } of entries) this.#describe(collection, element, value, additions);
      additions.addNow(collection);
      // An element that is to expire may not be overwritten by who does not know that it is.
      if (partial !== null && additions.hasLate) partial.mustBeWhole = true;
    }
    if (!this.#isAwaited(keyspace, collection)) return false;
    if (count === 0 && collection.size === 0) throw withoutElements();
    additions.addLate(collection);
    if (order.length > 0)
      this.#order.arrange(collection, this.#layouts[collection.type].table(collection), order);
    collection.partial = null;
    return true;
  }

  /** The disk's record of an element of a collection that was in memory in part when it was asked for. */
  arrived(keyspace: Keyspace, collection: Collection, record: Buffer, value: Uint8Array | undefined): void {
    const { partial } = collection;
    if (partial === null || !this.#isAwaited(keyspace, collection)) return;
    const element = record.subarray(elementKeyOverhead);
    if (value === undefined) {
      partial.absent.add(element.toString('latin1'));
      return;
    }
    verify(record, value);
    const additions = new Additions();
    this.#describe(collection, element, value.subarray(checksumBytes), additions);
    if (additions.hasLate) partial.mustBeWhole = true;
    else additions.addNow(collection);
  }

  #describe(collection: Collection, element: Uint8Array, value: Uint8Array, output: MutationOutput): void {
    const layout = this.#layouts[collection.type];
    if (collection.partial !== null && layout.holds(collection, element, 0, element.length)) return;
    layout.describe(element, value, output);
  }

  #isAwaited(keyspace: Keyspace, collection: Collection): boolean {
    return this.#keyspaces.isLive(keyspace) && (collection.partial === null || collection.ref !== 0);
  }
}

export function withoutElements(): KvError {
  return new KvError(
    'CORRUPT',
    'a collection on the disk has lost its elements: restore the directory from a backup.',
  );
}
