/** Where the elements of a collection are staged: the record of an element has its incarnation and its name as key. */
// @hot-path
import { emptyBytes } from '@holdfast/common';
import { elementKeyOverhead, writeElementKey } from '../disk-keys.js';
import type { Keyspace } from '../keyspace.js';
import type { WriteSet } from '../write-set.js';

export class ElementSink {
  readonly set: WriteSet;
  #incarnation = 0;
  // Whose elements they are.
  #keyspace: Keyspace | null = null;
  #owner: Uint8Array = emptyBytes;
  #ownerStart = 0;
  #ownerLength = 0;
  /** The disk key being built. */
  #key = Buffer.allocUnsafeSlow(1024);

  constructor(set: WriteSet) {
    this.set = set;
  }

  /** What follows belongs to `incarnation`, that of a key. */
  begin(incarnation: number, keyspace: Keyspace, key: Uint8Array, start: number, length: number): this {
    this.#incarnation = incarnation;
    this.#keyspace = keyspace;
    this.#owner = key;
    this.#ownerStart = start;
    this.#ownerLength = length;
    return this;
  }

  /** An element gets a value of `length` bytes: the caller writes it to `set.bytes` at `set.at`. */
  put(element: Uint8Array, start: number, elementLength: number, length: number): void {
    const keyBytes = this.#writeKey(element, start, elementLength);
    this.set.put(this.#key, keyBytes, length);
  }

  delete(element: Uint8Array, start: number, elementLength: number): void {
    const keyBytes = this.#writeKey(element, start, elementLength);
    this.set.delete(this.#key, keyBytes);
  }

  /** An element changed, and what it is will be read from memory when the set is frozen. */
  restate(element: Uint8Array, start: number, elementLength: number): void {
    const keyBytes = this.#writeKey(element, start, elementLength);
    if (!this.set.restate(this.#key, keyBytes)) return;
    const incarnation = this.#incarnation;
    const { owners, restatedElements } = this.set;
    const owned = Buffer.from(element.subarray(start, start + elementLength));
    restatedElements.push({ incarnation, element: owned });
    if (owners.has(incarnation)) return;
    const key = Buffer.from(this.#owner.subarray(this.#ownerStart, this.#ownerStart + this.#ownerLength));
    owners.set(incarnation, { keyspace: this.#keyspace as Keyspace, key });
  }

  /** Whether an element still waits for being read. */
  isRestated(element: Uint8Array): boolean {
    const keyBytes = this.#writeKey(element, 0, element.length);
    return this.set.isRestated(this.#key, keyBytes);
  }

  #writeKey(element: Uint8Array, start: number, length: number): number {
    const total = elementKeyOverhead + length;
    if (total > this.#key.length) this.#key = Buffer.allocUnsafeSlow(total * 2);
    return writeElementKey(this.#key, this.#incarnation, element, start, length);
  }
}
