/**
 * The members of a large sorted set in order of score and member, with ranks: a B+ tree whose nodes are
 * blocks of the arena (see IndexNodes). Its entries name records of a Dict, which holds the members'
 * bytes; the score lies beside the ref, so that a record is looked at only where scores are equal.
 *
 *                     | 0 "ab": 40 | 7 "x": 35 |              least entry of each child: entries below
 *                       |            |
 *          | 0 "ab" | 0 "b" | ... |<->| 7 "x" | 7.5 "a" | ... |
 *
 * The least entries are exact: a removed record is named nowhere. A full node is split on the way down,
 * in halves, or at its end where entries are being appended, so that ascending scores fill their nodes. A
 * node with a quarter of its entries or less joins a neighbour if both fit in three quarters of a node.
 *
 * `locate` and `seek` remember their path, `rankHere` and `removeHere` act upon it: no lookup in another
 * index may come between.
 */
// @hot-path
import type { Arena, Ref } from '../arena.js';
import type { Dict } from '../dict.js';
import {
  childrenWord,
  countsWord,
  IndexNodes,
  nextWord,
  nodeMax,
  previousWord,
  refsWord,
  scoresDouble,
} from './index-nodes.js';
import type { ZSetBound } from './zset-bound.js';

const joinMax = nodeMax >> 2;

/** Higher than any index that fits in an arena. */
const heightMax = 16;

/** The inner nodes on the way to what was looked up last, in whichever index, and the slot taken in each, by level. */
const pathNodes = new Int32Array(heightMax);
const pathSlots = new Int32Array(heightMax);

const noBytes = new Uint8Array(0);

export class OrderedIndex {
  /** Number of entries. */
  size = 0;
  /** Where the last lookup ended. */
  leaf: Ref = 0;
  slot = 0;
  readonly #arena: Arena;
  readonly #dict: Dict;
  readonly #nodes: IndexNodes;
  #root: Ref;
  /** The root's level: 0 when it is a leaf. */
  #height = 0;

  /** An empty index of records of `dict`. */
  constructor(dict: Dict) {
    this.#arena = dict.arena;
    this.#dict = dict;
    this.#nodes = new IndexNodes(dict.arena);
    this.#root = this.#nodes.create(0);
  }

  // Looking up

  /** Finds an entry that is there. */
  locate(score: number, ref: Ref): void {
    const arena = this.#arena;
    let node = this.#root;
    for (let level = this.#height; level > 0; level--) {
      const slot = this.#countTo(node, score, ref) - 1;
      pathNodes[level] = node;
      pathSlots[level] = slot;
      node = arena.wordsOf(node)[(arena.offset(node) >>> 2) + childrenWord + slot];
    }
    this.leaf = node;
    this.slot = this.#countTo(node, score, ref) - 1;
  }

  /** Finds the entry of a rank from 0 to `size` - 1. */
  seek(rank: number): void {
    const arena = this.#arena;
    let node = this.#root;
    let left = rank;
    for (let level = this.#height; level > 0; level--) {
      const words = arena.wordsOf(node);
      const at = arena.offset(node) >>> 2;
      let slot = 0;
      for (; left >= words[at + countsWord + slot]; slot++) left -= words[at + countsWord + slot];
      pathNodes[level] = node;
      pathSlots[level] = slot;
      node = words[at + childrenWord + slot];
    }
    this.leaf = node;
    this.slot = left;
  }

  get rankHere(): number {
    const arena = this.#arena;
    let rank = this.slot;
    for (let level = this.#height; level > 0; level--) {
      const node = pathNodes[level];
      const words = arena.wordsOf(node);
      const counts = (arena.offset(node) >>> 2) + countsWord;
      for (let i = pathSlots[level] - 1; i >= 0; i--) rank += words[counts + i];
    }
    return rank;
  }

  /** Number of entries of a leaf. */
  countOf(leaf: Ref): number {
    return this.#nodes.count(leaf);
  }

  refAt(leaf: Ref, slot: number): Ref {
    const arena = this.#arena;
    return arena.wordsOf(leaf)[(arena.offset(leaf) >>> 2) + refsWord + slot];
  }

  /** The leaf that follows a leaf, 0 after the last. */
  nextOf(leaf: Ref): Ref {
    const arena = this.#arena;
    return arena.wordsOf(leaf)[(arena.offset(leaf) >>> 2) + nextWord];
  }

  previousOf(leaf: Ref): Ref {
    const arena = this.#arena;
    return arena.wordsOf(leaf)[(arena.offset(leaf) >>> 2) + previousWord];
  }

  /** How many entries lie before a bound. */
  countBefore(bound: ZSetBound): number {
    const arena = this.#arena;
    let node = this.#root;
    let total = 0;
    for (let level = this.#height; level > 0; level--) {
      const slot = this.#countBeforeIn(node, bound) - 1;
      if (slot < 0) return 0;
      const words = arena.wordsOf(node);
      const at = arena.offset(node) >>> 2;
      for (let i = 0; i < slot; i++) total += words[at + countsWord + i];
      node = words[at + childrenWord + slot];
    }
    return total + this.#countBeforeIn(node, bound);
  }

  // Changing

  /** Adds an entry for a record that has none. */
  insert(score: number, ref: Ref): void {
    const arena = this.#arena;
    const nodes = this.#nodes;
    if (nodes.count(this.#root) === nodeMax) this.#growRoot();
    let node = this.#root;
    let isFirst = true;
    let isLast = true;
    for (let level = this.#height; level > 0; level--) {
      const words = arena.wordsOf(node);
      const at = arena.offset(node) >>> 2;
      let slot = this.#countTo(node, score, ref) - 1;
      if (slot < 0) {
        slot = 0;
        nodes.setEntry(node, 0, score, ref);
      }
      isFirst &&= slot === 0;
      isLast &&= slot === words[at] - 1;
      const child = words[at + childrenWord + slot];
      if (nodes.count(child) === nodeMax) {
        nodes.split(node, slot, level - 1, this.#splitPoint(child, score, ref, isFirst, isLast));
        if (this.#isUpTo(node, slot + 1, score, ref)) slot++;
        isFirst &&= slot === 0;
        isLast &&= slot === words[at] - 1;
      }
      words[at + countsWord + slot]++;
      node = words[at + childrenWord + slot];
    }
    const slot = this.#countTo(node, score, ref);
    nodes.openSlot(node, slot, 0);
    nodes.setEntry(node, slot, score, ref);
    this.size++;
  }

  /** Removes the entry that was looked up. */
  removeHere(): void {
    const { leaf, slot } = this;
    const arena = this.#arena;
    this.#nodes.closeSlot(leaf, slot, 0);
    this.size--;
    for (let level = this.#height; level > 0; level--) {
      const node = pathNodes[level];
      arena.wordsOf(node)[(arena.offset(node) >>> 2) + countsWord + pathSlots[level]]--;
    }
    if (slot === 0 || this.#nodes.count(leaf) <= joinMax) this.#settlePath();
  }

  /** Gives a record that has an entry another score. */
  move(from: number, to: number, ref: Ref): void {
    this.locate(from, ref);
    if (this.#fitsHere(to, ref)) {
      this.#nodes.setEntry(this.leaf, this.slot, to, ref);
      return;
    }
    this.removeHere();
    this.insert(to, ref);
  }

  /** Frees the nodes of about `budget` entries; true when none is left. The index is of no use after. */
  release(budget: number): boolean {
    const arena = this.#arena;
    if (this.#height > 0) {
      this.seek(0);
      this.#nodes.freeInner(this.#root, this.#height);
      this.#height = 0;
      this.#root = this.leaf;
    }
    for (let left = budget; left > 0 && this.#root !== 0; left -= nodeMax) {
      const leaf = this.#root;
      this.#root = arena.wordsOf(leaf)[(arena.offset(leaf) >>> 2) + nextWord];
      this.#nodes.free(leaf, 0);
    }
    return this.#root === 0;
  }

  // Searching in a node

  /** How many entries of a node are not greater than (score, ref). */
  #countTo(node: Ref, score: number, ref: Ref): number {
    const arena = this.#arena;
    const dict = this.#dict;
    const words = arena.wordsOf(node);
    const doubles = arena.doublesOf(node);
    const at = arena.offset(node) >>> 2;
    const scores = (at >>> 1) + scoresDouble;
    const refs = at + refsWord;
    let low = 0;
    let high = words[at];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = doubles[scores + middle];
      if (other < score) low = middle + 1;
      else if (other > score) high = middle;
      else if (words[refs + middle] === ref) return middle + 1;
      else if (dict.compareKeys(words[refs + middle], ref) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether an entry of a node is not greater than (score, ref). */
  #isUpTo(node: Ref, slot: number, score: number, ref: Ref): boolean {
    const arena = this.#arena;
    const at = arena.offset(node) >>> 2;
    const other = arena.doublesOf(node)[(at >>> 1) + scoresDouble + slot];
    if (other !== score) return other < score;
    const record = arena.wordsOf(node)[at + refsWord + slot];
    return record === ref || this.#dict.compareKeys(record, ref) < 0;
  }

  #countBeforeIn(node: Ref, bound: ZSetBound): number {
    const arena = this.#arena;
    const words = arena.wordsOf(node);
    const doubles = arena.doublesOf(node);
    const at = arena.offset(node) >>> 2;
    let low = 0;
    let high = words[at];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const score = doubles[(at >>> 1) + scoresDouble + middle];
      if (this.#isBefore(score, words[at + refsWord + middle], bound)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isBefore(score: number, ref: Ref, bound: ZSetBound): boolean {
    if (!bound.needsMember(score)) return bound.follows(score, noBytes, 0, 0);
    const dict = this.#dict;
    return bound.follows(score, this.#arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
  }

  /** Whether the entry that was looked up may have another score at its place. */
  #fitsHere(score: number, ref: Ref): boolean {
    const { leaf, slot } = this;
    // Inner nodes know the first entry of a leaf: it is not changed here.
    if (slot === 0 || !this.#isUpTo(leaf, slot - 1, score, ref)) return false;
    const arena = this.#arena;
    const at = arena.offset(leaf) >>> 2;
    if (slot + 1 < arena.wordsOf(leaf)[at]) return !this.#isUpTo(leaf, slot + 1, score, ref);
    return arena.wordsOf(leaf)[at + nextWord] === 0;
  }

  // Keeping the shape

  /** Puts a new root above the old one. */
  #growRoot(): void {
    const arena = this.#arena;
    const nodes = this.#nodes;
    const child = this.#root;
    const root = nodes.create(this.#height + 1);
    const words = arena.wordsOf(root);
    const at = arena.offset(root) >>> 2;
    words[at] = 1;
    words[at + childrenWord] = child;
    words[at + countsWord] = this.size;
    nodes.copyLeast(child, root, 0);
    this.#root = root;
    this.#height++;
  }

  /** Where to split a full node: in the middle, but near the end where an entry is put at an end of all. */
  #splitPoint(node: Ref, score: number, ref: Ref, isFirst: boolean, isLast: boolean): number {
    if (isLast && this.#isUpTo(node, nodeMax - 1, score, ref)) return nodeMax - 1;
    if (isFirst && !this.#isUpTo(node, 0, score, ref)) return 1;
    return nodeMax >> 1;
  }

  /** Puts the path right after a removal: least entries, nodes that are empty or almost, the root. */
  #settlePath(): void {
    const arena = this.#arena;
    const nodes = this.#nodes;
    let node = this.leaf;
    for (let level = 1; level <= this.#height; level++) {
      const parent = pathNodes[level];
      const slot = pathSlots[level];
      const count = nodes.count(node);
      if (count === 0) {
        nodes.closeSlot(parent, slot, level);
        nodes.free(node, level - 1);
      } else {
        nodes.copyLeast(node, parent, slot);
        if (count <= joinMax) nodes.join(parent, slot, level - 1);
      }
      node = parent;
    }
    while (this.#height > 0 && nodes.count(this.#root) === 1) {
      const root = this.#root;
      this.#root = arena.wordsOf(root)[(arena.offset(root) >>> 2) + childrenWord];
      nodes.free(root, this.#height--);
    }
  }
}
