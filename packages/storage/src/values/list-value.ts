/**
 * A list: its changes as mutations, and the encoding that it would have in Redis. Where the elements are
 * is the matter of ListElements and ListNodes.
 *
 * Mutations are physical: which elements come and go at which end or index, never why. Indexes count from
 * the left end.
 */
// @hot-path
import { bytesEqual, type Request } from '@holdfast/common';
import { valueTypes } from '../collection.js';
import { collectionKinds, type MutationReader, type MutationWriter } from '../mutation.js';
import { ListCursor } from './list-cursor.js';
import { ListElements } from './list-elements.js';
import { exceedsListpack, fitsListpackAgain, listpackBytes, listpackHeadBytes } from './list-encoding.js';
import { contentBytesMax, nodeCount, packedBytes, type Side, sides } from './list-node.js';

const firstKind = collectionKinds(valueTypes.list);

const kinds = {
  /** All elements go: what follows builds the list from nothing. */
  clear: firstKind,
  /** side u8, count u32, elements: one after another */
  push: firstKind + 1,
  /** side u8, count u32 */
  pop: firstKind + 2,
  /** index u32, element */
  set: firstKind + 3,
  /** index u32 (of the element before which it comes), element */
  insert: firstKind + 4,
  /** count u32, indexes u32: ascending, before the removal */
  remove: firstKind + 5,
} as const;

/** What `search` looks for: `bytes[start, start + length)`, and how far. */
export interface ListSearch {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
  /** The end to begin at. */
  readonly side: Side;
  /** So many matches are passed over first. */
  readonly skip: number;
  /** At most so many matches are wanted, and so many elements are looked at. */
  readonly matches: number;
  readonly looks: number;
}

const cursor = new ListCursor();

export class ListValue extends ListElements {
  readonly type = valueTypes.list;
  #isQuicklist = false;
  /** Bytes that all elements would take in one listpack; -1 when not known: a quicklist of many nodes. */
  #listpackBytes = listpackHeadBytes;

  get encoding(): string {
    return this.#isQuicklist ? 'quicklist' : 'listpack';
  }

  override takeEncoding(encoding: string): void {
    if (encoding === 'quicklist') this.#isQuicklist = true;
  }

  /**
   * An element of so many bytes is about to be put somewhere: Redis makes room for it before it has looked whether
   * the place is there.
   */
  expect(length: number): void {
    if (this.#listpackBytes >= 0) this.#grow(length, 1);
  }

  /** Adds `count` arguments from `first` on, one after another, at one end. */
  push(side: Side, request: Request, first: number, count: number): void {
    const { bytes } = request;
    const journal = this.change(kinds.push);
    if (journal !== null) {
      journal.byte(side);
      journal.uint32(count);
      for (let i = first; i < first + count; i++) journal.field(bytes, request.start(i), request.length(i));
    }
    if (this.#listpackBytes >= 0) this.#weighPush(side, request, first, count);
    for (let i = first; i < first + count; i++) this.add(side, bytes, request.start(i), request.length(i));
  }

  /** Adds one element, which must not be a view of one of this list. */
  pushOne(side: Side, bytes: Uint8Array, start: number, length: number): void {
    const journal = this.change(kinds.push);
    if (journal !== null) {
      journal.byte(side);
      journal.uint32(1);
      journal.field(bytes, start, length);
    }
    this.#addOne(side, bytes, start, length);
  }

  /** Removes `count` elements, from none to all, at one end. To remove none is a change as well: the key has a new version. */
  pop(side: Side, count: number): void {
    const journal = this.change(kinds.pop);
    if (journal !== null) {
      journal.byte(side);
      journal.uint32(count);
    }
    this.#drop(side, count);
  }

  /** Replaces the element at `index`. */
  set(index: number, bytes: Uint8Array, start: number, length: number): void {
    const journal = this.change(kinds.set);
    if (journal !== null) {
      journal.uint32(index);
      journal.field(bytes, start, length);
    }
    this.#replace(index, bytes, start, length);
  }

  /** Inserts an element before the one at `index`. */
  insert(index: number, bytes: Uint8Array, start: number, length: number): void {
    const journal = this.change(kinds.insert);
    if (journal !== null) {
      journal.uint32(index);
      journal.field(bytes, start, length);
    }
    this.#insertBefore(index, bytes, start, length);
  }

  /** Removes elements by index: ascending, each once, at least one. */
  remove(indexes: readonly number[]): void {
    const journal = this.change(kinds.remove);
    if (journal !== null) {
      journal.uint32(indexes.length);
      for (const index of indexes) journal.uint32(index);
    }
    this.#removeEach(indexes);
  }

  /** Appends the indexes of matching elements to `into`, in the order they are found. */
  search(wanted: ListSearch, into: number[]): void {
    const { bytes, start, length, side, matches } = wanted;
    if (this.size === 0 || matches === 0) return;
    const forward = side === sides.left;
    let index = forward ? 0 : this.size - 1;
    let { skip } = wanted;
    cursor.seek(this, index);
    for (let left = Math.min(wanted.looks, this.size); left > 0; left--) {
      if (cursor.length === length && bytesEqual(cursor.bytes, cursor.start, bytes, start, length)) {
        if (skip > 0) skip--;
        else if (into.push(index) === matches) return;
      }
      if (forward) {
        cursor.next();
        index++;
      } else {
        cursor.previous();
        index--;
      }
    }
  }

  apply(reader: MutationReader): void {
    switch (reader.kind) {
      case kinds.push:
        this.#applyPush(reader);
        return;
      case kinds.pop: {
        const side = reader.byte() as Side;
        const count = Math.min(reader.uint32(), this.size);
        if (count > 0) this.#drop(side, count);
        return;
      }
      case kinds.set:
      case kinds.insert: {
        const index = reader.uint32();
        reader.field();
        const { bytes, fieldStart, fieldLength } = reader;
        if (reader.kind === kinds.insert) {
          this.#insertBefore(Math.min(index, this.size), bytes, fieldStart, fieldLength);
        } else if (index < this.size) {
          this.#replace(index, bytes, fieldStart, fieldLength);
        }
        return;
      }
      case kinds.remove: {
        const indexes: number[] = [];
        for (let left = reader.uint32(); left > 0; left--) {
          const index = reader.uint32();
          if (index < this.size) indexes.push(index);
        }
        if (indexes.length > 0) this.#removeEach(indexes);
        return;
      }
      default:
        this.#dropAll();
        this.#isQuicklist = false;
    }
  }

  describe(writer: MutationWriter): void {
    this.begin(writer, kinds.clear);
    if (this.size === 0) return;
    cursor.seek(this, 0);
    for (let position = 0; position < this.nodes; position++) {
      const count = nodeCount(this.arena, this.node(position));
      this.begin(writer, kinds.push);
      writer.byte(sides.right);
      writer.uint32(count);
      for (let i = 0; i < count; i++) {
        writer.field(cursor.bytes, cursor.start, cursor.length);
        cursor.next();
      }
    }
  }

  #applyPush(reader: MutationReader): void {
    const side = reader.byte() as Side;
    for (let left = reader.uint32(); left > 0; left--) {
      reader.field();
      this.#addOne(side, reader.bytes, reader.fieldStart, reader.fieldLength);
    }
  }

  #addOne(side: Side, bytes: Uint8Array, start: number, length: number): void {
    if (this.#listpackBytes >= 0) {
      this.#grow(length, 1);
      this.#weigh(listpackBytes(bytes, start, length));
    }
    this.add(side, bytes, start, length);
  }

  #drop(side: Side, count: number): void {
    if (count === this.size) {
      this.#dropAll();
      return;
    }
    if (this.#listpackBytes >= 0) {
      cursor.seek(this, side === sides.left ? 0 : this.size - 1);
      for (let i = 0; i < count; i++) {
        this.#listpackBytes -= listpackBytes(cursor.bytes, cursor.start, cursor.length);
        if (side === sides.left) cursor.next();
        else cursor.previous();
      }
    }
    this.drop(side, count);
    if (this.#isQuicklist) this.#shrink();
  }

  #dropAll(): void {
    this.release(Number.POSITIVE_INFINITY);
    this.#listpackBytes = listpackHeadBytes;
  }

  #replace(index: number, bytes: Uint8Array, start: number, length: number): void {
    cursor.seek(this, index);
    if (this.#listpackBytes >= 0) {
      this.#grow(length, 1);
      const old = listpackBytes(cursor.bytes, cursor.start, cursor.length);
      this.#weigh(listpackBytes(bytes, start, length) - old);
    }
    this.replaceAt(cursor, bytes, start, length);
    if (this.#isQuicklist) this.#shrink();
  }

  #insertBefore(index: number, bytes: Uint8Array, start: number, length: number): void {
    if (index === this.size) {
      this.#addOne(sides.right, bytes, start, length);
      return;
    }
    if (this.#listpackBytes >= 0) {
      this.#grow(length, 1);
      this.#weigh(listpackBytes(bytes, start, length));
    }
    cursor.seek(this, index);
    this.insertAt(cursor, bytes, start, length);
  }

  #removeEach(indexes: readonly number[]): void {
    this.removeAll(indexes);
    if (this.#listpackBytes >= 0) this.#weighAll();
    if (this.#isQuicklist && this.size > 0) this.#shrink();
  }

  // As if it were a listpack

  #weighPush(side: Side, request: Request, first: number, count: number): void {
    let total = 0;
    let content = 0;
    for (let i = first; i < first + count; i++) {
      total += request.length(i);
      content += packedBytes(request.length(i));
    }
    if (this.nodes === 0 && content <= contentBytesMax) this.reserve(side, content);
    this.#grow(total, count);
    for (let i = first; i < first + count && this.#listpackBytes >= 0; i++) {
      this.#weigh(listpackBytes(request.bytes, request.start(i), request.length(i)));
    }
  }

  /** `count` elements of `bytes` bytes are about to come. */
  #grow(bytes: number, count: number): void {
    if (this.#isQuicklist || !exceedsListpack(this.#listpackBytes + bytes, this.size + count)) return;
    this.#isQuicklist = true;
  }

  #weigh(bytes: number): void {
    this.#listpackBytes += bytes;
    // The size of a quicklist matters only when all of it is in one node again.
    if (this.#isQuicklist && this.nodes > 1) this.#listpackBytes = -1;
  }

  #weighAll(): void {
    this.#listpackBytes = listpackHeadBytes;
    if (this.size === 0) return;
    cursor.seek(this, 0);
    do {
      this.#listpackBytes += listpackBytes(cursor.bytes, cursor.start, cursor.length);
    } while (cursor.next());
  }

  /** A quicklist lost something: it may be a listpack again once it is all in one node. */
  #shrink(): void {
    if (this.nodes !== 1) return;
    if (this.#listpackBytes < 0) this.#weighAll();
    if (fitsListpackAgain(this.#listpackBytes, this.size)) this.#isQuicklist = false;
  }
}
