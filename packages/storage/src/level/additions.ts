/** What the disk's records of a collection's elements come to: mutations that add them. */
import type { Collection } from '../collection.js';
import { MutationReader, MutationWriter } from '../mutation.js';
import type { MutationOutput } from './layouts/index.js';

const noKey = new Uint8Array(0);

/** Mutations of one collection: the key that they name does not matter. */
export class Additions implements MutationOutput {
  readonly #now = new MutationWriter(4096);
  readonly #late = new MutationWriter(64);

  /** Whether there are some that come after all others. */
  get hasLate(): boolean {
    return this.#late.length > 0;
  }

  begin(kind: number): MutationWriter {
    this.#now.begin(kind, 0, 0, noKey, 0, 0);
    return this.#now;
  }

  beginLate(kind: number): MutationWriter {
    this.#late.begin(kind, 0, 0, noKey, 0, 0);
    return this.#late;
  }

  /** Adds what was described since the last time, but for what comes late. */
  addNow(collection: Collection): void {
    addTo(collection, contentOf(this.#now));
    this.#now.clear();
  }

  addLate(collection: Collection): void {
    addTo(collection, contentOf(this.#late));
  }
}

/** Adds what mutations describe. It is no change: without a key a collection tells nobody. */
export function addTo(collection: Collection, mutations: Uint8Array): void {
  const { ref } = collection;
  collection.ref = 0;
  const reader = new MutationReader(mutations);
  while (reader.next()) collection.apply(reader);
  collection.ref = ref;
}

function contentOf({ bytes, length }: MutationWriter): Uint8Array {
  return bytes.subarray(0, length);
}
