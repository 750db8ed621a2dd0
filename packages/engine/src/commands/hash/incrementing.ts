/** Puts the sum of HINCRBY and HINCRBYFLOAT where the number came from. */
import type { HashValue } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { createHash } from './hashes.js';

/**
 * `entry` is what `viewField` just returned for the field at argument `field`: it keeps its expiry. Without
 * a hash there will be one.
 */
export function putSum(
  ctx: Context,
  key: number,
  hash: HashValue | null,
  entry: number,
  field: number,
  sum: Uint8Array,
  length: number,
): void {
  const { request } = ctx;
  const { bytes } = request;
  const start = request.start(field);
  const fieldLength = request.length(field);
  if (entry !== 0) hash?.update(entry, bytes, start, fieldLength, sum, 0, length);
  else (hash ?? createHash(ctx, key)).set(bytes, start, fieldLength, sum, 0, length);
}
