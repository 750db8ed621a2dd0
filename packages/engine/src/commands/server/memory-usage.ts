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

const packedEncodings: ReadonlySet<string> = new Set(['listpack', 'listpackex', 'quicklist', 'intset']);

/** `samples` elements are looked at, all of them with 0. `ref` is the record of the key at argument `i`. */
export function memoryUsage(ctx: Context, i: number, ref: Ref, samples: number): number {
  const { db, request } = ctx;
  const keyBytes = recordBytes + request.length(i);
  if (db.type(ref) === valueTypes.string) return keyBytes + db.stringLength(ref);
  const { encoding, size, type } = db.collection(ref);
  const elementBytes = packedEncodings.has(encoding) ? packedElementBytes : tableElementBytes;
  const wanted = samples === 0 ? size : Math.min(samples, size);
  // Of the collections only a stream may be empty.
  const elements = wanted === 0 ? [] : someElements(ctx, request.copy(i), type, wanted);
  const sampled = elements.reduce((sum: number, element) => sum + bytesOf(element), 0);
  const mean = elements.length === 0 ? 0 : sampled / elements.length;
  return Math.round(keyBytes + size * (mean + elementBytes));
}

/** At least `count` elements, if there are as many; a field comes with its value, a member with its score. */
function someElements(ctx: Context, key: Buffer, type: number, count: number): ReplyValue[] {
  switch (type) {
    case valueTypes.list:
      return read(ctx, 'LRANGE', key, '0', String(count - 1)) as ReplyValue[];
    case valueTypes.stream:
      return read(ctx, 'XRANGE', key, '-', '+', 'COUNT', String(count)) as ReplyValue[];
    case valueTypes.set:
      return scanned(ctx, 'SSCAN', key, count, 1);
    case valueTypes.hash:
      return scanned(ctx, 'HSCAN', key, count, 2);
    default:
      return scanned(ctx, 'ZSCAN', key, count, 2);
  }
}

function scanned(ctx: Context, command: string, key: Buffer, count: number, stride: number): ReplyValue[] {
  const elements: ReplyValue[] = [];
  let cursor = '0';
  do {
    const [next, page] = read(ctx, command, key, cursor, 'COUNT', String(count)) as [Buffer, ReplyValue[]];
    for (let i = 0; i < page.length; i += stride) elements.push(page.slice(i, i + stride));
    cursor = next.toString('latin1');
  } while (cursor !== '0' && elements.length < count);
  return elements;
}

function bytesOf(value: ReplyValue): number {
  if (Buffer.isBuffer(value)) return value.length;
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + bytesOf(each), 0);
  if (value instanceof SetReply) return bytesOf(value.members);
  if (value instanceof MapReply) return bytesOf(value.entries.flat());
  return value instanceof DoubleReply ? doubleBytes : 0;
}
