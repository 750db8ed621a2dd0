/**
 * The elements of a list. They come and go at the ends without anything being moved or allocated, but for
 * a new node now and then; in the middle, only the bytes of one node are moved.
 *
 * The base of ListValue, which knows when a change is to be reported and as what mutation.
 */
// @hot-path
import type { Ref } from '../arena.js';
import { ListCursor } from './list-cursor.js';
import {
  contentBytes,
  contentBytesMax,
  createLargeNode,
  createNode,
  freeNode,
  headBytes,
  nodeBegin,
  nodeBytesMax,
  nodeCapacity,
  nodeCount,
  nodeEnd,
  nodeKind,
  nodeKinds,
  nodeOrder,
  packedBytes,
  popElements,
  pushElement,
  type Side,
  sides,
} from './list-node.js';
import {
  appendContent,
  removeElements,
  removeSpan,
  replaceSpan,
  resizeNode,
  slideContent,
  splitNode,
} from './list-node-edits.js';
import { ListNodes } from './list-nodes.js';

const found = new ListCursor();

export abstract class ListElements extends ListNodes {
  // Changes at the ends

  /** Makes the first node, for elements that take `content` bytes and are about to be added on `side`. */
  protected reserve(side: Side, content: number): void {
    this.insertNode(0, createNode(this.arena, Math.min(content, contentBytesMax), side, 0));
  }

  /** Adds an element at one end. */
  protected add(side: Side, bytes: Uint8Array, start: number, length: number): void {
    const node = this.outerNode(side);
    if (node === 0 || !pushElement(this.arena, node, side, bytes, start, length)) {
      this.#addSlowly(side, bytes, start, length);
    }
    this.size++;
    this.mark(this.outerNode(side));
  }

  /** Removes `count` elements at one end. */
  protected drop(side: Side, count: number): void {
    const { arena } = this;
    this.size -= count;
    for (let left = count; left > 0; ) {
      const node = this.outerNode(side);
      const inNode = nodeCount(arena, node);
      if (inNode <= left) {
        this.removeNode(side === sides.left ? 0 : this.nodes - 1);
        left -= inNode;
        continue;
      }
      popElements(arena, node, side, left);
      this.mark(node);
      break;
    }
    if (this.nodes === 1) this.#trim(0);
  }

  /** No room on that side: makes some in the outer node, or a new one. */
  #addSlowly(side: Side, bytes: Uint8Array, start: number, length: number): void {
    const { arena } = this;
    const needed = packedBytes(length);
    const at = side === sides.left ? 0 : this.nodes;
    if (needed > contentBytesMax) {
      this.insertNode(at, createLargeNode(arena, bytes, start, length, this.orderAt(at)));
      return;
    }
    const node = this.outerNode(side);
    if (node === 0 || !this.#makeRoom(node, side, needed)) {
      // Where one full node is, more will follow: full size at once, unless elements are large.
      const content = node === 0 || needed * 8 > nodeBytesMax ? needed : contentBytesMax;
      this.insertNode(at, createNode(arena, content, side, this.orderAt(at)));
    }
    pushElement(arena, this.outerNode(side), side, bytes, start, length);
  }

  /** Room for `needed` bytes on a side of an outer node, by moving its content or by a larger block. */
  #makeRoom(node: Ref, side: Side, needed: number): boolean {
    const { arena } = this;
    if (nodeKind(arena, node) !== nodeKinds.packed) return false;
    const used = contentBytes(arena, node);
    const capacity = nodeCapacity(arena, node);
    const free = capacity - headBytes - used;
    if (free >= needed && free - needed >= used >>> 1) {
      // Worth moving: half of what is free stays on each side, so that both may go on for long.
      const other = (free - needed) >>> 1;
      slideContent(arena, node, headBytes + (side === sides.left ? free - other : other));
      return true;
    }
    if (capacity >= nodeBytesMax || used + needed > contentBytesMax) return false;
    const content = Math.min(contentBytesMax, used * 2 + needed);
    this.setNode(side === sides.left ? 0 : this.nodes - 1, resizeNode(arena, node, content, side));
    return true;
  }

  // Changes anywhere

  /** Puts an element in place of the one at `at`. */
  protected replaceAt(at: ListCursor, bytes: Uint8Array, start: number, length: number): void {
    const { arena } = this;
    const { position, node, from, after } = at;
    const needed = packedBytes(length);
    if (nodeCount(arena, node) === 1) {
      const order = nodeOrder(arena, node);
      const created = this.#createFor(bytes, start, length, order);
      freeNode(arena, node);
      this.setNode(position, created);
    } else if (
      needed <= contentBytesMax &&
      contentBytes(arena, node) - (after - from) + needed <= contentBytesMax
    ) {
      this.setNode(position, replaceSpan(arena, node, from, after, bytes, start, length));
      this.#trim(position);
    } else {
      const { within } = at;
      const gap = removeSpan(arena, node, from, after);
      this.setNode(position, node);
      this.#insert(position, gap, within, bytes, start, length);
    }
  }

  /** Inserts an element before the one at `at`. */
  protected insertAt(at: ListCursor, bytes: Uint8Array, start: number, length: number): void {
    this.size++;
    this.#insert(at.position, at.from, at.within, bytes, start, length);
  }

  /** Removes elements by index. Ascending, each once. */
  protected removeAll(indexes: readonly number[]): void {
    const { arena } = this;
    found.seek(this, indexes[0]);
    let base = indexes[0] - found.within;
    let { position } = found;
    for (let next = 0; next < indexes.length; ) {
      const node = this.node(position);
      const count = nodeCount(arena, node);
      const isPacked = nodeKind(arena, node) === nodeKinds.packed;
      let removed = 0;
      if (indexes[next] < base + count)
        removed = isPacked ? removeElements(arena, node, base, indexes, next) : 1;
      next += removed;
      base += count;
      this.size -= removed;
      if (removed === count) {
        this.removeNode(position);
        continue;
      }
      if (removed > 0) {
        this.setNode(position, node);
        this.#trim(position);
      }
      if (removed === 0 || !this.#joinPrevious(position)) position++;
    }
  }

  /**
   * Inserts an element into the node at a position, where `within` elements come before it and the rest
   * starts at `from`; into a neighbour or a new node when there is no room.
   */
  #insert(
    position: number,
    from: number,
    within: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    const { arena } = this;
    const node = this.node(position);
    if (this.#hasRoom(position, length)) {
      this.setNode(position, replaceSpan(arena, node, from, from, bytes, start, length));
      return;
    }
    let at = position + 1;
    if (within === 0) {
      at = position;
    } else if (within < nodeCount(arena, node)) {
      const rest = splitNode(arena, node, from, within, this.orderAt(at));
      this.setNode(position, node);
      this.insertNode(at, rest);
      this.#trim(position);
    }
    this.#insertBetween(at, bytes, start, length);
  }

  /** Inserts an element between two nodes: into one of them if there is room, or a node of its own at `at`. */
  #insertBetween(at: number, bytes: Uint8Array, start: number, length: number): void {
    const { arena } = this;
    if (at > 0 && this.#hasRoom(at - 1, length)) {
      const node = this.node(at - 1);
      const end = nodeEnd(arena, node);
      this.setNode(at - 1, replaceSpan(arena, node, end, end, bytes, start, length));
    } else if (at < this.nodes && this.#hasRoom(at, length)) {
      const node = this.node(at);
      const begin = nodeBegin(arena, node);
      this.setNode(at, replaceSpan(arena, node, begin, begin, bytes, start, length));
    } else {
      this.insertNode(at, this.#createFor(bytes, start, length, this.orderAt(at)));
    }
  }

  #hasRoom(position: number, length: number): boolean {
    const node = this.node(position);
    const needed = packedBytes(length);
    if (needed > contentBytesMax || nodeKind(this.arena, node) !== nodeKinds.packed) return false;
    return contentBytes(this.arena, node) + needed <= contentBytesMax;
  }

  /** A node of one element. */
  #createFor(bytes: Uint8Array, start: number, length: number, order: number): Ref {
    const needed = packedBytes(length);
    if (needed > contentBytesMax) return createLargeNode(this.arena, bytes, start, length, order);
    const node = createNode(this.arena, needed, sides.right, order);
    pushElement(this.arena, node, sides.right, bytes, start, length);
    return node;
  }

  /** Moves the elements of a node to the one before it, when the two fill less than half a node. */
  #joinPrevious(position: number): boolean {
    if (position === 0) return false;
    const { arena } = this;
    const previous = this.node(position - 1);
    const node = this.node(position);
    if (nodeKind(arena, previous) !== nodeKinds.packed || nodeKind(arena, node) !== nodeKinds.packed)
      return false;
    if ((contentBytes(arena, previous) + contentBytes(arena, node)) * 2 > contentBytesMax) return false;
    this.setNode(position - 1, appendContent(arena, previous, node));
    this.removeNode(position);
    return true;
  }

  /** Gives a node that has become almost empty a smaller block. */
  #trim(position: number): void {
    const { arena } = this;
    const node = this.node(position);
    const capacity = nodeCapacity(arena, node);
    const used = contentBytes(arena, node);
    if (capacity <= 256 || used * 8 > capacity || nodeKind(arena, node) !== nodeKinds.packed) return;
    this.setNode(position, resizeNode(arena, node, used * 2, sides.right));
  }
}
