/**
 * The keys of a database as records in its dict: what is the same for all of them, whatever their values. Every change
 * goes through here: it stamps its key with the version of the current write, tells the observer and, when changes are
 * journaled, begins the mutation that its caller then fills.
 */
// @hot-path
import { Arena, type Ref } from './arena.js';
import { Collection } from './collection.js';
import type { DatabaseContext } from './database-context.js';
import { Dict } from './dict.js';
import { Expiries } from './expiries.js';
import { ExpiringCollections } from './expiring-collections.js';
import type { LargeString } from './large-string.js';
import type { MutationWriter } from './mutation.js';
import { hasObject } from './records.js';

/**
 * A small first chunk: each flush takes a new one, and the runtime collects its whole heap for each 64 MiB that are
 * taken. Emptying a small database took 35 to 100 ms with a first chunk of that size, and takes 1 to 3 ms so, on a busy
 * machine.
 */
const firstChunkBytes = 1 << 22;

/** A collection with at most this many elements is freed at once when its key goes. */
const releaseAtOnce = 64;

/** See `Expiries`. */
const invalidExpiriesMax = 1024;

/** What a collection takes on the heap beside the arena, about: as measured of small hashes. */
export const collectionBytes = 180;

export abstract class Keyspace {
  /** 0 to 15; SWAPDB changes it. */
  index: number;
  readonly context: DatabaseContext;
  arena!: Arena;
  dict!: Dict;
  /** Which keys expire, and when. A change of a key tells it, nobody else. */
  expiries!: Expiries;
  /** Collections with elements that expire one by one. */
  expiringCollections!: ExpiringCollections;

  constructor(index: number, context: DatabaseContext) {
    this.index = index;
    this.context = context;
    this.reset();
  }

  get journal(): MutationWriter | null {
    return this.context.journal;
  }

  /** Bytes taken by keys and values, and by what finds them. */
  get usedBytes(): number {
    return this.arena.usedBytes + this.expiries.bytes;
  }

  /** Number of keys, those that have expired but were not yet removed among them. */
  get size(): number {
    return this.dict.size;
  }

  /** The record of a key, 0 when there is none. */
  find(bytes: Uint8Array, start: number, length: number): Ref {
    return this.dict.find(bytes, start, length);
  }

  /** One of `valueTypes`. */
  type(ref: Ref): number {
    return this.dict.type(ref);
  }

  version(ref: Ref): number {
    return this.dict.stamp(ref);
  }

  /** Ms since 1970; 0 when the key does not expire. */
  expiry(ref: Ref): number {
    return this.dict.expiry(ref);
  }

  /** The collection of a key that is not a string. */
  collection(ref: Ref): Collection {
    return this.arena.object(this.dict.object(ref)) as Collection;
  }

  /** Stamps a key as changed by the current write, and tells nobody. */
  stamp(ref: Ref): void {
    this.dict.setStamp(ref, this.context.stamp.current());
  }

  /** Stamps a key as changed by the current write, and tells the observer. */
  touch(ref: Ref): void {
    this.stamp(ref);
    if (this.context.observer !== null) this.observe(ref);
  }

  /** Tells those who wait for a key, and nobody else, that they have to look again. */
  signal(ref: Ref): void {
    const { dict, arena, context } = this;
    context.observer?.ready(this, arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
  }

  /** A write has left a key as absent as it was: those who watch or keep it are told all the same. */
  tellAbsent(bytes: Uint8Array, start: number, length: number): void {
    this.context.observer?.changed(this, bytes, start, length);
  }

  /** As new, without any key. */
  protected reset(): void {
    this.arena = new Arena(this.context.firstChunkBytes ?? firstChunkBytes);
    this.dict = new Dict(this.arena, this.context.seed);
    if (this.context.tracksAccess) this.dict.trackAccess(true);
    this.expiries = new Expiries(this.dict, invalidExpiriesMax);
    this.expiringCollections = new ExpiringCollections();
  }

  protected shapeExpiry(ref: Ref, expiryMs: number): Ref {
    const record = this.expiries.set(ref, expiryMs);
    if (record !== ref) this.#tellCollection(record);
    return record;
  }

  /** A record has a new ref: its collection and the expiries must know. */
  protected moved(ref: Ref): void {
    if (this.dict.expiry(ref) !== 0) this.expiries.moved(ref);
    this.#tellCollection(ref);
  }

  #tellCollection(ref: Ref): void {
    const dict = this.dict;
    if ((dict.typeAndFlags(ref) & hasObject) === 0) return;
    const object = this.arena.object(dict.object(ref));
    if (object instanceof Collection) object.ref = ref;
  }

  protected disposeValue(ref: Ref): void {
    const dict = this.dict;
    if ((dict.typeAndFlags(ref) & hasObject) === 0) return;
    const number = dict.object(ref);
    const object = this.arena.object(number);
    this.arena.detach(number);
    if (!(object instanceof Collection)) {
      this.arena.usedBytes -= (object as LargeString).usedBytes;
      return;
    }
    object.ref = 0;
    this.arena.usedBytes -= collectionBytes;
    if (object.size > releaseAtOnce || !object.release(releaseAtOnce * 2)) this.context.released.push(object);
  }

  protected begin(kind: number, ref: Ref, writer: MutationWriter = this.context.journal!): void {
    const { dict, arena } = this;
    const start = dict.keyStart(ref);
    writer.begin(kind, this.index, dict.stamp(ref), arena.chunk(ref), start, dict.keyLength(ref));
  }

  protected observe(ref: Ref): void {
    const { dict, arena, context } = this;
    if (context.observer === null) return;
    context.observer.changed(this, arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
  }
}
