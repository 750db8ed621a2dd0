/**
 * A place in a stream, and the entry there, which is never one that is marked as deleted. Walks in either
 * direction without allocating. Valid until the stream changes; to be used again for any stream.
 */
// @hot-path
import { emptyBytes } from '@holdfast/common';
import type { Ref } from '../arena.js';
import type { StreamEntries } from './stream-entries.js';
import { entryFlags } from './stream-entry.js';
import { StreamId } from './stream-id.js';
import {
  compareNode,
  contentStart,
  entriesStart,
  nodeBytes,
  nodeEnd,
  nodeSize,
  readNodeId,
  sharedFields,
} from './stream-node.js';
import { PieceView } from './stream-piece.js';

const wordSize = 2 ** 32;

const next = new StreamId();

export class StreamCursor {
  readonly id = new StreamId();
  /** Number of fields. */
  fieldCount = 0;
  /** What `nextField` found. */
  readonly name = new PieceView();
  readonly value = new PieceView();
  /** The node: its position among the stream's, and its block. */
  position = 0;
  node: Ref = 0;
  /** The entry is marked by `bytes[flagsAt]`. */
  bytes: Uint8Array = emptyBytes;
  flagsAt = 0;
  #stream!: StreamEntries;
  readonly #nodeId = new StreamId();
  /** Positions in `bytes`: of the node's content, of its first entry, of its end, of this entry and behind it. */
  #content = 0;
  #begin = 0;
  #end = 0;
  #at = 0;
  #after = 0;
  /** Where the next name is, among the shared ones or before its value, and the next value. */
  #nameAt = 0;
  #valueAt = 0;
  #sharesFields = false;
  /** What `#readVarint` read. */
  #high = 0;
  #low = 0;

  /** Goes to the first entry from `id` on; false when there is none. */
  seekFrom(stream: StreamEntries, id: StreamId): boolean {
    this.#stream = stream;
    if (stream.size === 0) return false;
    this.#enter(stream.nodeAt(id));
    // Most look for what came last: such an entry is found from the end of its node.
    this.#at = this.#nodeId.compare(id) < 0 ? this.#end : this.#begin;
    while (this.#at > this.#begin) {
      this.#readBefore();
      if (this.id.compare(id) < 0) return this.next();
    }
    this.#after = this.#begin;
    return this.next();
  }

  /** Goes to the first entry behind `id`; false when there is none. */
  seekBehind(stream: StreamEntries, id: StreamId): boolean {
    return next.copy(id).increment() && this.seekFrom(stream, next);
  }

  /** Goes to the last entry up to `id`; false when there is none. */
  seekTo(stream: StreamEntries, id: StreamId): boolean {
    this.#stream = stream;
    if (stream.size === 0) return false;
    this.#enter(stream.nodeAt(id));
    this.#at = this.#end;
    while (this.previous()) if (this.id.compare(id) <= 0) return true;
    return false;
  }

  /** Goes to the first entry of the node at a position, which has one. */
  seekNode(stream: StreamEntries, position: number): void {
    this.#stream = stream;
    this.#enter(position);
    this.#after = this.#begin;
    this.next();
  }

  /** Goes to the next entry; false when there is none. */
  next(): boolean {
    for (;;) {
      if (this.#after === this.#end) {
        if (this.position + 1 >= this.#stream.nodes.length) return false;
        this.#enter(this.position + 1);
        this.#after = this.#begin;
      }
      this.#read(this.#after);
      if ((this.bytes[this.flagsAt] & entryFlags.deleted) === 0) return true;
    }
  }

  /** Goes to the entry before; false when there is none. */
  previous(): boolean {
    for (;;) {
      if (this.#at === this.#begin) {
        if (this.position === 0) return false;
        this.#enter(this.position - 1);
        this.#at = this.#end;
      }
      this.#readBefore();
      if ((this.bytes[this.flagsAt] & entryFlags.deleted) === 0) return true;
    }
  }

  /**
   * How many entries there are from this one up to `end`, at most `max`. Nodes that lie within are not walked
   * through. The cursor stays where it is.
   */
  countTo(end: StreamId, max: number): number {
    const { position } = this;
    const at = this.#at;
    const count = this.#countTo(end, max);
    if (this.position !== position) this.#enter(position);
    if (this.#at !== at) this.#read(at);
    return count < max ? count : max;
  }

  #countTo(end: StreamId, max: number): number {
    const { arena, nodes } = this.#stream;
    let count = 0;
    while (this.id.compare(end) <= 0) {
      const { position } = this;
      if (++count >= max || !this.next()) break;
      // At the start of a node: those before the last one of the range are counted as a whole.
      while (this.position !== position && count < max) {
        const following = this.position + 1;
        if (following >= nodes.length || compareNode(arena, nodes.at(following), end) > 0) break;
        count += nodeSize(arena, this.node);
        this.seekNode(this.#stream, following);
      }
      if (count >= max) break;
    }
    return count;
  }

  /** Reads the next field into `name` and `value`: as often as there are fields, after the cursor was moved. */
  nextField(): void {
    const { bytes } = this;
    const afterName = this.name.read(bytes, this.#nameAt);
    const afterValue = this.value.read(bytes, this.#sharesFields ? this.#valueAt : afterName);
    this.#nameAt = this.#sharesFields ? afterName : afterValue;
    this.#valueAt = afterValue;
  }

  #enter(position: number): void {
    const { arena, nodes } = this.#stream;
    const node = nodes.at(position);
    const content = contentStart(arena, node);
    this.position = position;
    this.node = node;
    this.bytes = nodeBytes(arena, node);
    this.#content = content;
    this.#begin = content + entriesStart(arena, node);
    this.#end = content + nodeEnd(arena, node);
    readNodeId(arena, node, this.#nodeId);
  }

  /** Reads the entry that ends where this one begins. */
  #readBefore(): void {
    const { bytes } = this;
    let at = this.#at - 1;
    let byte = bytes[at];
    let size = byte & 0x7f;
    for (let shift = 7; byte >= 128; shift += 7) {
      byte = bytes[--at];
      size |= (byte & 0x7f) << shift;
    }
    // The size takes as many bytes before as behind.
    this.#read(at - size - (this.#at - at));
  }

  #read(from: number): void {
    const { bytes } = this;
    this.#at = from;
    let at = this.#readVarint(from);
    this.#after = at + this.#low + (at - from);
    this.flagsAt = at;
    this.#sharesFields = (bytes[at] & entryFlags.sharesFields) !== 0;
    at = this.#readId(at + 1);
    if (this.#sharesFields) {
      this.fieldCount = sharedFields(this.#stream.arena, this.node);
      this.#nameAt = this.#content;
    } else {
      at = this.#readVarint(at);
      this.fieldCount = this.#low;
      this.#nameAt = at;
    }
    this.#valueAt = at;
  }

  #readId(from: number): number {
    const { id } = this;
    const nodeId = this.#nodeId;
    let at = this.#readVarint(from);
    const isSameMs = (this.#high | this.#low) === 0;
    const ms = (nodeId.msLow >>> 0) + (this.#low >>> 0);
    id.msLow = ms | 0;
    id.msHigh = (nodeId.msHigh + this.#high + (ms >= wordSize ? 1 : 0)) | 0;
    at = this.#readVarint(at);
    if (isSameMs) {
      const seq = (nodeId.seqLow >>> 0) + (this.#low >>> 0);
      id.seqLow = seq | 0;
      id.seqHigh = (nodeId.seqHigh + this.#high + (seq >= wordSize ? 1 : 0)) | 0;
    } else {
      id.seqLow = this.#low;
      id.seqHigh = this.#high;
    }
    return at;
  }

  #readVarint(from: number): number {
    const { bytes } = this;
    let byte = bytes[from];
    let at = from + 1;
    let low = byte & 0x7f;
    let high = 0;
    for (let shift = 7; byte >= 128; shift += 7) {
      byte = bytes[at++];
      const bits = byte & 0x7f;
      if (shift < 32) low |= bits << shift;
      if (shift > 25) high |= shift < 32 ? bits >>> (32 - shift) : bits << (shift - 32);
    }
    this.#low = low;
    this.#high = high;
    return at;
  }
}
