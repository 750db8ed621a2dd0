/**
 * An entry in a stream's node:
 *
 *     | size | flags u8 | ms | seq | [number of fields | name | ...] value | ... | size, from its end |
 *
 * Numbers are varints: seven bits a byte, least ones first, the top bit when more follow (the last size is read from
 * its end). `ms` counts from the node's id, and so does `seq` if `ms` is 0; else it counts from 0. Names
 * are left out when they are those that the node's entries share. `size` is that of what lies between the two: a
 * walk passes over an entry without looking inside, in either direction.
 *
 * `EntryDraft` writes entries; `StreamCursor` reads them.
 */
// @hot-path
import type { Arena, Ref } from '../arena.js';
import { listpackBytes, listpackIntegerBytes } from './list-encoding.js';
import type { StreamId } from './stream-id.js';
import {
  contentBytesMax,
  contentStart,
  createNode,
  entryAdded,
  isFull,
  nodeBytes,
  nodeCapacity,
  nodeEnd,
  resizeNode,
  setSharedFields,
  sharedFields,
} from './stream-node.js';
import { integerOf, isPiece, pieceBytes, skipPiece, writePiece } from './stream-piece.js';

export const entryFlags = { deleted: 1, sharesFields: 2 } as const;

const wordSize = 2 ** 32;
/** Most bytes of the varints and flags around the pieces: two sizes, flags, ms, seq, number of fields. */
const overheadMax = 36;

/** Fields and values on their way into a node: to be filled again and again. */
export class EntryDraft {
  /** Number of fields. */
  count = 0;
  #bytes!: Uint8Array;
  /** Start and length of each piece, and the integer that is kept for it or NaN: names and values in turn. */
  #starts = new Int32Array(64);
  #lengths = new Int32Array(64);
  #integers = new Float64Array(64);
  #pieces = 0;
  /** Bytes of all texts, of the pieces, and of the pieces in a listpack: of names and of values. */
  #textBytes = 0;
  #nameBytes = 0;
  #valueBytes = 0;
  #nameListpackBytes = 0;
  #valueListpackBytes = 0;
  /** The id of the entry relative to the node's, as it is written. */
  #msHigh = 0;
  #msLow = 0;
  #seqHigh = 0;
  #seqLow = 0;
  #isSameMs = false;

  /** Begins an entry of `count` fields, whose pieces lie in `bytes`. */
  begin(bytes: Uint8Array, count: number): void {
    this.#bytes = bytes;
    this.count = count;
    this.#pieces = 0;
    this.#textBytes = 0;
    this.#nameBytes = 0;
    this.#valueBytes = 0;
    this.#nameListpackBytes = 0;
    this.#valueListpackBytes = 0;
    if (count * 2 > this.#starts.length) this.#reserve(count * 4);
  }

  /** Adds a piece: a name, its value, the next name, ... */
  add(start: number, length: number): void {
    const i = this.#pieces++;
    const bytes = this.#bytes;
    const n = integerOf(bytes, start, length);
    this.#starts[i] = start;
    this.#lengths[i] = length;
    this.#integers[i] = n;
    this.#textBytes += length;
    const packed = pieceBytes(length, n);
    const inListpack = n === n ? listpackIntegerBytes(n) : listpackBytes(bytes, start, length);
    if ((i & 1) === 0) {
      this.#nameBytes += packed;
      this.#nameListpackBytes += inListpack;
    } else {
      this.#valueBytes += packed;
      this.#valueListpackBytes += inListpack;
    }
  }

  /** Whether the entry belongs in a new node rather than in this one. */
  needsNode(arena: Arena, node: Ref): boolean {
    return isFull(arena, node, this.#textBytes, overheadMax + this.#nameBytes + this.#valueBytes);
  }

  /** A new node that begins with the entry, with room for `content` bytes at least; returns it. */
  open(arena: Arena, id: StreamId, content: number): Ref {
    const needed = overheadMax + this.#nameBytes + this.#valueBytes;
    const node = createNode(arena, id, needed > content ? needed : content);
    const bytes = nodeBytes(arena, node);
    const start = contentStart(arena, node);
    let at = start;
    for (let i = 0; i < this.#pieces; i += 2) at = this.#writePiece(bytes, at, i);
    setSharedFields(arena, node, this.count, at - start, this.#nameListpackBytes);
    return this.append(arena, node, id, id);
  }

  /** Adds the entry at the end of a node, whose id is `nodeId`. Returns the node, which may have got another block. */
  append(arena: Arena, node: Ref, nodeId: StreamId, id: StreamId): Ref {
    this.#relate(nodeId, id);
    const isShared = this.#sharesFieldsOf(arena, node);
    const size = this.#size(isShared);
    const end = nodeEnd(arena, node);
    const needed = end + size + 2 * varintBytes(0, size);
    let target = node;
    if (needed > nodeCapacity(arena, node)) target = resizeNode(arena, node, roomFor(needed));
    const start = contentStart(arena, target);
    const after = this.#write(nodeBytes(arena, target), start + end, size, isShared);
    entryAdded(arena, target, after - start, this.#listpackBytes(isShared, nodeId, id));
    return target;
  }

  /** Works the id out as it is written. */
  #relate(nodeId: StreamId, id: StreamId): void {
    this.#msHigh = subtractHigh(id.msHigh, id.msLow, nodeId.msHigh, nodeId.msLow);
    this.#msLow = (id.msLow - nodeId.msLow) | 0;
    this.#isSameMs = (this.#msHigh | this.#msLow) === 0;
    this.#seqHigh = id.seqHigh;
    this.#seqLow = id.seqLow;
    if (!this.#isSameMs) return;
    this.#seqHigh = subtractHigh(id.seqHigh, id.seqLow, nodeId.seqHigh, nodeId.seqLow);
    this.#seqLow = (id.seqLow - nodeId.seqLow) | 0;
  }

  #sharesFieldsOf(arena: Arena, node: Ref): boolean {
    if (sharedFields(arena, node) !== this.count) return false;
    const bytes = nodeBytes(arena, node);
    let at = contentStart(arena, node);
    for (let i = 0; i < this.#pieces; i += 2) {
      const length = this.#lengths[i];
      if (!isPiece(bytes, at, this.#bytes, this.#starts[i], length, this.#integers[i])) return false;
      at = skipPiece(bytes, at);
    }
    return true;
  }

  #size(isShared: boolean): number {
    const id = varintBytes(this.#msHigh, this.#msLow) + varintBytes(this.#seqHigh, this.#seqLow);
    const names = isShared ? 0 : varintBytes(0, this.count) + this.#nameBytes;
    return 1 + id + names + this.#valueBytes;
  }

  #write(bytes: Uint8Array, from: number, size: number, isShared: boolean): number {
    let at = writeVarint(bytes, from, 0, size);
    bytes[at++] = isShared ? entryFlags.sharesFields : 0;
    at = writeVarint(bytes, at, this.#msHigh, this.#msLow);
    at = writeVarint(bytes, at, this.#seqHigh, this.#seqLow);
    if (isShared) {
      for (let i = 1; i < this.#pieces; i += 2) at = this.#writePiece(bytes, at, i);
    } else {
      at = writeVarint(bytes, at, 0, this.count);
      for (let i = 0; i < this.#pieces; i++) at = this.#writePiece(bytes, at, i);
    }
    return writeBackwards(bytes, at, size);
  }

  #writePiece(bytes: Uint8Array, at: number, i: number): number {
    return writePiece(bytes, at, this.#bytes, this.#starts[i], this.#lengths[i], this.#integers[i]);
  }

  /** What Redis would write: flags, differences to the node's id, number of fields, names, values, number of elements. */
  #listpackBytes(isShared: boolean, nodeId: StreamId, id: StreamId): number {
    const elements = 3 + (isShared ? this.count : 2 * this.count + 1);
    const seqHigh = subtractHigh(id.seqHigh, id.seqLow, nodeId.seqHigh, nodeId.seqLow);
    const seqLow = (id.seqLow - nodeId.seqLow) | 0;
    const names = isShared ? 0 : listpackIntegerBytes(this.count) + this.#nameListpackBytes;
    return (
      2 +
      listpackIntegerBytes(this.#msHigh * wordSize + (this.#msLow >>> 0)) +
      listpackIntegerBytes(seqHigh * wordSize + (seqLow >>> 0)) +
      names +
      this.#valueListpackBytes +
      listpackIntegerBytes(elements)
    );
  }

  #reserve(pieces: number): void {
    this.#starts = new Int32Array(pieces);
    this.#lengths = new Int32Array(pieces);
    this.#integers = new Float64Array(pieces);
  }
}

/** A block that is grown gets room for as much again. */
function roomFor(content: number): number {
  return Math.min(content * 2, contentBytesMax);
}

/** The high word of the difference of two numbers of 64 bits. */
function subtractHigh(high: number, low: number, otherHigh: number, otherLow: number): number {
  return (high - otherHigh - (low >>> 0 < otherLow >>> 0 ? 1 : 0)) | 0;
}

function varintBytes(high: number, low: number): number {
  if (high === 0) {
    if (low >>> 7 === 0) return 1;
    if (low >>> 14 === 0) return 2;
    if (low >>> 21 === 0) return 3;
    return low >>> 28 === 0 ? 4 : 5;
  }
  let bytes = 5;
  for (let rest = high >>> 3; rest !== 0; rest >>>= 7) bytes++;
  return bytes;
}

function writeVarint(bytes: Uint8Array, at: number, high: number, low: number): number {
  let h = high;
  let l = low;
  let to = at;
  while (h !== 0 || l >>> 7 !== 0) {
    bytes[to++] = (l & 0x7f) | 0x80;
    l = (l >>> 7) | (h << 25);
    h >>>= 7;
  }
  bytes[to] = l;
  return to + 1;
}

/** Writes a size so that it can be read from its end. */
function writeBackwards(bytes: Uint8Array, at: number, size: number): number {
  const end = at + varintBytes(0, size);
  let to = end - 1;
  let rest = size;
  while (rest >>> 7 !== 0) {
    bytes[to--] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[to] = rest;
  return end;
}
