/** A range of keys in the order of their bytes, as commands that pass over the key space take it. */
import { compareBytes, type Request } from '@holdfast/common';
import type { Database, Ref } from '@holdfast/storage';
import { bytes, integer, type Option, option } from '../../grammar.js';

/**
 * `COUNT n [FROM key] [TO key]`: from FROM on, up to but without TO. COUNT must come first where a key may
 * be the word COUNT: it is looked for before the arguments are parsed.
 */
export const keyRangeOptions = {
  count: option('COUNT', { keys: integer({ min: 1 }) }),
  from: option('FROM', { key: bytes() }),
  to: option('TO', { key: bytes() }),
};

interface KeyRangeArgs {
  readonly from: Option<{ key: ReturnType<typeof bytes> }>;
  readonly to: Option<{ key: ReturnType<typeof bytes> }>;
}

export function isInRange(db: Database, ref: Ref, request: Request, { from, to }: KeyRangeArgs): boolean {
  const { dict } = db;
  const key = db.arena.chunk(ref);
  const start = dict.keyStart(ref);
  const length = dict.keyLength(ref);
  if (from.present && order(key, start, length, request, from.key) < 0) return false;
  return !to.present || order(key, start, length, request, to.key) < 0;
}

function order(key: Uint8Array, start: number, length: number, request: Request, bound: number): number {
  return compareBytes(key, start, length, request.bytes, request.start(bound), request.length(bound));
}
