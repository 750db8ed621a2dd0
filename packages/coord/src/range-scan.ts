/**
 * Keys of a range, in the order of their bytes, out of an index in the order of their hashes.
 *
 *     pass 1 over the index   keep the first 65,536 keys of the range      -> sorted, read, handed out
 *     pass 2                  the first 65,536 behind the last of pass 1   -> ...     fewer while others scan: ScanRoom
 *
 * A pass takes small steps (KV.SCAN, about a millisecond a turn), and once the heap is full it asks only
 * for keys that could still get in. Memory is bounded by the heap, time is O(keys of the database) a pass.
 * Each entry is one key at one version; a key that is there throughout is returned exactly once.
 */
import { byteStringOf, compareBytes, ErrorReply, KvError, type ReplyValue } from '@holdfast/common';
import type { Caller } from './caller.js';
import { type FoundKey, KeyHeap } from './key-heap.js';
import { type KeyInterval, successorOf } from './key-interval.js';
import type { ScanRoom } from './scan-room.js';

/** Slots of the index looked at by one command, and how long a turn may go on, in ms. */
const pageKeys = 500;
const turnMs = 1;
/** An answer's size: entries, and bytes of keys and values (one entry may be larger). */
const answerEntriesMax = 1000;
const answerBytesMax: number = 256 * 1024;
/** Keys whose values are read by one command: at first, and at most. How many is judged by those before. */
const groupFirst = 8;
const groupMax = 100;

export interface ScanEntry {
  readonly key: Buffer;
  /** One of the storage's `valueTypes`. */
  readonly type: number;
  readonly version: number;
  /** Null for other types than string, and when only keys are wanted. */
  readonly value: Buffer | null;
  /** Null when the key does not expire, and when only keys are wanted. */
  readonly ttlMs: number | null;
}

export interface ScanPage {
  readonly entries: readonly ScanEntry[];
  /** Where a later scan goes on; null at the end of the range. */
  readonly resumeToken: Buffer | null;
}

export interface ScanOptions {
  readonly interval: KeyInterval;
  readonly isReverse: boolean;
  /** Infinity for none. */
  readonly limit: number;
  readonly keysOnly: boolean;
  /** As a page of a scan of the same interval and direction carried it. */
  readonly resumeToken: Uint8Array | null;
}

export interface RangeContext {
  readonly caller: Caller;
  readonly room: ScanRoom;
}

/** Throws KvError INVALID for a foreign token, CLOSED when the caller was closed. */
export async function* scanRange(context: RangeContext, options: ScanOptions): AsyncGenerator<ScanPage> {
  const interval = resumedInterval(options);
  try {
    await context.room.enter();
    yield* scanInterval(context, options, interval);
  } finally {
    context.room.leave();
  }
}

async function* scanInterval(
  context: RangeContext,
  options: ScanOptions,
  first: KeyInterval,
): AsyncGenerator<ScanPage> {
  const { room } = context;
  const { isReverse } = options;
  let interval = first;
  let left = options.limit;
  for (;;) {
    const heap = new KeyHeap(isReverse, Math.min(left, room.keysMax), room.bytesMax);
    await fill(heap, context, interval, isReverse);
    const isLastPass = !heap.hasDropped;
    const keys = heap.drain();
    for (let at = 0; at < keys.length; ) {
      const { entries, next } = await read(context, keys, at, options.keysOnly);
      left -= entries.length;
      at = next;
      const isEnd = isLastPass && at === keys.length;
      if (entries.length > 0 || isEnd) {
        yield { entries, resumeToken: isEnd ? null : tokenOf(bytesOf(keys[at - 1]), isReverse) };
      }
      await room.next();
    }
    if (isLastPass || left <= 0) return;
    interval = behind(interval, bytesOf(keys[keys.length - 1]), isReverse);
  }
}

/** Removes the keys of an interval that are there throughout, in small steps. */
export async function deleteRange(
  context: RangeContext,
  interval: KeyInterval,
): Promise<{ deleted: number; version: number }> {
  let deleted = 0;
  let newest = 0;
  const { room } = context;
  try {
    await room.enter();
    await pass(
      context,
      'KV.DELRANGE',
      () => interval,
      (count, version) => {
        deleted += count as number;
        if (version > newest) newest = version;
      },
    );
  } finally {
    room.leave();
  }
  return { deleted, version: newest };
}

/** Offers every key of an interval to a heap. */
function fill(
  heap: KeyHeap,
  context: RangeContext,
  interval: KeyInterval,
  isReverse: boolean,
): Promise<void> {
  return pass(
    context,
    'KV.SCAN',
    () => (heap.isFull ? before(interval, bytesOf(heap.last), isReverse, heap) : interval),
    (found) => {
      const fields = found as ReplyValue[];
      for (let i = 0; i < fields.length; i += 3) {
        const [type, version, key] = fields.slice(i, i + 3) as [number, number, Buffer];
        heap.offer({ key: byteStringOf(key, 0, key.length), type, version });
      }
    },
  );
}

/** Passes over the whole index with a command that takes a cursor and returns [next cursor, found]. */
async function pass(
  { caller, room }: RangeContext,
  command: string,
  intervalNow: () => KeyInterval,
  found: (value: ReplyValue, version: number) => void,
): Promise<void> {
  let cursor = 0;
  const { clock } = room;
  let turnEndMs = clock.monotonic() + turnMs;
  do {
    const { from, to } = intervalNow();
    const args: (string | Uint8Array)[] = [command, String(cursor), 'COUNT', String(pageKeys)];
    if (from.length > 0) args.push('FROM', from);
    if (to !== null) args.push('TO', to);
    const { value, version } = await caller.run(args);
    if (value instanceof ErrorReply) throw new KvError('COMMAND', value.message, { reply: value.code });
    const [next, page] = value as [number, ReplyValue];
    found(page, version);
    cursor = next;
    if (clock.monotonic() < turnEndMs) continue;
    await room.next();
    turnEndMs = clock.monotonic() + turnMs;
  } while (cursor !== 0);
}

/** Reads keys from `at` on, several at a time, until an answer is full; those that are gone by now are passed over. */
async function read(
  { caller }: RangeContext,
  keys: readonly FoundKey[],
  at: number,
  keysOnly: boolean,
): Promise<{ entries: ScanEntry[]; next: number }> {
  const entries: ScanEntry[] = [];
  let bytes = 0;
  let next = at;
  let size = groupFirst;
  while (next < keys.length && entries.length < answerEntriesMax && bytes < answerBytesMax) {
    const group = keys.slice(next, next + Math.min(size, answerEntriesMax - entries.length));
    const found = keysOnly ? group.map(withoutValue) : await readEntries(caller, group);
    for (const entry of found) {
      const entryBytes = entry === null ? 0 : entry.key.length + (entry.value?.length ?? 0);
      // What does not fit any more is read again for the next answer, and a large one has an answer for itself.
      if (bytes >= answerBytesMax) break;
      if (entries.length > 0 && entryBytes > answerBytesMax) return { entries, next };
      next++;
      if (entry === null) continue;
      entries.push(entry);
      bytes += entryBytes;
    }
    const usual = (bytes + 1) / (entries.length + 1);
    size = Math.max(1, Math.min(groupMax, Math.floor((answerBytesMax - bytes) / usual)));
  }
  return { entries, next };
}

function withoutValue(found: FoundKey): ScanEntry {
  const { type, version } = found;
  return { key: bytesOf(found), type, version, value: null, ttlMs: null };
}

function bytesOf({ key }: FoundKey): Buffer {
  return Buffer.from(key, 'latin1');
}

/** What keys hold, in their order; of large values only that of the first. */
async function readEntries(caller: Caller, found: readonly FoundKey[]): Promise<(ScanEntry | null)[]> {
  const keys = found.map(bytesOf);
  const { value: reply } = await caller.run(['KV.MGET', ...keys]);
  if (!(reply instanceof ErrorReply)) {
    return (reply as ReplyValue[]).map((item, i) => entryOf(keys[i], item));
  }
  // Together they are more than a reply may be.
  if (reply.code === 'LIMIT' && keys.length > 1) return readEntries(caller, found.slice(0, 1));
  throw new KvError('COMMAND', reply.message, { reply: reply.code });
}

/** One item of KV.MGET's reply; null for a key that is not there. */
export function entryOf(key: Buffer, item: ReplyValue): ScanEntry | null {
  if (item === null) return null;
  const [type, version, ttl, value] = item as [number, number, number, Buffer | null];
  return { key, type, version, value, ttlMs: ttl < 0 ? null : ttl };
}

function behind({ from, to }: KeyInterval, last: Uint8Array, isReverse: boolean): KeyInterval {
  return isReverse ? { from, to: last } : { from: successorOf(last), to };
}

/** What could still get into a full heap, whose last key is `last`. */
function before({ from, to }: KeyInterval, last: Buffer, isReverse: boolean, heap: KeyHeap): KeyInterval {
  // Until a key was dropped it is not known whether there are more: the first one behind must be seen.
  if (!heap.hasDropped) return { from, to };
  return isReverse ? { from: successorOf(last), to } : { from, to: last };
}

// The token: format, direction, last key considered.

const tokenFormat = 1;

function tokenOf(key: Buffer, isReverse: boolean): Buffer {
  return Buffer.concat([Buffer.from([tokenFormat, isReverse ? 1 : 0]), key]);
}

function resumedInterval({ interval, isReverse, resumeToken }: ScanOptions): KeyInterval {
  if (resumeToken === null || resumeToken.length === 0) return interval;
  if (resumeToken[0] !== tokenFormat || resumeToken[1] !== (isReverse ? 1 : 0)) {
    throw new KvError('INVALID', 'the resume token belongs to another scan');
  }
  const { from, to } = behind(interval, resumeToken.subarray(2), isReverse);
  // A token of another range must not widen this one.
  if (isReverse) return interval.to !== null && isBefore(interval.to, to!) ? interval : { from, to };
  return isBefore(from, interval.from) ? interval : { from, to };
}

function isBefore(a: Uint8Array, b: Uint8Array): boolean {
  return compareBytes(a, 0, a.length, b, 0, b.length) < 0;
}
