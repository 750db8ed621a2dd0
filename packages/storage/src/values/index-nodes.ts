/**
 * The nodes of an ordered index: blocks of the arena, and what is done to one or two of them. Nothing here
 * compares entries or knows where the tree begins.
 *
 *     leaf    | count | 0 | previous | next | score x 62 | ref x 62 |
 *
 *     inner   | count | 0 | 0 | 0 | least score x 62 | least ref x 62 | child x 62 | entries below x 62 |
 *
 * The entry in slot i of an inner node is the least one below child i. `level` is 0 for leaves and grows
 * towards the root.
 */
// @hot-path
import { type Arena, type Ref, sizeClassOf } from '../arena.js';

/** Entries of a node: a leaf then takes 760 of its block's 768 bytes, an inner node 1,256 of 1,280. */
export const nodeMax = 62;
/** Two neighbours become one node when they have this many entries or less. */
const joinedMax = (nodeMax * 3) >> 2;
const leafClass = sizeClassOf((16 + nodeMax * 12) >>> 3);
const innerClass = sizeClassOf((16 + nodeMax * 20) >>> 3);

// Positions in a node: of words from its first word, of doubles from its first double.
export const previousWord = 2;
export const nextWord = 3;
export const scoresDouble = 2;
export const refsWord: number = 4 + nodeMax * 2;
export const childrenWord: number = refsWord + nodeMax;
export const countsWord: number = childrenWord + nodeMax;

export class IndexNodes {
  readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** An empty node. */
  create(level: number): Ref {
    const { arena } = this;
    const node = arena.allocate(level === 0 ? leafClass : innerClass);
    const words = arena.wordsOf(node);
    const at = arena.offset(node) >>> 2;
    for (let i = at; i < at + 4; i++) words[i] = 0;
    return node;
  }

  count(node: Ref): number {
    return this.arena.wordsOf(node)[this.arena.offset(node) >>> 2];
  }

  setEntry(node: Ref, slot: number, score: number, ref: Ref): void {
    const { arena } = this;
    const at = arena.offset(node) >>> 2;
    arena.doublesOf(node)[(at >>> 1) + scoresDouble + slot] = score;
    arena.wordsOf(node)[at + refsWord + slot] = ref;
  }

  /** Makes the entry in slot `slot` of `parent` the first one of `child`. */
  copyLeast(child: Ref, parent: Ref, slot: number): void {
    const { arena } = this;
    const at = arena.offset(child) >>> 2;
    const score = arena.doublesOf(child)[(at >>> 1) + scoresDouble];
    this.setEntry(parent, slot, score, arena.wordsOf(child)[at + refsWord]);
  }

  /** Makes room for an entry in a node that is not full; what is in the slot is undefined. */
  openSlot(node: Ref, slot: number, level: number): void {
    const { arena } = this;
    const words = arena.wordsOf(node);
    const doubles = arena.doublesOf(node);
    const at = arena.offset(node) >>> 2;
    const scores = (at >>> 1) + scoresDouble;
    const refs = at + refsWord;
    const last = words[at]++;
    for (let i = last; i > slot; i--) {
      doubles[scores + i] = doubles[scores + i - 1];
      words[refs + i] = words[refs + i - 1];
    }
    if (level === 0) return;
    const children = at + childrenWord;
    const counts = at + countsWord;
    for (let i = last; i > slot; i--) {
      words[children + i] = words[children + i - 1];
      words[counts + i] = words[counts + i - 1];
    }
  }

  /** Takes an entry, and what belongs to it, out of a node. */
  closeSlot(node: Ref, slot: number, level: number): void {
    const { arena } = this;
    const words = arena.wordsOf(node);
    const doubles = arena.doublesOf(node);
    const at = arena.offset(node) >>> 2;
    const scores = (at >>> 1) + scoresDouble;
    const refs = at + refsWord;
    const last = --words[at];
    for (let i = slot; i < last; i++) {
      doubles[scores + i] = doubles[scores + i + 1];
      words[refs + i] = words[refs + i + 1];
    }
    if (level === 0) return;
    const children = at + childrenWord;
    const counts = at + countsWord;
    for (let i = slot; i < last; i++) {
      words[children + i] = words[children + i + 1];
      words[counts + i] = words[counts + i + 1];
    }
  }

  /** Moves the entries from `point` on of the full child `slot` to a new node beside it. `level`: theirs. */
  split(parent: Ref, slot: number, level: number, point: number): void {
    const { arena } = this;
    const words = arena.wordsOf(parent);
    const at = arena.offset(parent) >>> 2;
    const node = words[at + childrenWord + slot];
    const sibling = this.create(level);
    this.#append(node, point, sibling, level);
    arena.wordsOf(node)[arena.offset(node) >>> 2] = point;
    if (level === 0) this.#linkAfter(node, sibling);
    this.openSlot(parent, slot + 1, level + 1);
    const moved = this.#countBelow(sibling, level);
    words[at + childrenWord + slot + 1] = sibling;
    words[at + countsWord + slot + 1] = moved;
    words[at + countsWord + slot] -= moved;
    this.copyLeast(sibling, parent, slot + 1);
  }

  /** Makes child `slot` and a neighbour one node, if that is small enough. `level`: theirs. */
  join(parent: Ref, slot: number, level: number): void {
    const { arena } = this;
    const words = arena.wordsOf(parent);
    const at = arena.offset(parent) >>> 2;
    if (words[at] === 1) return;
    const left = slot + 1 < words[at] ? slot : slot - 1;
    const target = words[at + childrenWord + left];
    const source = words[at + childrenWord + left + 1];
    if (this.count(target) + this.count(source) > joinedMax) return;
    this.#append(source, 0, target, level);
    words[at + countsWord + left] += words[at + countsWord + left + 1];
    this.closeSlot(parent, left + 1, level + 1);
    this.free(source, level);
  }

  /** Frees a node; a leaf's neighbours become each other's. */
  free(node: Ref, level: number): void {
    const { arena } = this;
    if (level > 0) {
      arena.free(node, innerClass);
      return;
    }
    const words = arena.wordsOf(node);
    const at = arena.offset(node) >>> 2;
    const previous = words[at + previousWord];
    const next = words[at + nextWord];
    if (previous !== 0) arena.wordsOf(previous)[(arena.offset(previous) >>> 2) + nextWord] = next;
    if (next !== 0) arena.wordsOf(next)[(arena.offset(next) >>> 2) + previousWord] = previous;
    arena.free(node, leafClass);
  }

  /** Frees an inner node and those below it, but no leaf. */
  freeInner(node: Ref, level: number): void {
    const { arena } = this;
    const words = arena.wordsOf(node);
    const at = arena.offset(node) >>> 2;
    if (level > 1) {
      for (let i = 0; i < words[at]; i++) this.freeInner(words[at + childrenWord + i], level - 1);
    }
    arena.free(node, innerClass);
  }

  /** Copies the entries from slot `from` on to the end of another node of the same level. */
  #append(source: Ref, from: number, target: Ref, level: number): void {
    const { arena } = this;
    const sourceWords = arena.wordsOf(source);
    const targetWords = arena.wordsOf(target);
    const sourceAt = arena.offset(source) >>> 2;
    const targetAt = arena.offset(target) >>> 2;
    const length = sourceWords[sourceAt] - from;
    const to = targetWords[targetAt];
    targetWords[targetAt] = to + length;
    const sourceScores = (sourceAt >>> 1) + scoresDouble + from;
    const targetScores = (targetAt >>> 1) + scoresDouble + to;
    const sourceDoubles = arena.doublesOf(source);
    const targetDoubles = arena.doublesOf(target);
    for (let i = 0; i < length; i++) targetDoubles[targetScores + i] = sourceDoubles[sourceScores + i];
    const columns = level === 0 ? 1 : 3;
    for (let column = 0; column < columns; column++) {
      const sourceColumn = sourceAt + refsWord + column * nodeMax + from;
      const targetColumn = targetAt + refsWord + column * nodeMax + to;
      for (let i = 0; i < length; i++) targetWords[targetColumn + i] = sourceWords[sourceColumn + i];
    }
  }

  #linkAfter(leaf: Ref, added: Ref): void {
    const { arena } = this;
    const words = arena.wordsOf(leaf);
    const at = arena.offset(leaf) >>> 2;
    const next = words[at + nextWord];
    const addedWords = arena.wordsOf(added);
    const addedAt = arena.offset(added) >>> 2;
    addedWords[addedAt + previousWord] = leaf;
    addedWords[addedAt + nextWord] = next;
    words[at + nextWord] = added;
    if (next !== 0) arena.wordsOf(next)[(arena.offset(next) >>> 2) + previousWord] = added;
  }

  /** Number of entries in the leaves below a node, its own when it is a leaf. */
  #countBelow(node: Ref, level: number): number {
    const { arena } = this;
    const words = arena.wordsOf(node);
    const at = arena.offset(node) >>> 2;
    if (level === 0) return words[at];
    let total = 0;
    for (let i = 0; i < words[at]; i++) total += words[at + countsWord + i];
    return total;
  }
}
