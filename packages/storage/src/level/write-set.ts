/**
 * What some batches changed on the disk, one operation for each key of the disk: a later operation
 * replaces an earlier one. It is filled by the Stager, frozen when the writer gets to it, and then written
 * as one LevelDB batch.
 *
 * The operations are records of a Dict in an arena, outside the JavaScript heap: the key is the disk's
 * key, the value its value, room for the checksum included. Large ones have a buffer of their own.
 *
 * `restate`: the key's head changed, and what it is will be read from memory when the set is frozen. That
 * spares copying the value of a key over and over again when it is changed little by little.
 */
// @hot-path
import { byteStringOf, copyBytes, emptyBytes } from '@holdfast/common';
import type { Arena, Ref } from '../arena.js';
import { Dict } from '../dict.js';
import { hasObject } from '../records.js';
import { prefixes, readUint64 } from './disk-keys.js';
import { checksumBytes, seal } from './disk-records.js';
import type { Keyspace } from './keyspace.js';
import type { OrderedBatch } from './ordered-store.js';

const operations = { put: 1, delete: 2, restate: 3 } as const;

/** Values from here on have a buffer of their own. */
const largeValueBytes = 64 * 1024;
/** Keys from here on do not fit a Dict's records well. */
const longKeyBytes = 64 * 1024;

/** Places for records at first: it doubles. */
const orderLengthMin = 4096;

class Large {
  readonly bytes: Buffer;

  constructor(length: number) {
    this.bytes = Buffer.allocUnsafeSlow(length);
  }
}

class LongOperation {
  readonly key: Buffer;
  operation: number = operations.delete;
  value: Buffer = emptyBytes;

  constructor(key: Buffer) {
    this.key = key;
  }
}

/** A head to be read from memory when the set is frozen. */
export interface Restated {
  readonly keyspace: Keyspace;
  readonly key: Buffer;
}

/** An element of a collection, to be read from memory when the set is frozen: from that which has the incarnation then. */
export interface RestatedElement {
  readonly incarnation: number;
  readonly element: Buffer;
}

/** What of a set is written: the pieces that are `unseen`, all others, or both. */
export type SetPart = 'unseen' | 'seen' | 'all';

export class WriteSet {
  readonly sequence: number;
  /** Incarnations from here on were born in this set: what the disk never saw needs no clearing. */
  readonly firstIncarnation: number;
  readonly #arena: Arena;
  readonly #dict: Dict;
  /** The records in the order of their creation, in which they mostly lie in the arena; the stamp of each is its place here. */
  #order = new Int32Array(orderLengthMin);
  /** The next one for `writeSome`, and of which. */
  #at = 0;
  #part: SetPart = 'all';
  readonly #long = new Map<string, LongOperation>();
  readonly #largeBytes = { total: 0 };
  /** Heads to be read from memory, in the order of their first change. */
  restated: Restated[] = [];
  restatedElements: RestatedElement[] = [];
  /** Of the strings that will be read from memory, in bytes: the largest, and all others. */
  #restatedMax = 0;
  #restatedBytes = 0;
  /** The keys that have the incarnations of those elements. */
  readonly owners = new Map<number, Restated>();
  /** Incarnations whose elements will all be read from memory. */
  readonly renewed = new Set<number>();
  /** Incarnations born in this set that are gone again: their elements are not written. */
  readonly #stillborn = new Set<number>();
  /** Those of large strings that were born in this set: nothing tells of their pieces before it is written. */
  readonly unseen = new Set<number>();
  unseenBytes = 0;
  /** Orphans and generations to be cleared once this set is written. */
  readonly orphans: number[] = [];
  readonly deadGenerations: number[] = [];
  /** Number of the last batch in it; 0 while it is empty. */
  lastBatch = 0;
  /** Of the changes in it: a key with a lower version has none. */
  lowestVersion = Number.POSITIVE_INFINITY;
  /** Where `put` wants the body: `bytes[at, at + bodyLength)`. */
  bytes: Uint8Array = emptyBytes;
  at = 0;

  /** `arena` is its own until the set is written, and shared with the thread that writes. */
  constructor(sequence: number, firstIncarnation: number, arena: Arena, seed: number) {
    this.sequence = sequence;
    this.firstIncarnation = firstIncarnation;
    this.#arena = arena;
    this.#dict = new Dict(arena, seed);
  }

  get isEmpty(): boolean {
    return this.lastBatch === 0;
  }

  /** Number of operations. */
  get size(): number {
    return this.#dict.size + this.#long.size;
  }

  get usedBytes(): number {
    return this.#arena.usedBytes + this.#largeBytes.total;
  }

  /** What of that is in the arena. */
  get arenaBytes(): number {
    return this.#arena.usedBytes;
  }

  /** What it will have more than `usedBytes` when it is frozen, but for one string: that is written now or later. */
  get restatedBytes(): number {
    return this.#restatedBytes;
  }

  /** A string of so many bytes will be read from memory. */
  expect(bytes: number): void {
    this.#restatedBytes += Math.min(bytes, this.#restatedMax);
    this.#restatedMax = Math.max(bytes, this.#restatedMax);
  }

  /** What was to be read from memory is there. */
  restatedAll(): void {
    this.restated = [];
    this.restatedElements = [];
    this.owners.clear();
    this.#restatedMax = 0;
    this.#restatedBytes = 0;
  }

  /** `key[0, keyLength)` gets a value with a body of `bodyLength` bytes: the caller writes it, see `bytes`. */
  put(key: Uint8Array, keyLength: number, bodyLength: number): void {
    const length = checksumBytes + bodyLength;
    if (keyLength >= longKeyBytes) {
      const long = this.#shapeLong(key, keyLength, operations.put);
      long.value = Buffer.allocUnsafeSlow(length);
      this.#largeBytes.total += length;
      this.bytes = long.value;
      this.at = checksumBytes;
      return;
    }
    if (length >= largeValueBytes) {
      const large = new Large(length);
      const ref = this.#shape(key, keyLength, 0, (operations.put << 24) | hasObject);
      this.#dict.setObject(ref, this.#arena.attach(large));
      this.#largeBytes.total += length;
      this.bytes = large.bytes;
      this.at = checksumBytes;
      return;
    }
    const ref = this.#shape(key, keyLength, length, operations.put << 24);
    this.bytes = this.#arena.chunk(ref);
    this.at = this.#dict.valueStart(ref) + checksumBytes;
  }

  delete(key: Uint8Array, keyLength: number): void {
    if (keyLength >= longKeyBytes) this.#shapeLong(key, keyLength, operations.delete);
    else this.#shape(key, keyLength, 0, operations.delete << 24);
  }

  /** The head under `key` will be read from memory; whether that was not planned yet. */
  restate(key: Uint8Array, keyLength: number): boolean {
    if (keyLength >= longKeyBytes) {
      if (this.#isRestatedLong(key, keyLength)) return false;
      this.#shapeLong(key, keyLength, operations.restate);
      return true;
    }
    const ref = this.#dict.find(key, 0, keyLength);
    if (ref !== 0 && this.#dict.type(ref) === operations.restate) return false;
    this.#shape(key, keyLength, 0, operations.restate << 24);
    return true;
  }

  /** Whether the head under `key` still waits for being read: nothing later replaced or removed it. */
  isRestated(key: Uint8Array, keyLength: number): boolean {
    if (keyLength >= longKeyBytes) return this.#isRestatedLong(key, keyLength);
    const ref = this.#dict.find(key, 0, keyLength);
    return ref !== 0 && this.#dict.type(ref) === operations.restate;
  }

  /** Whether it has anything to be done to the disk's `key[0, keyLength)`. */
  has(key: Uint8Array, keyLength: number): boolean {
    if (keyLength >= longKeyBytes) return this.#long.has(byteStringOf(key, 0, keyLength));
    return this.#dict.find(key, 0, keyLength) !== 0;
  }

  /** An incarnation has another key than before. */
  moveOwner(incarnation: number, owner: Restated): void {
    if (this.owners.has(incarnation)) this.owners.set(incarnation, owner);
  }

  /** An incarnation has lost its key; whether its elements may be on the disk. */
  drop(incarnation: number): boolean {
    if (incarnation < this.firstIncarnation) return true;
    this.#stillborn.add(incarnation);
    return false;
  }

  /** Calls `visit` with each key that is put or restated and begins with `prefix`. The set must not be changed meanwhile. */
  forEachPut(prefix: Uint8Array, visit: (bytes: Uint8Array, start: number, length: number) => void): void {
    const dict = this.#dict;
    dict.forEach((ref) => {
      const start = dict.keyStart(ref);
      const chunk = this.#arena.chunk(ref);
      if (dict.type(ref) === operations.delete || !beginsWith(chunk, start, prefix)) return;
      visit(chunk, start, dict.keyLength(ref));
    });
    for (const { key, operation } of this.#long.values()) {
      if (operation !== operations.delete && beginsWith(key, 0, prefix)) visit(key, 0, key.length);
    }
  }

  /** Goes back to the first operation of a part, for `writeSome`: nothing is used up. */
  rewind(part: SetPart): void {
    this.#at = 0;
    this.#part = part;
  }

  /**
   * Adds the next operations of the part to a batch, at most `count` of those that lie in the arena, and no more once their
   * values have `bytesMax` bytes; whether there are more. The set must not be changed until the batch is written. They come as
   * they lie in memory, which is brought near ahead of them.
   */
  writeSome(batch: OrderedBatch, count: number, bytesMax: number): boolean {
    for (let i = 0, bytes = 0; i < count && bytes < bytesMax; i++) {
      if (this.#at === this.#dict.size) {
        if (this.#part !== 'unseen') this.#writeLong(batch);
        return false;
      }
      bytes += this.#writeOperation(batch, this.#order[this.#at++]);
    }
    return true;
  }

  #writeLong(batch: OrderedBatch): void {
    for (const { key, operation, value } of this.#long.values()) {
      if (operation !== operations.put) batch.delete(key);
      else if (!this.#isStillborn(key, 0)) {
        seal(key, 0, key.length, value, 0, value.length);
        batch.put(key, value);
      }
    }
  }

  /** The set is on the disk: gives the arena back. It can't be used any more. */
  retire(): Arena {
    this.#long.clear();
    this.#arena.reset();
    return this.#arena;
  }

  /** Returns the bytes of its value. */
  #writeOperation(batch: OrderedBatch, ref: Ref): number {
    const dict = this.#dict;
    const chunk = this.#arena.chunk(ref);
    const start = dict.keyStart(ref);
    const end = start + dict.keyLength(ref);
    if (this.#stillborn.size > 0 && this.#isStillborn(chunk, start)) return 0;
    if (this.#part !== 'all' && this.#isUnseen(chunk, start) !== (this.#part === 'unseen')) return 0;
    if (dict.type(ref) !== operations.put) {
      batch.delete(chunk.subarray(start, end));
      return 0;
    }
    if ((dict.typeAndFlags(ref) & hasObject) !== 0) {
      const { bytes } = this.#arena.object(dict.object(ref)) as Large;
      seal(chunk, start, end, bytes, 0, bytes.length);
      batch.put(chunk.subarray(start, end), bytes);
      return bytes.length;
    }
    const length = dict.valueLength(ref);
    seal(chunk, start, end, chunk, end, end + length);
    batch.putRecord(this.#arena.wordsOf(ref), start >>> 2, end - start, length);
    return length;
  }

  #isUnseen(key: Uint8Array, start: number): boolean {
    return key[start] === prefixes.element && this.unseen.has(readUint64(key, start + 1));
  }

  #isStillborn(key: Uint8Array, start: number): boolean {
    return key[start] === prefixes.element && this.#stillborn.has(readUint64(key, start + 1));
  }

  #shape(key: Uint8Array, keyLength: number, valueLength: number, head: number): Ref {
    const dict = this.#dict;
    const ref = dict.find(key, 0, keyLength);
    if (ref === 0) return this.#added(dict.create(key, 0, keyLength, valueLength, head));
    if ((dict.typeAndFlags(ref) & hasObject) !== 0) {
      const number = dict.object(ref);
      this.#largeBytes.total -= (this.#arena.object(number) as Large).bytes.length;
      this.#arena.detach(number);
    }
    const record = dict.replace(ref, valueLength, head, false);
    if (record !== ref) this.#order[dict.stamp(record)] = record;
    return record;
  }

  #added(ref: Ref): Ref {
    const place = this.#dict.size - 1;
    if (place === this.#order.length) {
      const doubled = new Int32Array(place * 2);
      doubled.set(this.#order);
      this.#order = doubled;
    }
    this.#order[place] = ref;
    this.#dict.setStamp(ref, place);
    return ref;
  }

  #shapeLong(key: Uint8Array, keyLength: number, operation: number): LongOperation {
    const name = byteStringOf(key, 0, keyLength);
    let long = this.#long.get(name);
    if (long === undefined) {
      const owned = Buffer.allocUnsafeSlow(keyLength);
      copyBytes(key, 0, owned, 0, keyLength);
      this.#long.set(name, (long = new LongOperation(owned)));
      this.#largeBytes.total += keyLength;
    }
    this.#largeBytes.total -= long.value.length;
    long.value = emptyBytes;
    long.operation = operation;
    return long;
  }

  #isRestatedLong(key: Uint8Array, keyLength: number): boolean {
    return this.#long.get(byteStringOf(key, 0, keyLength))?.operation === operations.restate;
  }
}

function beginsWith(bytes: Uint8Array, start: number, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
  return true;
}
