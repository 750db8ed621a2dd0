/** The records of a stream on the disk: their keys, and what is in them. See `stream-layout.ts`. */
// @hot-path
import { copyBytes } from '@holdfast/common';
import type { Arena, Ref } from '../../arena.js';
import { MutationWriter } from '../../mutation.js';
import { pendingCount, pendingTime } from '../../values/pending-entry.js';
import type { StreamConsumer, StreamGroup } from '../../values/stream-group.js';
import { idBytes, type StreamId } from '../../values/stream-id.js';
import { describeNode } from '../../values/stream-node.js';
import type { StreamValue } from '../../values/stream-value.js';
import type { ElementSink } from './element-sink.js';

/** The first byte of a key: the order in which records build a stream. */
export const recordKinds = { state: 0, node: 1, group: 2, consumer: 3, pending: 4 } as const;

/** A name: `bytes[start, start + length)`. */
export class NameView {
  bytes!: Uint8Array;
  start = 0;
  length = 0;

  set(bytes: Uint8Array, start: number, length: number): this {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
    return this;
  }

  /** From a byte string. */
  setText(name: string): this {
    return this.set(Buffer.from(name, 'latin1'), 0, name.length);
  }
}

/** The key of a record, to be filled again and again. */
export class RecordKey {
  bytes = Buffer.alloc(256);
  length = 0;

  state(): this {
    return this.#begin(recordKinds.state, 0);
  }

  node(id: StreamId): this {
    this.#begin(recordKinds.node, idBytes);
    return this.#addId(id);
  }

  group(group: NameView): this {
    this.#begin(recordKinds.group, group.length);
    return this.#addName(group);
  }

  consumer(group: NameView, consumer: NameView): this {
    this.#begin(recordKinds.consumer, 4 + group.length + consumer.length);
    return this.#addLength(group).#addName(group).#addName(consumer);
  }

  pending(group: NameView, id: StreamId): this {
    this.#begin(recordKinds.pending, 4 + group.length + idBytes);
    return this.#addLength(group).#addName(group).#addId(id);
  }

  #begin(kind: number, more: number): this {
    if (more >= this.bytes.length) this.bytes = Buffer.alloc(more * 2);
    this.bytes[0] = kind;
    this.length = 1;
    return this;
  }

  #addLength({ length }: NameView): this {
    this.length = this.bytes.writeUInt32BE(length, this.length);
    return this;
  }

  #addName({ bytes, start, length }: NameView): this {
    copyBytes(bytes, start, this.bytes, this.length, length);
    this.length += length;
    return this;
  }

  #addId(id: StreamId): this {
    id.writeBytes(this.bytes, this.length);
    this.length += idBytes;
    return this;
  }
}

/** Takes a key of a group's record apart: the group's name, and what follows it. */
export function readGroupKey(key: Uint8Array, group: NameView, rest: NameView): void {
  const length = new DataView(key.buffer, key.byteOffset).getUint32(1);
  group.set(key, 5, length);
  rest.set(key, 5 + length, key.length - 5 - length);
}

/** Puts records of a stream, as it is in memory. */
export class RecordWriter {
  readonly #value = new MutationWriter(4096);

  state(sink: ElementSink, key: RecordKey, { entriesAdded, lastId, maxDeletedId }: StreamValue): void {
    const value = this.#begin();
    lastId.writeTo(value);
    value.number(entriesAdded);
    maxDeletedId.writeTo(value);
    this.#put(sink, key.state());
  }

  /** The record of a node holds its id too, as its description does. */
  node(sink: ElementSink, key: RecordKey, arena: Arena, node: Ref): void {
    describeNode(arena, node, this.#begin());
    this.#put(sink, key);
  }

  group(sink: ElementSink, key: RecordKey, { entriesRead, lastId }: StreamGroup): void {
    const value = this.#begin();
    lastId.writeTo(value);
    value.number(entriesRead);
    this.#put(sink, key);
  }

  consumer(sink: ElementSink, key: RecordKey, { activeMs, seenMs }: StreamConsumer): void {
    const value = this.#begin();
    value.number(seenMs);
    value.number(activeMs);
    this.#put(sink, key);
  }

  pendingOf(sink: ElementSink, key: RecordKey, arena: Arena, ref: Ref, consumer: NameView): void {
    this.pending(sink, key, pendingTime(arena, ref), pendingCount(arena, ref), consumer);
  }

  pending(sink: ElementSink, key: RecordKey, timeMs: number, count: number, consumer: NameView): void {
    const value = this.#begin();
    value.number(timeMs);
    value.number(count);
    value.field(consumer.bytes, consumer.start, consumer.length);
    this.#put(sink, key);
  }

  #begin(): MutationWriter {
    this.#value.clear();
    return this.#value;
  }

  #put(sink: ElementSink, { bytes, length }: RecordKey): void {
    const value = this.#value;
    sink.put(bytes, 0, length, value.length);
    copyBytes(value.bytes, 0, sink.set.bytes, sink.set.at, value.length);
  }
}
