/**
 * A list: its nodes by their orders. A mutation speaks of indexes, which say nothing about nodes, so the
 * list itself remembers which nodes changed since they were written last.
 *
 *     | count u32 | elements, as they are packed in a node |
 *
 * A list that was loaded is packed anew, in other nodes than those on the disk: its first change renews it.
 */
// @hot-path
import { copyBytes } from '@holdfast/common';
import type { Ref } from '../../arena.js';
import { type Collection, valueTypes } from '../../collection.js';
import { collectionKinds, type MutationReader } from '../../mutation.js';
import {
  contentBytes,
  heapElement,
  lengthAt,
  nodeBegin,
  nodeCount,
  nodeKind,
  nodeKinds,
  packedBytes,
  sides,
  writePacked,
} from '../../values/list-node.js';
import type { ListValue } from '../../values/list-value.js';
import type { ElementSink } from './element-sink.js';
import type { Layout, MutationOutput } from './layout.js';

/** The kinds and their fields are declared in `values/list-value.ts`. */
const clear = collectionKinds(valueTypes.list);
const push = clear + 1;
const pop = clear + 2;
const set = clear + 3;
const insert = clear + 4;
const remove = clear + 5;

const orderScratch = new DataView(new ArrayBuffer(8));

export class ListLayout implements Layout {
  readonly hasElements = true;
  readonly isDivisible = false;
  /** Lists that remember their changes. */
  readonly #tracked = new WeakSet<Collection>();

  stage(reader: MutationReader): boolean {
    switch (reader.kind) {
      case clear:
        return true;
      case push:
        reader.byte();
        for (let left = reader.uint32(); left > 0; left--) reader.field();
        return true;
      case pop:
        reader.byte();
        reader.uint32();
        return true;
      case set:
      case insert:
        reader.uint32();
        reader.field();
        return true;
      case remove:
        for (let left = reader.uint32(); left > 0; left--) reader.uint32();
        return true;
      default:
        return false;
    }
  }

  needsRenewal(collection: Collection): boolean {
    return !this.#tracked.has(collection);
  }

  renewalBytes(collection: Collection): number {
    if (this.#tracked.has(collection)) return 0;
    const list = collection as ListValue;
    let bytes = 0;
    for (let i = 0; i < list.nodes; i++) bytes += nodeBytes(list, list.node(i));
    return bytes;
  }

  freeze(collection: Collection, isNew: boolean, _isRenewed: boolean, sink: ElementSink): void {
    const list = collection as ListValue;
    if (isNew) {
      list.trackNodes();
      this.#tracked.add(list);
    }
    for (const order of list.removedOrders) sink.delete(orderKey(order), 0, 8);
    list.forEachDirtyNode((order, node) => putNode(list, order, node, sink));
    list.nodesWritten();
  }

  freezeElement(): void {}

  holds(): boolean {
    return false;
  }

  table(): null {
    return null;
  }

  expires(): boolean {
    return false;
  }

  describe(_element: Uint8Array, value: Uint8Array, output: MutationOutput): void {
    const view = new DataView(value.buffer, value.byteOffset, value.length);
    const count = view.getUint32(0, true);
    const writer = output.begin(push);
    writer.byte(sides.right);
    writer.uint32(count);
    for (let i = 0, at = 4; i < count; i++) {
      const length = lengthAt(value, at);
      writer.field(value, at + (length < 255 ? 1 : 5), length);
      at += packedBytes(length);
    }
  }
}

/** Of its elements. */
function nodeBytes({ arena }: ListValue, node: Ref): number {
  return nodeKind(arena, node) === nodeKinds.heap
    ? heapElement(arena, node).length
    : contentBytes(arena, node);
}

function putNode({ arena }: ListValue, order: number, node: number, sink: ElementSink): void {
  const kind = nodeKind(arena, node);
  const key = orderKey(order);
  const { set: target } = sink;
  const content = contentBytes(arena, node);
  if (kind === nodeKinds.packed) {
    sink.put(key, 0, 8, 4 + content);
    writeCount(target.bytes, target.at, nodeCount(arena, node));
    copyBytes(
      arena.chunk(node),
      arena.offset(node) + nodeBegin(arena, node),
      target.bytes,
      target.at + 4,
      content,
    );
    return;
  }
  const isHeap = kind === nodeKinds.heap;
  const source = isHeap ? heapElement(arena, node) : arena.chunk(node);
  const start = isHeap ? 0 : arena.offset(node) + nodeBegin(arena, node);
  const length = isHeap ? source.length : content;
  sink.put(key, 0, 8, 4 + packedBytes(length));
  writeCount(target.bytes, target.at, 1);
  writePacked(target.bytes, target.at + 4, source, start, length);
}

function writeCount(bytes: Uint8Array, at: number, count: number): void {
  bytes[at] = count;
  bytes[at + 1] = count >>> 8;
  bytes[at + 2] = count >>> 16;
  bytes[at + 3] = count >>> 24;
}

/** Bytes that sort as the numbers do: the sign bit turned, and all the others too when it was set. */
function orderKey(order: number): Uint8Array {
  orderScratch.setFloat64(0, order === 0 ? 0 : order);
  const high = orderScratch.getUint32(0);
  if (high >>> 31 === 0) {
    orderScratch.setUint32(0, (high | 0x80000000) >>> 0);
  } else {
    orderScratch.setUint32(0, ~high >>> 0);
    orderScratch.setUint32(4, ~orderScratch.getUint32(4) >>> 0);
  }
  return new Uint8Array(orderScratch.buffer.slice(0));
}
