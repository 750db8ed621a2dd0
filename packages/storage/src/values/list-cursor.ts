/**
 * Walks the elements of a list in either direction, without allocating. A cursor is valid until the
 * list changes; it may be used again for any list.
 */
// @hot-path
import { emptyBytes } from '@holdfast/common';
import type { Ref } from '../arena.js';
import {
  contentBytes,
  heapElement,
  lengthAt,
  lengthBefore,
  nodeBegin,
  nodeCount,
  nodeEnd,
  nodeKind,
  nodeKinds,
  packedBytes,
} from './list-node.js';
import type { ListNodes } from './list-nodes.js';

export class ListCursor {
  /** The element is `bytes[start, start + length)`: a view, not a copy. */
  bytes: Uint8Array = emptyBytes;
  start = 0;
  length = 0;
  /** Where it is: the node's position in the list, and the element's place in the node. */
  position = 0;
  node: Ref = 0;
  /** How many elements of the node come before it. */
  within = 0;
  /** Its packed form is `[from, after)` of the node's block. */
  from = 0;
  after = 0;
  #list!: ListNodes;
  #block = 0;
  #begin = 0;
  #end = 0;

  /** Goes to element `index`, from 0 to the list's size - 1. */
  seek(list: ListNodes, index: number): void {
    this.#list = list;
    this.#enter(list.locate(index, this));
    const { within } = this;
    const count = nodeCount(list.arena, this.node);
    if (within * 2 < count) {
      this.#readFirst();
      for (let i = 0; i < within; i++) this.next();
    } else {
      this.#readLast(count);
      for (let i = count - 1; i > within; i--) this.previous();
    }
  }

  /** Goes to the next element; false when there is none. */
  next(): boolean {
    const { after } = this;
    if (after === this.#end) {
      if (this.position + 1 >= this.#list.nodes) return false;
      this.#enter(this.position + 1);
      this.#readFirst();
      return true;
    }
    this.within++;
    this.#readPacked(after, lengthAt(this.bytes, this.#block + after));
    return true;
  }

  /** Goes to the previous element; false when there is none. */
  previous(): boolean {
    const { from } = this;
    if (from === this.#begin) {
      if (this.position === 0) return false;
      this.#enter(this.position - 1);
      this.#readLast(nodeCount(this.#list.arena, this.node));
      return true;
    }
    this.within--;
    const length = lengthBefore(this.bytes, this.#block + from);
    this.#readPacked(from - packedBytes(length), length);
    return true;
  }

  #enter(position: number): void {
    const list = this.#list;
    const { arena } = list;
    const node = list.node(position);
    this.position = position;
    this.node = node;
    this.#block = arena.offset(node);
    this.#begin = nodeBegin(arena, node);
    this.#end = nodeEnd(arena, node);
    this.bytes = arena.chunk(node);
  }

  #readFirst(): void {
    this.within = 0;
    if (nodeKind(this.#list.arena, this.node) !== nodeKinds.packed) this.#readLarge();
    else this.#readPacked(this.#begin, lengthAt(this.bytes, this.#block + this.#begin));
  }

  #readLast(count: number): void {
    this.within = count - 1;
    if (nodeKind(this.#list.arena, this.node) !== nodeKinds.packed) {
      this.#readLarge();
      return;
    }
    const length = lengthBefore(this.bytes, this.#block + this.#end);
    this.#readPacked(this.#end - packedBytes(length), length);
  }

  #readPacked(from: number, length: number): void {
    this.from = from;
    this.after = from + packedBytes(length);
    this.start = this.#block + from + (length < 255 ? 1 : 5);
    this.length = length;
  }

  /** The one element of a plain or heap node. */
  #readLarge(): void {
    const { arena } = this.#list;
    this.from = this.#begin;
    this.after = this.#end;
    if (nodeKind(arena, this.node) === nodeKinds.plain) {
      this.start = this.#block + this.#begin;
      this.length = contentBytes(arena, this.node);
      return;
    }
    this.bytes = heapElement(arena, this.node);
    this.start = 0;
    this.length = this.bytes.length;
  }
}
