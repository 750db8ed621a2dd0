/** Sets of neighbouring keys in the order of their bytes. */
import { emptyBytes } from '@holdfast/common';

/** Keys from `from` on, up to but without `to`; null: no upper bound. */
export interface KeyInterval {
  readonly from: Uint8Array;
  readonly to: Uint8Array | null;
}

export const allKeys: KeyInterval = { from: emptyBytes, to: null };

/** The keys that begin with `prefix`. */
export function prefixInterval(prefix: Uint8Array): KeyInterval {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return { from: prefix, to: null };
  const to = Buffer.from(prefix.subarray(0, length));
  to[length - 1]++;
  return { from: prefix, to };
}

/** The first key after `key`. */
export function successorOf(key: Uint8Array): Buffer {
  const successor = Buffer.alloc(key.length + 1);
  successor.set(key);
  return successor;
}
