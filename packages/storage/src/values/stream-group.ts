/**
 * A consumer group of a stream: how far it has read, its consumers, and what was delivered to them and is not
 * acknowledged yet. Nothing here is journaled: StreamValue does that.
 *
 * Names are byte strings, kept in the order of their bytes: a name is found without being decoded, and lists come
 * out as in Redis.
 */
// @hot-path
import type { Arena, Ref } from '../arena.js';
import {
  createPending,
  freePending,
  pendingConsumer,
  pendingCount,
  pendingTime,
  setPending,
} from './pending-entry.js';
import { PendingIndex } from './pending-index.js';
import { StreamId } from './stream-id.js';

/** `entriesRead` when it is not known. */
export const unknownReads = -1;
/** `activeMs` of a consumer to which nothing was delivered yet. */
export const neverActive = -1;

export interface Named {
  /** A byte string. */
  readonly name: string;
}

export class StreamConsumer implements Named {
  readonly name: string;
  /** By which its pending entries name it: unique in the group while it is there. */
  readonly number: number;
  /** When it asked last, in ms since 1970. */
  seenMs: number;
  /** When something was delivered to it last. */
  activeMs = neverActive;
  readonly pending: PendingIndex;

  constructor(arena: Arena, name: string, number: number, seenMs: number) {
    this.name = name;
    this.number = number;
    this.seenMs = seenMs;
    this.pending = new PendingIndex(arena);
  }
}

export class StreamGroup implements Named {
  readonly name: string;
  /** The last entry that was delivered to some consumer. */
  readonly lastId = new StreamId();
  /** How many of the stream's entries were delivered, of all that were ever added. */
  entriesRead = unknownReads;
  readonly consumers: StreamConsumer[] = [];
  readonly pending: PendingIndex;
  readonly #arena: Arena;
  /** Consumers by their numbers, and the numbers that are free. */
  readonly #numbered: (StreamConsumer | null)[] = [];
  readonly #freeNumbers: number[] = [];

  constructor(arena: Arena, name: string) {
    this.name = name;
    this.pending = new PendingIndex(arena);
    this.#arena = arena;
  }

  consumer(bytes: Uint8Array, start: number, length: number): StreamConsumer | null {
    const at = findName(this.consumers, bytes, start, length);
    return at < 0 ? null : this.consumers[at];
  }

  /** Adds a consumer whose name `consumer` missed. */
  addConsumer(name: string, seenMs: number): StreamConsumer {
    const number = this.#freeNumbers.pop() ?? this.#numbered.length;
    const consumer = new StreamConsumer(this.#arena, name, number, seenMs);
    this.#numbered[number] = consumer;
    insertNamed(this.consumers, consumer);
    return consumer;
  }

  /** Removes a consumer, and all that is pending for it. */
  removeConsumer(consumer: StreamConsumer): void {
    consumer.pending.release(Number.POSITIVE_INFINITY, (ref) => {
      this.pending.remove(ref);
      freePending(this.#arena, ref);
    });
    this.#numbered[consumer.number] = null;
    this.#freeNumbers.push(consumer.number);
    this.consumers.splice(this.consumers.indexOf(consumer), 1);
  }

  // Pending entries: refs that `pending` finds, valid until they are removed

  ownerOf(ref: Ref): StreamConsumer {
    return this.#numbered[pendingConsumer(this.#arena, ref)] as StreamConsumer;
  }

  timeOf(ref: Ref): number {
    return pendingTime(this.#arena, ref);
  }

  countOf(ref: Ref): number {
    return pendingCount(this.#arena, ref);
  }

  /** An entry is pending for a consumer from now on, whoever had it. */
  assign(id: StreamId, consumer: StreamConsumer, timeMs: number, count: number): void {
    const arena = this.#arena;
    let ref = this.pending.find(id);
    if (ref === 0) {
      ref = createPending(arena, id);
      this.pending.add(ref);
      consumer.pending.add(ref);
    } else if (pendingConsumer(arena, ref) !== consumer.number) {
      this.ownerOf(ref).pending.remove(ref);
      consumer.pending.add(ref);
    }
    setPending(arena, ref, consumer.number, timeMs, count);
  }

  /** An entry that `pending` found is pending no more. */
  unassign(ref: Ref): void {
    this.ownerOf(ref).pending.remove(ref);
    this.pending.remove(ref);
    freePending(this.#arena, ref);
  }

  /** Frees about `budget` pending entries; true when none is left. The group is of no use after. */
  release(budget: number): boolean {
    let left = budget;
    for (const { pending } of this.consumers) {
      left -= pending.size;
      if (!pending.release(left + pending.size, null) || left <= 0) return false;
    }
    return this.pending.release(left, (ref) => freePending(this.#arena, ref));
  }
}

/** The position of a name, or, when it is not there, `-1 - position` of where it would be. */
export function findName(sorted: readonly Named[], bytes: Uint8Array, start: number, length: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareName(sorted[middle].name, bytes, start, length);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return -1 - low;
}

/** Adds one whose name is not there yet. */
export function insertNamed<T extends Named>(sorted: T[], added: T): void {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle].name < added.name) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, added);
}

function compareName(name: string, bytes: Uint8Array, start: number, length: number): number {
  const shared = name.length < length ? name.length : length;
  for (let i = 0; i < shared; i++) {
    const difference = name.charCodeAt(i) - bytes[start + i];
    if (difference !== 0) return difference;
  }
  return name.length - length;
}
