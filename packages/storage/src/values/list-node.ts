/**
 * A node of a list: one block of the arena, in which elements lie one after another, with free room at
 * both ends, so that elements come and go at either end without moving the others.
 *
 *     word 0   | kind 4 | number of elements 28 |
 *     word 1   begin: where the first element starts    (positions count from the block's start)
 *     word 2   end: where the last element ends
 *     word 3   capacity: size of the block in bytes
 *     double   order: nodes of a list sorted by it are in the order of the list
 *     packed   | free room | length | bytes | length | length | bytes | length | ... | free room |
 *                          ^ begin                                                   ^ end
 *     plain    the bytes of one element that is too large to be packed
 *     heap     the number of a Buffer beside the arena (a double) that holds one huge element
 *
 * An element has its length on both sides, so that it is found from either: one byte, or 255 and four
 * bytes more (after it the other way round) from 255 on.
 *
 * Functions over an arena and a ref, not objects: a node costs nothing on the JavaScript heap. They know
 * nothing of the node's neighbours. A `from` or `after` is a position in the block.
 */
// @hot-path
import { copyBytes } from '@holdfast/common';
import { type Arena, type Ref, sizeClassOf, unitsOfClass } from '../arena.js';
import { inlineValueBytesMax } from '../string-keys.js';

export const sides = { left: 0, right: 1 } as const;
export type Side = (typeof sides)[keyof typeof sides];

export const nodeKinds = { packed: 0, plain: 1, heap: 2 } as const;

/** A node's head; the content starts here. */
export const headBytes = 24;
/** Largest block of packed elements: the default of `list-max-listpack-size`. */
export const nodeBytesMax = 8192;
/** Room that the packed elements of a node have at most. */
export const contentBytesMax: number = nodeBytesMax - headBytes;

export const countMask = (1 << 28) - 1;

/** Bytes that an element of `length` bytes takes in a packed node. */
export function packedBytes(length: number): number {
  return length < 255 ? length + 2 : length + 10;
}

/** A packed node without elements, with room for `content` bytes and more, all of it on `side`. */
export function createNode(arena: Arena, content: number, side: Side, order: number): Ref {
  const ref = allocate(arena, content, nodeKinds.packed, 0, order);
  const words = arena.wordsOf(ref);
  const at = arena.offset(ref) >>> 2;
  const start = side === sides.left ? words[at + 3] : headBytes;
  words[at + 1] = start;
  words[at + 2] = start;
  return ref;
}

/** A node of one element that is too large to be packed. */
export function createLargeNode(
  arena: Arena,
  source: Uint8Array,
  start: number,
  length: number,
  order: number,
): Ref {
  if (length <= inlineValueBytesMax) {
    const ref = allocate(arena, length, nodeKinds.plain, 1, order);
    const block = arena.offset(ref);
    arena.wordsOf(ref)[(block >>> 2) + 2] = headBytes + length;
    copyBytes(source, start, arena.chunk(ref), block + headBytes, length);
    return ref;
  }
  const ref = allocate(arena, 8, nodeKinds.heap, 1, order);
  const owned = Buffer.allocUnsafeSlow(length);
  copyBytes(source, start, owned, 0, length);
  arena.usedBytes += length;
  arena.doublesOf(ref)[(arena.offset(ref) + headBytes) >>> 3] = arena.attach(owned);
  return ref;
}

function allocate(arena: Arena, content: number, kind: number, count: number, order: number): Ref {
  const sizeClass = sizeClassOf((headBytes + content + 7) >>> 3);
  const ref = arena.allocate(sizeClass);
  const words = arena.wordsOf(ref);
  const block = arena.offset(ref);
  const at = block >>> 2;
  words[at] = (kind << 28) | count;
  words[at + 1] = headBytes;
  words[at + 2] = headBytes + content;
  words[at + 3] = unitsOfClass(sizeClass) << 3;
  arena.doublesOf(ref)[(block >>> 3) + 2] = order;
  return ref;
}

export function freeNode(arena: Arena, ref: Ref): void {
  if (nodeKind(arena, ref) === nodeKinds.heap) {
    const number = arena.doublesOf(ref)[(arena.offset(ref) + headBytes) >>> 3];
    arena.usedBytes -= (arena.object(number) as Buffer).length;
    arena.detach(number);
  }
  arena.free(ref, sizeClassOf(nodeCapacity(arena, ref) >>> 3));
}

export function nodeKind(arena: Arena, ref: Ref): number {
  return arena.wordsOf(ref)[arena.offset(ref) >>> 2] >>> 28;
}

/** Number of elements. */
export function nodeCount(arena: Arena, ref: Ref): number {
  return arena.wordsOf(ref)[arena.offset(ref) >>> 2] & countMask;
}

export function nodeBegin(arena: Arena, ref: Ref): number {
  return arena.wordsOf(ref)[(arena.offset(ref) >>> 2) + 1];
}

export function nodeEnd(arena: Arena, ref: Ref): number {
  return arena.wordsOf(ref)[(arena.offset(ref) >>> 2) + 2];
}

export function nodeCapacity(arena: Arena, ref: Ref): number {
  return arena.wordsOf(ref)[(arena.offset(ref) >>> 2) + 3];
}

/** Bytes between begin and end. */
export function contentBytes(arena: Arena, ref: Ref): number {
  const words = arena.wordsOf(ref);
  const at = arena.offset(ref) >>> 2;
  return words[at + 2] - words[at + 1];
}

export function nodeOrder(arena: Arena, ref: Ref): number {
  return arena.doublesOf(ref)[(arena.offset(ref) >>> 3) + 2];
}

export function setNodeOrder(arena: Arena, ref: Ref, order: number): void {
  arena.doublesOf(ref)[(arena.offset(ref) >>> 3) + 2] = order;
}

/** The buffer of a heap node. */
export function heapElement(arena: Arena, ref: Ref): Buffer {
  return arena.object(arena.doublesOf(ref)[(arena.offset(ref) + headBytes) >>> 3]) as Buffer;
}

/** Adds an element at one end; false when there is no room for it on that side. */
export function pushElement(
  arena: Arena,
  ref: Ref,
  side: Side,
  source: Uint8Array,
  start: number,
  length: number,
): boolean {
  const words = arena.wordsOf(ref);
  const block = arena.offset(ref);
  const at = block >>> 2;
  if (words[at] >>> 28 !== nodeKinds.packed) return false;
  const needed = packedBytes(length);
  if (side === sides.left) {
    const begin = words[at + 1] - needed;
    if (begin < headBytes) return false;
    words[at + 1] = begin;
    writePacked(arena.chunk(ref), block + begin, source, start, length);
  } else {
    const end = words[at + 2];
    if (words[at + 3] - end < needed) return false;
    words[at + 2] = end + needed;
    writePacked(arena.chunk(ref), block + end, source, start, length);
  }
  words[at]++;
  return true;
}

/** Writes an element in its packed form at `target[at]`. */
export function writePacked(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  length: number,
): void {
  if (length < 255) {
    target[at] = length;
    copyBytes(source, start, target, at + 1, length);
    target[at + 1 + length] = length;
    return;
  }
  target[at] = 255;
  writeUint32(target, at + 1, length);
  copyBytes(source, start, target, at + 5, length);
  writeUint32(target, at + 5 + length, length);
  target[at + 9 + length] = 255;
}

function writeUint32(target: Uint8Array, at: number, n: number): void {
  target[at] = n;
  target[at + 1] = n >>> 8;
  target[at + 2] = n >>> 16;
  target[at + 3] = n >>> 24;
}

/** Length of the packed element that starts at `bytes[at]`. */
export function lengthAt(bytes: Uint8Array, at: number): number {
  const length = bytes[at];
  if (length < 255) return length;
  return bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16) | (bytes[at + 4] << 24);
}

/** Length of the packed element that ends before `bytes[after]`. */
export function lengthBefore(bytes: Uint8Array, after: number): number {
  const length = bytes[after - 1];
  if (length < 255) return length;
  return bytes[after - 5] | (bytes[after - 4] << 8) | (bytes[after - 3] << 16) | (bytes[after - 2] << 24);
}

/** Takes `count` elements away at one end of a packed node that has more than that. */
export function popElements(arena: Arena, ref: Ref, side: Side, count: number): void {
  const words = arena.wordsOf(ref);
  const block = arena.offset(ref);
  const at = block >>> 2;
  const bytes = arena.chunk(ref);
  if (side === sides.left) {
    let begin = words[at + 1];
    for (let i = 0; i < count; i++) begin += packedBytes(lengthAt(bytes, block + begin));
    words[at + 1] = begin;
  } else {
    let end = words[at + 2];
    for (let i = 0; i < count; i++) end -= packedBytes(lengthBefore(bytes, block + end));
    words[at + 2] = end;
  }
  words[at] -= count;
}
