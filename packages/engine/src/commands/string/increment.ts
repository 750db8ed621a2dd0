/**
 * INCR and its kin: 64-bit integers in decimal. Up to 15 digits they are numbers, read from and written to
 * bytes without a detour; beyond that, bigints.
 */
// @hot-path
import { digitCount, parseBigInteger, parseInteger, type Reply, writeInteger } from '@holdfast/common';
import type { Context } from '../../context.js';
import { notAnInteger } from '../../grammar.js';
import { putBytes } from './put-bytes.js';

const scratch = Buffer.allocUnsafeSlow(32);
const int64Max = 9223372036854775807n;
const int64Min = -9223372036854775808n;
const wouldOverflow = 'ERR increment or decrement would overflow';

/** Adds a safe integer to the one at a key, 0 when there is none, and replies the sum. The event is INCRBY's for all. */
export function incrementBy(ctx: Context, key: number, by: number, reply: Reply): void {
  const { db } = ctx;
  const ref = ctx.string(key);
  if (ref < 0) return;
  let value = 0;
  if (ref !== 0) {
    db.readString(ref);
    value = parseInteger(db.valueBytes, db.valueStart, db.valueLength);
    if (value !== value) return reply.error(notAnInteger);
  }
  const sum = value + by;
  if (!Number.isSafeInteger(value) || !Number.isSafeInteger(sum)) {
    return incrementByBig(ctx, key, BigInt(by), reply);
  }
  const length = digitCount(sum < 0 ? -sum : sum) + (sum < 0 ? 1 : 0);
  writeInteger(scratch, 0, sum);
  putBytes(ctx, ref, key, scratch, 0, length, ref === 0 ? 0 : db.expiry(ref));
  ctx.notify('$', 'incrby', key);
  reply.integer(sum);
}

/** As `incrementBy`, exact over all 64 bits. */
export function incrementByBig(ctx: Context, key: number, by: bigint, reply: Reply): void {
  const { db } = ctx;
  const ref = ctx.string(key);
  if (ref < 0) return;
  let value: bigint | null = 0n;
  if (ref !== 0) {
    db.readString(ref);
    value = parseBigInteger(db.valueBytes, db.valueStart, db.valueLength);
    if (value === null) return reply.error(notAnInteger);
  }
  const sum = value + by;
  if (sum > int64Max || sum < int64Min) return reply.error(wouldOverflow);
  const length = scratch.write(sum.toString(), 'latin1');
  putBytes(ctx, ref, key, scratch, 0, length, ref === 0 ? 0 : db.expiry(ref));
  ctx.notify('$', 'incrby', key);
  reply.bigInteger(sum);
}

/** The exact value of an argument that the grammar found to be an integer. */
export function exactInteger({ request }: Context, i: number): bigint {
  return parseBigInteger(request.bytes, request.start(i), request.length(i)) ?? 0n;
}
