/** Keys that a client is told of in the order of its replies: behind those that may have the values from before. */
import { noticeKeysMax } from './limits.js';
import { Slot } from './slot.js';

export class Notice extends Slot {
  /** Null for all keys. */
  keys: readonly string[] | null;

  constructor(keys: readonly string[] | null) {
    super();
    this.keys = keys;
  }

  /** With too many of them it is all keys. */
  add(keys: readonly string[] | null): void {
    const known = this.keys;
    if (known === null || keys === null || known.length + keys.length > noticeKeysMax) this.keys = null;
    else this.keys = [...known, ...keys];
  }
}
