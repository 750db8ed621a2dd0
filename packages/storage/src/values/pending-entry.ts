/**
 * An entry of a stream that was delivered to a consumer and is not acknowledged: a block of 32 bytes.
 *
 *     words 0-3  id
 *     word 4     low half of the time of delivery, ms since 1970
 *     word 5     | high half of the time 16 | high half of the count 16 |
 *     word 6     low half of how often it was delivered
 *     word 7     number of the consumer in its group
 *
 * Time and count have 48 bits each; greater ones become the greatest.
 */
// @hot-path
import { type Arena, type Ref, sizeClassOf } from '../arena.js';
import { compareWords, type StreamId } from './stream-id.js';

const entryClass = sizeClassOf(4);
const wordSize = 2 ** 32;
export const pendingNumberMax: number = 2 ** 48 - 1;

export function createPending(arena: Arena, id: StreamId): Ref {
  const ref = arena.allocate(entryClass);
  const words = arena.wordsOf(ref);
  const at = arena.offset(ref) >>> 2;
  id.writeWords(words, at);
  return ref;
}

export function freePending(arena: Arena, ref: Ref): void {
  arena.free(ref, entryClass);
}

export function comparePending(arena: Arena, ref: Ref, id: StreamId): number {
  return compareWords(arena.wordsOf(ref), arena.offset(ref) >>> 2, id);
}

export function readPendingId(arena: Arena, ref: Ref, into: StreamId): StreamId {
  return into.readWords(arena.wordsOf(ref), arena.offset(ref) >>> 2);
}

/** When it was delivered last, in ms since 1970. */
export function pendingTime(arena: Arena, ref: Ref): number {
  const words = arena.wordsOf(ref);
  const at = arena.offset(ref) >>> 2;
  return (words[at + 5] & 0xffff) * wordSize + (words[at + 4] >>> 0);
}

/** How often it was delivered. */
export function pendingCount(arena: Arena, ref: Ref): number {
  const words = arena.wordsOf(ref);
  const at = arena.offset(ref) >>> 2;
  return (words[at + 5] >>> 16) * wordSize + (words[at + 6] >>> 0);
}

export function pendingConsumer(arena: Arena, ref: Ref): number {
  return arena.wordsOf(ref)[(arena.offset(ref) >>> 2) + 7];
}

export function setPending(arena: Arena, ref: Ref, consumer: number, timeMs: number, count: number): void {
  const words = arena.wordsOf(ref);
  const at = arena.offset(ref) >>> 2;
  const time = clamp(timeMs);
  const times = clamp(count);
  words[at + 4] = time;
  words[at + 5] = Math.floor(time / wordSize) | (Math.floor(times / wordSize) << 16);
  words[at + 6] = times;
  words[at + 7] = consumer;
}

function clamp(n: number): number {
  if (n < 0) return 0;
  return n > pendingNumberMax ? pendingNumberMax : n;
}
