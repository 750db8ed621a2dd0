/**
 * The part of a snapshot that is on the disk only: keys that are not in memory, as mutations, without
 * loading them.
 *
 * A key that is in memory when its turn comes is left out, since those in memory are described afterwards;
 * so is one that is known to be absent, whose record is only not removed yet. A key's mutations are all in
 * one batch: its records share a version, and what comes later with the same version is taken as known.
 */
import { valueTypes } from '../collection.js';
import { MutationWriter, mutationKinds } from '../mutation.js';
import { databaseCount } from '../system-database.js';
import { headKeyAt, headKeyOverhead, positionsEnd } from './disk-keys.js';
import { type Head, readHead } from './disk-records.js';
import { inOrder } from './element-order.js';
import type { Keyspace } from './keyspace.js';
import type { Keyspaces } from './keyspaces.js';
import type { Layout } from './layouts/index.js';
import type { Loader } from './loader.js';
import type { OrderedStore } from './ordered-store.js';

const batchBytes = 256 * 1024;
const headsPerRead = 256;

export async function* describeColdKeys(
  store: OrderedStore,
  keyspaces: Keyspaces,
  loader: Loader,
  layouts: readonly Layout[],
): AsyncGenerator<Uint8Array> {
  const description = new ColdDescription(store, keyspaces, loader, layouts);
  for (let index = 0; index < databaseCount; index++) {
    const keyspace = keyspaces.live(index);
    if (keyspace.isComplete) continue;
    const { generation } = keyspace;
    const range = store.range(headKeyAt(generation, 0), headKeyAt(generation, positionsEnd));
    try {
      while (keyspaces.isLive(keyspace)) {
        const entries = await range.next(headsPerRead);
        if (entries.length === 0) break;
        for (const [key, value] of entries) {
          await description.add(keyspace, key, value);
          if (description.length >= batchBytes) yield description.take();
        }
      }
    } finally {
      await range.close();
    }
  }
  if (description.length > 0) yield description.take();
}

class ColdDescription {
  readonly #store: OrderedStore;
  readonly #keyspaces: Keyspaces;
  readonly #loader: Loader;
  readonly #layouts: readonly Layout[];
  readonly #writer = new MutationWriter(batchBytes * 2);

  constructor(store: OrderedStore, keyspaces: Keyspaces, loader: Loader, layouts: readonly Layout[]) {
    this.#store = store;
    this.#keyspaces = keyspaces;
    this.#loader = loader;
    this.#layouts = layouts;
  }

  get length(): number {
    return this.#writer.length;
  }

  take(): Uint8Array {
    return this.#writer.take();
  }

  async add(keyspace: Keyspace, headKey: Uint8Array, value: Uint8Array): Promise<void> {
    const key = headKey.subarray(headKeyOverhead);
    if (!this.#isCold(keyspace, key)) return;
    const head = readHead(headKey, value);
    if (head.type === valueTypes.string) await this.#addString(keyspace, headKey, value, head);
    // Its mutations name the key that it once had: it is described from memory.
    else if (head.isWhole) await this.#loader.load(new Map([[keyspace, [key]]]));
    else await this.#addCollection(keyspace, key, head);
  }

  #isCold(keyspace: Keyspace, key: Uint8Array): boolean {
    return this.#keyspaces.isLive(keyspace) && !this.#loader.isResident(keyspace, key, 0, key.length);
  }

  async #addString(
    keyspace: Keyspace,
    headKey: Uint8Array,
    headValue: Uint8Array,
    head: Head,
  ): Promise<void> {
    const isLarge = head.incarnation !== 0;
    const value = isLarge ? await this.#largeString(keyspace, headKey, headValue, head) : head.content;
    if (value === null) return;
    const key = headKey.subarray(headKeyOverhead);
    const writer = this.#writer;
    writer.begin(mutationKinds.putString, keyspace.database.index, head.version, key, 0, key.length);
    writer.number(head.expiryMs);
    writer.byte(head.form);
    writer.field(value, 0, value.length);
  }

  /** Null when it is cold no longer, or was not meanwhile: it was described as it left memory again. */
  async #largeString(
    keyspace: Keyspace,
    headKey: Uint8Array,
    headValue: Uint8Array,
    head: Head,
  ): Promise<Uint8Array | null> {
    const isCold = (): boolean => this.#isCold(keyspace, headKey.subarray(headKeyOverhead));
    try {
      const value = await this.#loader.elements.string(keyspace, head);
      return isCold() ? value : null;
    } catch (error) {
      // Loaded since its head was read, and changed or removed: its pieces are others by now, or none.
      if (!isCold() || !(await this.#isThere(headKey, headValue))) return null;
      throw error;
    }
  }

  async #isThere(headKey: Uint8Array, headValue: Uint8Array): Promise<boolean> {
    const [value] = await this.#store.getMany([headKey]);
    return value !== undefined && Buffer.compare(value, headValue) === 0;
  }

  async #addCollection(keyspace: Keyspace, key: Uint8Array, head: Head): Promise<void> {
    const { index } = keyspace.database;
    const elements = new MutationWriter(4096);
    const late = new MutationWriter(64);
    const begin = (writer: MutationWriter, kind: number): MutationWriter => {
      writer.begin(kind, index, head.version, key, 0, key.length);
      return writer;
    };
    const output = {
      begin: (kind: number) => begin(elements, kind),
      beginLate: (kind: number) => begin(late, kind),
    };
    for await (const records of this.#loader.elements.elements(head.incarnation)) {
      for (const { element, value } of inOrder(records, head.content)) {
        this.#layouts[head.type].describe(element, value, output);
      }
    }
    // Loaded meanwhile, and then perhaps removed: its elements may have been cleared while they were read.
    if (!this.#isCold(keyspace, key)) return;
    if (head.expiryMs !== 0) begin(late, mutationKinds.setExpiry).number(head.expiryMs);
    this.#writer.copy(elements.bytes, 0, elements.length);
    this.#writer.copy(late.bytes, 0, late.length);
  }
}
