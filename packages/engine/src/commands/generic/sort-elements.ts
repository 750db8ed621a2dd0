/** The elements that SORT works on: of a list, a set or a sorted set, in the order they have there. */
import { emptyBytes } from '@holdfast/common';
import {
  type Collection,
  EntryView,
  ListCursor,
  ListValue,
  SetValue,
  sides,
  ZSetCursor,
  type ZSetValue,
} from '@holdfast/storage';
import type { Slice } from './sort-pattern.js';

/** An element, and what it is sorted by. */
export class SortElement implements Slice {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
  score = 0;
  by: Slice | null = null;

  constructor(bytes: Uint8Array, start: number, length: number) {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
  }
}

const listCursor = new ListCursor();
const zsetCursor = new ZSetCursor();
const view = new EntryView();

/** `count` elements of a list or sorted set from `offset` on, in the order it has, or counted from its end. */
export function orderedElements(
  collection: ListValue | ZSetValue,
  offset: number,
  count: number,
  isReverse: boolean,
): SortElement[] {
  const elements: SortElement[] = [];
  if (count <= 0) return elements;
  const first = isReverse ? collection.size - 1 - offset : offset;
  if (collection instanceof ListValue) {
    listCursor.seek(collection, first);
    for (let i = 0; i < count; i++) {
      elements.push(new SortElement(listCursor.bytes, listCursor.start, listCursor.length));
      if (isReverse) listCursor.previous();
      else listCursor.next();
    }
    return elements;
  }
  collection.seek(zsetCursor, first);
  for (let i = 0; i < count; i++) {
    elements.push(new SortElement(zsetCursor.bytes, zsetCursor.start, zsetCursor.length));
    if (isReverse) collection.stepBack(zsetCursor);
    else collection.stepForward(zsetCursor);
  }
  return elements;
}

/** All elements of a collection, sorted sets and lists in their order. */
export function allElements(collection: Collection): SortElement[] {
  if (!(collection instanceof SetValue)) {
    return orderedElements(collection as ListValue | ZSetValue, 0, collection.size, false);
  }
  const elements: SortElement[] = [];
  const { table } = collection;
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) {
    table.read(entry, view);
    // Integers have their digits in the view only as long as it stays there.
    const isTransient = view.bytes === view.digits;
    const bytes = isTransient
      ? Buffer.from(view.bytes.subarray(view.start, view.start + view.length))
      : view.bytes;
    elements.push(new SortElement(bytes, isTransient ? 0 : view.start, view.length));
  }
  return elements;
}

/** A list of these elements, of no key. */
export function listOf(db: Collection['database'], elements: Iterable<Slice | null>): ListValue {
  const list = new ListValue(db);
  for (const element of elements) {
    if (element === null) list.pushOne(sides.right, emptyBytes, 0, 0);
    else list.pushOne(sides.right, element.bytes, element.start, element.length);
  }
  return list;
}
