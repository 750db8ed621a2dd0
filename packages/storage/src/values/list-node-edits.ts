/**
 * Changes of a node that move its content: inserting and removing in the middle, splitting, joining, and
 * larger or smaller blocks. See list-node.ts for what a node is.
 */
// @hot-path
import { copyBytes } from '@holdfast/common';
import type { Arena, Ref } from '../arena.js';
import {
  contentBytes,
  contentBytesMax,
  countMask,
  createNode,
  freeNode,
  headBytes,
  lengthAt,
  nodeBegin,
  nodeCapacity,
  nodeCount,
  nodeEnd,
  nodeOrder,
  packedBytes,
  type Side,
  sides,
  writePacked,
} from './list-node.js';

/** Moves the content of a packed node so that it begins at `begin`. */
export function slideContent(arena: Arena, ref: Ref, begin: number): void {
  const words = arena.wordsOf(ref);
  const block = arena.offset(ref);
  const at = block >>> 2;
  const from = words[at + 1];
  const length = words[at + 2] - from;
  arena.chunk(ref).copyWithin(block + begin, block + from, block + from + length);
  words[at + 1] = begin;
  words[at + 2] = begin + length;
}

/** A node with another capacity in place of `ref`, which is freed; the free room is on `side`. */
export function resizeNode(arena: Arena, ref: Ref, content: number, side: Side): Ref {
  const used = contentBytes(arena, ref);
  const created = createNode(arena, content, sides.right, nodeOrder(arena, ref));
  const words = arena.wordsOf(created);
  const at = arena.offset(created) >>> 2;
  const begin = side === sides.left ? words[at + 3] - used : headBytes;
  copyContent(arena, ref, nodeBegin(arena, ref), used, created, begin);
  words[at] = nodeCount(arena, ref);
  words[at + 1] = begin;
  words[at + 2] = begin + used;
  freeNode(arena, ref);
  return created;
}

function copyContent(arena: Arena, source: Ref, from: number, length: number, target: Ref, to: number): void {
  const start = arena.offset(source) + from;
  copyBytes(arena.chunk(source), start, arena.chunk(target), arena.offset(target) + to, length);
}

/**
 * Replaces what lies in `[from, after)` of a packed node by an element; nothing lies there when it is
 * inserted. The content must fit `contentBytesMax` afterwards. Returns the node's ref, which may be a new one.
 */
export function replaceSpan(
  arena: Arena,
  ref: Ref,
  from: number,
  after: number,
  source: Uint8Array,
  start: number,
  length: number,
): Ref {
  const more = packedBytes(length) - (after - from);
  const used = contentBytes(arena, ref);
  let node = ref;
  let at = from;
  if (more > nodeCapacity(arena, ref) - headBytes - used) {
    const content = Math.min(contentBytesMax, used + more + (used >>> 1));
    at += headBytes - nodeBegin(arena, ref);
    node = resizeNode(arena, ref, content, sides.right);
  }
  at = resizeSpan(arena, node, at, at + after - from, more);
  writePacked(arena.chunk(node), arena.offset(node) + at, source, start, length);
  if (after === from) arena.wordsOf(node)[arena.offset(node) >>> 2]++;
  return node;
}

/** Takes one element out of a packed node; returns where the one after it now starts. */
export function removeSpan(arena: Arena, ref: Ref, from: number, after: number): number {
  arena.wordsOf(ref)[arena.offset(ref) >>> 2]--;
  return resizeSpan(arena, ref, from, after, from - after);
}

/**
 * Takes elements out of a packed node: those whose numbers in the list are `indexes[first]` and on,
 * ascending, where the node's first element has number `base`. Returns how many those were.
 */
export function removeElements(
  arena: Arena,
  ref: Ref,
  base: number,
  indexes: readonly number[],
  first: number,
): number {
  const words = arena.wordsOf(ref);
  const block = arena.offset(ref);
  const at = block >>> 2;
  const bytes = arena.chunk(ref);
  const until = base + (words[at] & countMask);
  const end = block + words[at + 2];
  let next = first;
  let from = block + words[at + 1];
  let to = from;
  let run = from;
  for (let index = base; next < indexes.length && indexes[next] < until; index++) {
    const after = from + packedBytes(lengthAt(bytes, from));
    if (index === indexes[next]) {
      bytes.copyWithin(to, run, from);
      to += from - run;
      run = after;
      next++;
    }
    from = after;
  }
  bytes.copyWithin(to, run, end);
  words[at + 2] = to + end - run - block;
  words[at] -= next - first;
  return next - first;
}

/** Makes `[from, after)` larger by `more`, moving the shorter side as far as it can. Returns its new start. */
function resizeSpan(arena: Arena, ref: Ref, from: number, after: number, more: number): number {
  if (more === 0) return from;
  const words = arena.wordsOf(ref);
  const block = arena.offset(ref);
  const at = block >>> 2;
  const bytes = arena.chunk(ref);
  const begin = words[at + 1];
  const end = words[at + 2];
  const leftIsShorter = from - begin <= end - after;
  let moreLeft: number;
  if (more < 0) moreLeft = leftIsShorter ? more : 0;
  else if (leftIsShorter) moreLeft = Math.min(more, begin - headBytes);
  else moreLeft = more - Math.min(more, words[at + 3] - end);
  const moreRight = more - moreLeft;
  if (moreLeft !== 0) bytes.copyWithin(block + begin - moreLeft, block + begin, block + from);
  if (moreRight !== 0) bytes.copyWithin(block + after + moreRight, block + after, block + end);
  words[at + 1] = begin - moreLeft;
  words[at + 2] = end + moreRight;
  return from - moreLeft;
}

/**
 * Cuts a packed node at `from`, before which lie `count` elements: these stay, the others move to a new
 * node, which is returned. Both sides must have elements.
 */
export function splitNode(arena: Arena, ref: Ref, from: number, count: number, order: number): Ref {
  const words = arena.wordsOf(ref);
  const at = arena.offset(ref) >>> 2;
  const length = words[at + 2] - from;
  const total = nodeCount(arena, ref);
  const created = createNode(arena, length, sides.right, order);
  copyContent(arena, ref, from, length, created, headBytes);
  const createdWords = arena.wordsOf(created);
  const createdAt = arena.offset(created) >>> 2;
  createdWords[createdAt] = total - count;
  createdWords[createdAt + 2] = headBytes + length;
  words[at] = count;
  words[at + 2] = from;
  return created;
}

/** Appends the content of a packed node to another one, if there is room on its right; frees nothing. */
export function appendContent(arena: Arena, ref: Ref, source: Ref): Ref {
  const length = contentBytes(arena, source);
  const needed = contentBytes(arena, ref) + length;
  let node = ref;
  if (nodeCapacity(arena, ref) - nodeEnd(arena, ref) < length) {
    if (nodeCapacity(arena, ref) - headBytes >= needed) slideContent(arena, ref, headBytes);
    else node = resizeNode(arena, ref, needed, sides.right);
  }
  copyContent(arena, source, nodeBegin(arena, source), length, node, nodeEnd(arena, node));
  const words = arena.wordsOf(node);
  const at = arena.offset(node) >>> 2;
  words[at] += nodeCount(arena, source);
  words[at + 2] += length;
  return node;
}
