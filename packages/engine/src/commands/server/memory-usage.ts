/** How many bytes a key takes, estimated from some of its elements. */
import { DoubleReply, MapReply, type ReplyValue, SetReply } from '@holdfast/common';
import { type Ref, valueTypes } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { read } from './subcall.js';

/** A record's head and what an index spends on its slot. */
const recordBytes = 40;
/** What an element takes beside its bytes: in a block with others, and in a table of its own. */
const packedElementBytes = 4;
const tableElementBytes = 32;
const doubleBytes = 8;
/** So many elements are looked at at once. */
const pageLength = 10_000;

const packedEncodings: ReadonlySet<string> = new Set(['listpack', 'listpackex', 'quicklist', 'intset']);

/** `samples` elements are looked at, all of them with 0. `ref` is the record of the key at argument `i`. */
export function memoryUsage(ctx: Context, i: number, ref: Ref, samples: number): number {
  const { db, request } = ctx;
  const keyBytes = recordBytes + request.length(i);
  if (db.type(ref) === valueTypes.string) return keyBytes + db.stringLength(ref);
  const { encoding, size, type } = db.collection(ref);
  const elementBytes = packedEncodings.has(encoding) ? packedElementBytes : tableElementBytes;
  const wanted = samples === 0 ? size : Math.min(samples, size);
  let sampled = 0;
  let count = 0;
  // Of the collections only a stream may be empty.
  for (const page of wanted === 0 ? [] : pagesOf(ctx, request.copy(i), type, wanted)) {
    sampled += bytesOf(page);
    count += page.length / wordsOf(type);
  }
  const mean = count === 0 ? 0 : sampled / count;
  return Math.round(keyBytes + size * (mean + elementBytes));
}

/** A field comes with its value, a member with its score. */
function wordsOf(type: number): number {
  return type === valueTypes.hash || type === valueTypes.zset ? 2 : 1;
}

/** At least `count` elements, if there are as many: a page at a time, since all of them may be more than the heap takes. */
function pagesOf(ctx: Context, key: Buffer, type: number, count: number): Iterable<ReplyValue[]> {
  switch (type) {
    case valueTypes.list:
      return listed(ctx, key, count);
    case valueTypes.stream:
      return ranged(ctx, key, count);
    case valueTypes.set:
      return scanned(ctx, 'SSCAN', key, count, wordsOf(type));
    case valueTypes.hash:
      return scanned(ctx, 'HSCAN', key, count, wordsOf(type));
    default:
      return scanned(ctx, 'ZSCAN', key, count, wordsOf(type));
  }
}

function* listed(ctx: Context, key: Buffer, count: number): Iterable<ReplyValue[]> {
  for (let at = 0; at < count; at += pageLength) {
    const end = Math.min(at + pageLength, count);
    yield read(ctx, 'LRANGE', key, String(at), String(end - 1)) as ReplyValue[];
  }
}

function* ranged(ctx: Context, key: Buffer, count: number): Iterable<ReplyValue[]> {
  let start = '-';
  for (let left = count; left > 0; left -= pageLength) {
    const limit = String(Math.min(left, pageLength));
    const page = read(ctx, 'XRANGE', key, start, '+', 'COUNT', limit) as [Buffer, ReplyValue][];
    yield page;
    start = `(${page[page.length - 1][0].toString('latin1')}`;
  }
}

function* scanned(
  ctx: Context,
  command: string,
  key: Buffer,
  count: number,
  words: number,
): Iterable<ReplyValue[]> {
  const limit = String(Math.min(count, pageLength));
  let cursor = '0';
  let left = count;
  do {
    const [next, page] = read(ctx, command, key, cursor, 'COUNT', limit) as [Buffer, ReplyValue[]];
    yield page;
    left -= page.length / words;
    cursor = next.toString('latin1');
  } while (cursor !== '0' && left > 0);
}

function bytesOf(value: ReplyValue): number {
  if (Buffer.isBuffer(value)) return value.length;
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + bytesOf(each), 0);
  if (value instanceof SetReply) return bytesOf(value.members);
  if (value instanceof MapReply) return bytesOf(value.entries.flat());
  return value instanceof DoubleReply ? doubleBytes : 0;
}
