/**
 * The keys of a database whose values are strings. Up to half a megabyte lies in the arena with the key, more in a buffer
 * of its own: see `LargeString`.
 *
 * A method that takes a `ref` from `find` must be called before the next `find`: the record is the one that the dict last
 * looked at.
 */
// @hot-path
import { copyBytes } from '@holdfast/common';
import type { Ref } from './arena.js';
import { valueTypes } from './collection.js';
import { Keyspace } from './keyspace.js';
import { allocateRoomy, LargeString } from './large-string.js';
import { type MutationWriter, mutationKinds } from './mutation.js';
import { formShift, hasExpiry, hasObject } from './records.js';
import { formerStates, rawHead, stringForms } from './string-forms.js';

/** Strings up to this length lie in the arena; longer ones have a buffer of their own. */
export const inlineValueBytesMax: number = 512 * 1024;

export abstract class StringKeys extends Keyspace {
  /** Where `readString` found the value. Valid until the next change. */
  valueBytes: Uint8Array = Buffer.alloc(0);
  valueStart = 0;
  valueLength = 0;

  /** One of `stringForms`. */
  stringForm(ref: Ref): number {
    return this.dict.typeAndFlags(ref) >>> formShift;
  }

  /** A string was opened for a change that then changed nothing: it is `raw`, while it is in memory. Not a write. */
  markRaw(ref: Ref): void {
    this.dict.setForm(ref, stringForms.raw);
  }

  /** Points `valueBytes`, `valueStart` and `valueLength` at a string's bytes: a view, not a copy. */
  readString(ref: Ref): void {
    const dict = this.dict;
    if ((dict.typeAndFlags(ref) & hasObject) !== 0) {
      const large = this.arena.object(dict.object(ref)) as LargeString;
      this.valueBytes = large.bytes;
      this.valueStart = 0;
      this.valueLength = large.length;
      return;
    }
    this.valueBytes = this.arena.chunk(ref);
    this.valueStart = dict.valueStart(ref);
    this.valueLength = dict.valueLength(ref);
  }

  stringLength(ref: Ref): number {
    return this.largeString(ref)?.length ?? this.dict.valueLength(ref);
  }

  /** The string at `ref`, if it has a buffer of its own. */
  largeString(ref: Ref): LargeString | null {
    if ((this.dict.typeAndFlags(ref) & hasObject) === 0) return null;
    return this.arena.object(this.dict.object(ref)) as LargeString;
  }

  /**
   * Sets a key to a string, whatever it was. `ref` is what `find` just returned for the key. The value
   * must not be a view of the one that is replaced. Returns the record.
   */
  putString(
    ref: Ref,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    expiryMs: number,
    form: number,
  ): Ref {
    const buffer = valueLength > inlineValueBytesMax ? allocateRoomy(valueLength) : null;
    const former = this.#formerState(ref);
    const record = this.#shapeString(ref, key, keyStart, keyLength, valueLength, buffer, expiryMs, form);
    this.readString(record);
    copyBytes(value, valueStart, this.valueBytes, this.valueStart, valueLength);
    this.#stringChanged(record, expiryMs, former);
    return record;
  }

  /** As `putString`, of a buffer that the caller gives away: a large string keeps it as it is. */
  putOwnedString(
    ref: Ref,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: Buffer,
    expiryMs: number,
    form: number,
  ): Ref {
    const { length } = value;
    if (length <= inlineValueBytesMax) {
      return this.putString(ref, key, keyStart, keyLength, value, 0, length, expiryMs, form);
    }
    const former = this.#formerState(ref);
    const record = this.#shapeString(ref, key, keyStart, keyLength, length, value, expiryMs, form);
    this.readString(record);
    this.#stringChanged(record, expiryMs, former);
    return record;
  }

  /**
   * Sets the string at `ref` to `length` bytes: the old ones as far as they reach, then zeros, then
   * `patch` over them at `patchAt`. The base of APPEND, SETRANGE and SETBIT. Keeps the expiry; the
   * string becomes `raw`. `ref` is what `find` just returned, not 0. Returns the record.
   */
  patchString(
    ref: Ref,
    length: number,
    patchAt: number,
    patch: Uint8Array,
    from: number,
    count: number,
  ): Ref {
    const dict = this.dict;
    const head = rawHead(dict.typeAndFlags(ref));
    const oldLength = this.stringLength(ref);
    let record = ref;
    if ((head & hasObject) === 0 && length <= inlineValueBytesMax) {
      record = dict.replace(ref, length, head, true);
      if (record !== ref) this.moved(record);
    } else {
      record = this.#enlarge(ref, length);
    }
    this.readString(record);
    if (length > oldLength) this.valueBytes.fill(0, this.valueStart + oldLength, this.valueStart + length);
    copyBytes(patch, from, this.valueBytes, this.valueStart + patchAt, count);
    this.largeString(record)?.change(patchAt, patchAt + count);
    this.touch(record);
    const { journal } = this.context;
    if (journal !== null) {
      this.begin(mutationKinds.patchString, record);
      journal.uint32(length);
      journal.uint32(patchAt);
      journal.field(patch, from, count);
    }
    return record;
  }

  /**
   * Gives the record of a key the shape of a string of `length` bytes, which lie at the start of `large` if there are too
   * many for the arena; content and version are not set.
   */
  #shapeString(
    ref: Ref,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    length: number,
    large: Buffer | null,
    expiryMs: number,
    form: number,
  ): Ref {
    const dict = this.dict;
    const head =
      (valueTypes.string << 24) |
      (expiryMs !== 0 ? hasExpiry : 0) |
      (large !== null ? hasObject : 0) |
      (form << formShift);
    const inline = large !== null ? 0 : length;
    let record = ref;
    if (ref === 0) {
      this.context.creations?.created(this, key, keyStart, keyLength);
      record = dict.create(key, keyStart, keyLength, inline, head);
    } else {
      const oldExpiryMs = dict.expiry(ref);
      this.disposeValue(ref);
      if (oldExpiryMs !== 0) this.expiries.removed();
      record = dict.replace(ref, inline, head, false);
    }
    if (large !== null) dict.setObject(record, this.#attachLarge(large, length));
    if (expiryMs !== 0) this.expiries.added(record, expiryMs);
    return record;
  }

  /** One of `formerStates`, of a key whose record `find` just returned. */
  #formerState(ref: Ref): number {
    if (ref === 0) return formerStates.absent;
    const { dict } = this;
    // Of a large one the disk has more than its head.
    const isBare =
      dict.type(ref) === valueTypes.string && dict.expiry(ref) === 0 && this.largeString(ref) === null;
    return isBare ? formerStates.bareString : formerStates.unsaid;
  }

  #stringChanged(ref: Ref, expiryMs: number, former: number): void {
    this.touch(ref);
    if (this.context.journal !== null) this.describeString(ref, expiryMs, this.context.journal, former);
  }

  protected describeString(
    ref: Ref,
    expiryMs: number,
    writer: MutationWriter,
    former: number = formerStates.unsaid,
  ): void {
    this.begin(mutationKinds.putString, ref, writer);
    writer.number(expiryMs);
    writer.byte(this.stringForm(ref) | former);
    writer.field(this.valueBytes, this.valueStart, this.valueLength);
  }

  /** Gives a string of any kind a buffer of its own with room for `length` bytes, old content kept. */
  #enlarge(ref: Ref, length: number): Ref {
    const dict = this.dict;
    const head = dict.typeAndFlags(ref);
    this.readString(ref);
    if ((head & hasObject) !== 0) {
      const large = this.arena.object(dict.object(ref)) as LargeString;
      this.arena.usedBytes += large.resize(length);
      return dict.replace(ref, 0, rawHead(head), false);
    }
    const buffer = allocateRoomy(length);
    copyBytes(this.valueBytes, this.valueStart, buffer, 0, this.valueLength);
    const number = this.#attachLarge(buffer, length);
    const record = dict.replace(ref, 0, rawHead(head) | hasObject, false);
    dict.setObject(record, number);
    this.moved(record);
    return record;
  }

  #attachLarge(bytes: Buffer, length: number): number {
    const large = new LargeString(bytes, length);
    this.arena.usedBytes += large.usedBytes;
    return this.arena.attach(large);
  }
}
