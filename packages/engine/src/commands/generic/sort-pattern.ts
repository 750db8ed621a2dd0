/**
 * The patterns of SORT's BY and GET: `weight_*` is the string at the key with the element in place of the star,
 * `object_*->name` a field of the hash there, `#` the element itself. Without a star there is nothing to be found.
 */
import { copyBytes, KvError } from '@holdfast/common';
import { EntryView, type HashValue, valueTypes } from '@holdfast/storage';
import type { Context } from '../../context.js';

const star = 42;

/** Some bytes. Of a value in the storage: valid until the next change. */
export interface Slice {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}

const view = new EntryView();

/** What is sorted was changed within the transaction: only then are keys not brought into memory before. */
function notInMemory(): KvError {
  return new KvError('UNAVAILABLE', 'a key that SORT reads is not in memory: sort before the transaction');
}

export class SortPattern {
  readonly isElement: boolean;
  readonly #hasStar: boolean;
  readonly #prefix: Buffer;
  readonly #suffix: Buffer;
  /** Null when the value is a string. */
  readonly #field: Buffer | null = null;
  #key = Buffer.allocUnsafe(128);

  constructor(pattern: Uint8Array) {
    const text = Buffer.from(pattern);
    const at = text.indexOf(star);
    this.isElement = text.length === 1 && text[0] === 35;
    this.#hasStar = at >= 0;
    this.#prefix = text.subarray(0, Math.max(at, 0));
    const rest = text.subarray(at + 1);
    const arrow = rest.indexOf('->');
    const isField = arrow >= 0 && arrow + 2 < rest.length;
    this.#suffix = isField ? rest.subarray(0, arrow) : rest;
    if (isField) this.#field = rest.subarray(arrow + 2);
  }

  /** The key for an element, valid until the next call; null when there is none. */
  keyOf(element: Slice): Buffer | null {
    const length = this.#fillKey(element);
    return length < 0 ? null : this.#key.subarray(0, length);
  }

  /** Writes the key for an element; its length, or -1 when there is none. */
  #fillKey({ bytes, start, length }: Slice): number {
    if (!this.#hasStar) return -1;
    const [prefix, suffix] = [this.#prefix, this.#suffix];
    const total = prefix.length + length + suffix.length;
    if (total > this.#key.length) this.#key = Buffer.allocUnsafe(total * 2);
    const key = this.#key;
    copyBytes(prefix, 0, key, 0, prefix.length);
    copyBytes(bytes, start, key, prefix.length, length);
    copyBytes(suffix, 0, key, prefix.length + length, suffix.length);
    return total;
  }

  /** Throws KvError UNAVAILABLE when `resolve` would. */
  need({ session, storage }: Context, element: Slice): void {
    const length = this.isElement ? -1 : this.#fillKey(element);
    if (length < 0 || storage.isResident(session.database, this.#key, 0, length)) return;
    throw notInMemory();
  }

  /** What the pattern stands for; null when there is no such key or field, or it holds something else. */
  resolve(ctx: Context, element: Slice): Slice | null {
    if (this.isElement) return element;
    const length = this.#fillKey(element);
    if (length < 0) return null;
    const key = this.#key;
    const { db, session, storage } = ctx;
    const ref = ctx.readKey(key, 0, length);
    if (ref === 0) {
      if (!storage.isResident(session.database, key, 0, length)) throw notInMemory();
      return null;
    }
    const field = this.#field;
    if (field === null) {
      if (db.type(ref) !== valueTypes.string) return null;
      db.readString(ref);
      return { bytes: db.valueBytes, start: db.valueStart, length: db.valueLength };
    }
    if (db.type(ref) !== valueTypes.hash) return null;
    const { table } = db.collection(ref) as HashValue;
    const entry = table.find(field, 0, field.length);
    if (entry === 0) return null;
    table.read(entry, view);
    return { bytes: view.valueBytes, start: view.valueStart, length: view.valueLength };
  }
}
