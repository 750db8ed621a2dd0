/**
 * A node of a stream: entries one after another in one block of the arena, the names of their fields only
 * once as long as they stay the same.
 *
 *     words 0-3  id: that of the first entry the node ever had; a node keeps it for its life
 *     word 4     entries that are there
 *     word 5     entries that are marked as deleted
 *     word 6     end: bytes of the content
 *     word 7     capacity: room for the content, in bytes
 *     word 8     number of a Buffer beside the arena that holds the content, + 1; 0 when it follows here
 *     word 9     bytes that the content would take in a listpack, as Redis has it
 *     word 10    number of shared fields
 *     word 11    where the first entry starts        (positions count from the start of the content)
 *     content    | names of the shared fields | entry | entry | ...
 *
 * What an entry looks like is said in `stream-entry.ts`. An entry too large for a block has a node of its own, in a
 * Buffer. Functions over an arena and a ref, as those of list nodes: a node costs nothing on the heap.
 */
// @hot-path
import { copyBytes } from '@holdfast/common';
import { type Arena, type Ref, sizeClassOf, unitsOfClass } from '../arena.js';
import type { MutationReader, MutationWriter } from '../mutation.js';
import { encodingLimits } from './encoding-limits.js';
import { listpackHeadBytes, listpackIntegerBytes } from './list-encoding.js';
import { compareWords, StreamId } from './stream-id.js';

const headBytes = 48;
/** Content up to this size lies in a block, however large the parameters let nodes become. */
export const contentBytesMax: number = (1 << 20) - headBytes;
/** Redis' own limit where the parameter says none. */
const listpackBytesMax = 1 << 30;

/** What a node without shared fields and entries takes as a listpack: head, number of fields, end of the fields. */
export const emptyListpackBytes: number = listpackHeadBytes + 2;

/** The words that a node's description holds, beside id and content. */
const describedWords = [4, 5, 9, 10, 11] as const;
const described = new Uint32Array(describedWords.length);
const id = new StreamId();

/** An empty node with room for `content` bytes. */
export function createNode(arena: Arena, nodeId: StreamId, content: number): Ref {
  const isLarge = content > contentBytesMax;
  const sizeClass = sizeClassOf((headBytes + (isLarge ? 0 : content) + 7) >>> 3);
  const node = arena.allocate(sizeClass);
  const words = arena.wordsOf(node);
  const at = arena.offset(node) >>> 2;
  nodeId.writeWords(words, at);
  for (let i = 4; i < 12; i++) words[at + i] = 0;
  words[at + 7] = isLarge ? content : (unitsOfClass(sizeClass) << 3) - headBytes;
  if (isLarge) {
    words[at + 8] = arena.attach(Buffer.allocUnsafeSlow(content)) + 1;
    arena.usedBytes += content;
  }
  return node;
}

export function freeNode(arena: Arena, node: Ref): void {
  const words = arena.wordsOf(node);
  const at = arena.offset(node) >>> 2;
  const isLarge = words[at + 8] !== 0;
  if (isLarge) {
    arena.detach(words[at + 8] - 1);
    arena.usedBytes -= words[at + 7];
  }
  arena.free(node, sizeClassOf((headBytes + (isLarge ? 0 : words[at + 7])) >>> 3));
}

/** Gives a node that lies in a block another one with room for `content` bytes, at least what it has; returns it. */
export function resizeNode(arena: Arena, node: Ref, content: number): Ref {
  const sizeClass = sizeClassOf((headBytes + content + 7) >>> 3);
  const capacity = (unitsOfClass(sizeClass) << 3) - headBytes;
  if (capacity === nodeCapacity(arena, node)) return node;
  const resized = arena.allocate(sizeClass);
  const length = headBytes + nodeEnd(arena, node);
  copyBytes(arena.chunk(node), arena.offset(node), arena.chunk(resized), arena.offset(resized), length);
  arena.wordsOf(resized)[(arena.offset(resized) >>> 2) + 7] = capacity;
  freeNode(arena, node);
  return resized;
}

/** The bytes among which the content lies, from `contentStart` on. */
export function nodeBytes(arena: Arena, node: Ref): Uint8Array {
  const number = arena.wordsOf(node)[(arena.offset(node) >>> 2) + 8];
  return number === 0 ? arena.chunk(node) : (arena.object(number - 1) as Buffer);
}

export function contentStart(arena: Arena, node: Ref): number {
  const at = arena.offset(node);
  return arena.wordsOf(node)[(at >>> 2) + 8] === 0 ? at + headBytes : 0;
}

export function readNodeId(arena: Arena, node: Ref, into: StreamId): StreamId {
  return into.readWords(arena.wordsOf(node), arena.offset(node) >>> 2);
}

/** The order of a node's id and another. */
export function compareNode(arena: Arena, node: Ref, id: StreamId): number {
  return compareWords(arena.wordsOf(node), arena.offset(node) >>> 2, id);
}

/** Entries that are there. */
export function nodeSize(arena: Arena, node: Ref): number {
  return arena.wordsOf(node)[(arena.offset(node) >>> 2) + 4];
}

export function nodeEnd(arena: Arena, node: Ref): number {
  return arena.wordsOf(node)[(arena.offset(node) >>> 2) + 6];
}

export function nodeCapacity(arena: Arena, node: Ref): number {
  return arena.wordsOf(node)[(arena.offset(node) >>> 2) + 7];
}

export function sharedFields(arena: Arena, node: Ref): number {
  return arena.wordsOf(node)[(arena.offset(node) >>> 2) + 10];
}

export function entriesStart(arena: Arena, node: Ref): number {
  return arena.wordsOf(node)[(arena.offset(node) >>> 2) + 11];
}

/** The names of `count` shared fields were written: the content so far. `listpackBytes`: what they add to it. */
export function setSharedFields(
  arena: Arena,
  node: Ref,
  count: number,
  end: number,
  listpackBytes: number,
): void {
  const words = arena.wordsOf(node);
  const at = arena.offset(node) >>> 2;
  words[at + 6] = end;
  words[at + 9] = emptyListpackBytes + listpackIntegerBytes(count) + listpackBytes;
  words[at + 10] = count;
  words[at + 11] = end;
}

/** An entry was written at the end of the content. */
export function entryAdded(arena: Arena, node: Ref, end: number, listpackBytes: number): void {
  const words = arena.wordsOf(node);
  const at = arena.offset(node) >>> 2;
  words[at + 4]++;
  words[at + 6] = end;
  words[at + 9] += listpackBytes;
}

/** `count` entries were marked as deleted. */
export function entriesDeleted(arena: Arena, node: Ref, count: number): void {
  const words = arena.wordsOf(node);
  const at = arena.offset(node) >>> 2;
  words[at + 4] -= count;
  words[at + 5] += count;
}

/**
 * Whether an entry whose fields and values have `textBytes` bytes, and take `needed`, belongs in a new node: as
 * Redis decides it, and when the block would become too large.
 */
export function isFull(arena: Arena, node: Ref, textBytes: number, needed: number): boolean {
  const words = arena.wordsOf(node);
  const at = arena.offset(node) >>> 2;
  const size = words[at + 4];
  const deleted = words[at + 5];
  const { streamNodeBytes, streamNodeEntries } = encodingLimits;
  const bytesMax = streamNodeBytes === 0 ? listpackBytesMax : streamNodeBytes;
  const listpackBytes = words[at + 9] + listpackIntegerBytes(size) + listpackIntegerBytes(deleted);
  if (listpackBytes + textBytes >= bytesMax) return true;
  if (streamNodeEntries > 0 && size + deleted >= streamNodeEntries) return true;
  return words[at + 6] + needed > contentBytesMax;
}

/** Writes the fields of a `putNode` mutation: the id, and the node as it is. */
export function describeNode(arena: Arena, node: Ref, writer: MutationWriter): void {
  const words = arena.wordsOf(node);
  const at = arena.offset(node) >>> 2;
  for (let i = 0; i < 4; i++) writer.uint32(words[at + i]);
  for (const i of describedWords) writer.uint32(words[at + i]);
  writer.field(nodeBytes(arena, node), contentStart(arena, node), words[at + 6]);
}

/** A node as it was described. */
export function restoreNode(arena: Arena, reader: MutationReader): Ref {
  id.readFrom(reader);
  for (let i = 0; i < described.length; i++) described[i] = reader.uint32();
  reader.field();
  const { fieldLength } = reader;
  const node = createNode(arena, id, fieldLength);
  const words = arena.wordsOf(node);
  const at = arena.offset(node) >>> 2;
  for (let i = 0; i < described.length; i++) words[at + describedWords[i]] = described[i];
  words[at + 6] = fieldLength;
  copyBytes(reader.bytes, reader.fieldStart, nodeBytes(arena, node), contentStart(arena, node), fieldLength);
  return node;
}
