/**
 * A place in a sorted set, and the entry there: a view, valid until the set or another key changes. To be
 * used again for any set.
 */
// @hot-path
import type { Ref } from '../arena.js';

export class ZSetCursor {
  /** The member is `bytes[start, start + length)`. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
  score = 0;
  // Where the entry is, known to the set alone: a leaf of its index and a slot there, or a block and an offset.
  node: Ref = 0;
  slot = 0;
}
