/**
 * The patterns of SORT's BY and GET: `weight_*` is the string at the key with the element in place of the star,
 * `object_*->name` a field of the hash there, `#` the element itself. Without a star there is nothing to be found.
 */
import { KvError } from '@holdfast/common';
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
  keyOf({ bytes, start, length }: Slice): Buffer | null {
    if (!this.#hasStar) return null;
    const total = this.#prefix.length + length + this.#suffix.length;
    if (total > this.#key.length) this.#key = Buffer.allocUnsafe(total * 2);
    const key = this.#key;
    key.set(this.#prefix);
    key.set(bytes.subarray(start, start + length), this.#prefix.length);
    key.set(this.#suffix, this.#prefix.length + length);
    return key.subarray(0, total);
  }

  /** Throws KvError UNAVAILABLE when `resolve` would. */
  need({ session, storage }: Context, element: Slice): void {
    const key = this.isElement ? null : this.keyOf(element);
    if (key === null || storage.isResident(session.database, key, 0, key.length)) return;
    throw notInMemory();
  }

  /** What the pattern stands for; null when there is no such key or field, or it holds something else. */
  resolve(ctx: Context, element: Slice): Slice | null {
    if (this.isElement) return element;
    const key = this.keyOf(element);
    if (key === null) return null;
    const { db, session, storage } = ctx;
    const ref = ctx.readKey(key, 0, key.length);
    if (ref === 0) {
      if (!storage.isResident(session.database, key, 0, key.length)) throw notInMemory();
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
