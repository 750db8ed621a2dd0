/**
 * All that a stream consists of, described by mutations, and built again by them. See `stream-kinds.ts`.
 *
 * A mutation that does not fit (a log is applied over a later state, where its node or group is gone) is read and
 * does nothing: what made it so comes later in the log.
 */
// @hot-path
import type { Ref } from '../arena.js';
import type { MutationReader, MutationWriter } from '../mutation.js';
import { pendingCount, pendingTime, readPendingId } from './pending-entry.js';
import { StreamEntries } from './stream-entries.js';
import { EntryDraft } from './stream-entry.js';
import { findName, insertNamed, type StreamConsumer, StreamGroup } from './stream-group.js';
import { StreamId } from './stream-id.js';
import { groupChanges, pendingChanges, streamKinds } from './stream-kinds.js';
import { readName, writeName } from './stream-names.js';
import { compareNode, describeNode, restoreNode } from './stream-node.js';

/** A description is cut into records of about this size. */
const recordBytesMax = 64 * 1024;

const draft = new EntryDraft();
const id = new StreamId();
const nodeId = new StreamId();

export abstract class StreamState extends StreamEntries {
  /** In the order of their names. */
  readonly groups: StreamGroup[] = [];

  group(bytes: Uint8Array, start: number, length: number): StreamGroup | null {
    const at = findName(this.groups, bytes, start, length);
    return at < 0 ? null : this.groups[at];
  }

  protected addGroup(name: string): StreamGroup {
    const group = new StreamGroup(this.arena, name);
    insertNamed(this.groups, group);
    return group;
  }

  protected dropGroup(group: StreamGroup): void {
    this.groups.splice(this.groups.indexOf(group), 1);
    group.release(Number.POSITIVE_INFINITY);
  }

  release(budget: number): boolean {
    if (!this.releaseEntries(budget)) return false;
    const { groups } = this;
    for (; groups.length > 0; groups.pop()) if (!groups[groups.length - 1].release(budget)) return false;
    return true;
  }

  // Describing

  describe(writer: MutationWriter): void {
    this.begin(writer, streamKinds.setState);
    writer.byte(1);
    this.writeState(writer);
    for (let i = 0; i < this.nodes.length; i++) {
      this.begin(writer, streamKinds.putNode);
      describeNode(this.arena, this.nodes.at(i), writer);
    }
    for (const group of this.groups) this.#describeGroup(group, writer);
  }

  protected writeState(writer: MutationWriter): void {
    this.lastId.writeTo(writer);
    writer.number(this.entriesAdded);
    this.maxDeletedId.writeTo(writer);
  }

  protected writeGroup(group: StreamGroup, writer: MutationWriter): void {
    writer.byte(groupChanges.put);
    writeName(writer, group.name);
    group.lastId.writeTo(writer);
    writer.number(group.entriesRead);
  }

  protected writeConsumer(group: StreamGroup, consumer: StreamConsumer, writer: MutationWriter): void {
    writer.byte(groupChanges.putConsumer);
    writeName(writer, group.name);
    writeName(writer, consumer.name);
    writer.number(consumer.seenMs);
    writer.number(consumer.activeMs);
  }

  #describeGroup(group: StreamGroup, writer: MutationWriter): void {
    this.begin(writer, streamKinds.changeGroup);
    this.writeGroup(group, writer);
    for (const consumer of group.consumers) {
      this.begin(writer, streamKinds.changeGroup);
      this.writeConsumer(group, consumer, writer);
      const { pending } = consumer;
      for (let ref = pending.first(); ref !== 0; ) ref = this.#describePending(group, consumer, ref, writer);
    }
  }

  /** One record of pending entries, from the one that `pending` stands at; returns the next one. */
  #describePending(group: StreamGroup, consumer: StreamConsumer, first: Ref, writer: MutationWriter): Ref {
    const { arena } = this;
    this.begin(writer, streamKinds.putPending);
    writer.byte(pendingChanges.put);
    writeName(writer, group.name);
    writeName(writer, consumer.name);
    const countAt = writer.length;
    writer.uint32(0);
    let count = 0;
    let ref = first;
    for (; ref !== 0 && writer.length - countAt < recordBytesMax; ref = consumer.pending.next()) {
      readPendingId(arena, ref, id).writeTo(writer);
      writer.number(pendingTime(arena, ref));
      writer.number(pendingCount(arena, ref));
      count++;
    }
    writer.bytes.writeUInt32LE(count, countAt);
    return ref;
  }

  // Applying

  apply(reader: MutationReader): void {
    switch (reader.kind) {
      case streamKinds.append:
        return this.#applyAppend(reader);
      case streamKinds.putNode:
        return this.putNode(restoreNode(this.arena, reader));
      case streamKinds.deleteEntries:
        return this.#applyDeletion(reader);
      case streamKinds.trim:
        return this.#applyTrim(reader);
      case streamKinds.setState:
        return this.#applyState(reader);
      case streamKinds.changeGroup:
        return this.#applyToGroup(reader);
      case streamKinds.putPending:
        if (reader.byte() === pendingChanges.deliver) this.#applyDelivery(reader);
        else this.#applyPending(reader);
        return;
      default:
        this.#applyRemovals(reader);
    }
  }

  #applyAppend(reader: MutationReader): void {
    nodeId.readFrom(reader);
    id.readFrom(reader);
    const count = reader.uint32();
    draft.begin(reader.bytes, count);
    for (let i = 0; i < count * 2; i++) {
      reader.field();
      draft.add(reader.fieldStart, reader.fieldLength);
    }
    const opensNode = nodeId.compare(id) === 0;
    if (id.compare(this.lastId) <= 0 || (!opensNode && !this.#isLastNode(nodeId))) return;
    this.addEntry(draft, id, opensNode);
  }

  #isLastNode(wanted: StreamId): boolean {
    return this.nodes.length > 0 && compareNode(this.arena, this.nodes.last, wanted) === 0;
  }

  #applyDeletion(reader: MutationReader): void {
    for (let left = reader.uint32(); left > 0; left--) {
      nodeId.readFrom(reader);
      id.readFrom(reader);
      if (this.has(id)) this.deleteEntry(id);
    }
  }

  #applyTrim(reader: MutationReader): void {
    let count = 0;
    for (let left = reader.uint32(); left > 0; left--) {
      nodeId.readFrom(reader);
      const { length } = this.nodes;
      if (count < length && compareNode(this.arena, this.nodes.at(count), nodeId) <= 0) count++;
    }
    const hasBound = reader.byte() === 1;
    if (hasBound) {
      nodeId.readFrom(reader);
      id.readFrom(reader);
    }
    this.dropFirst(count, hasBound ? id : null);
  }

  #applyState(reader: MutationReader): void {
    if (reader.byte() === 1) this.release(Number.POSITIVE_INFINITY);
    this.lastId.readFrom(reader);
    this.entriesAdded = reader.number();
    this.maxDeletedId.readFrom(reader);
    if (this.size === 0) this.firstId.toZero();
  }

  #applyToGroup(reader: MutationReader): void {
    const change = reader.byte();
    const group = this.#readGroup(reader);
    switch (change) {
      case groupChanges.put: {
        const target = group ?? this.addGroup(readName(reader));
        target.lastId.readFrom(reader);
        target.entriesRead = reader.number();
        return;
      }
      case groupChanges.destroy:
        reader.byte();
        for (let left = reader.uint32(); left > 0; left--) reader.field();
        if (group !== null) this.dropGroup(group);
        return;
      case groupChanges.putConsumer: {
        const consumer = this.#consumerOf(group, reader);
        const seenMs = reader.number();
        const activeMs = reader.number();
        if (consumer === null) return;
        consumer.seenMs = seenMs;
        consumer.activeMs = activeMs;
        return;
      }
      default: {
        reader.field();
        const consumer = group?.consumer(reader.bytes, reader.fieldStart, reader.fieldLength);
        if (group !== null && consumer) group.removeConsumer(consumer);
      }
    }
  }

  /** Reads the name of a group, which stays the reader's last field; null when there is none. */
  #readGroup(reader: MutationReader): StreamGroup | null {
    reader.field();
    return this.group(reader.bytes, reader.fieldStart, reader.fieldLength);
  }

  /** Reads the name of a consumer, who is made when the group has none of that name. */
  #consumerOf(group: StreamGroup | null, reader: MutationReader): StreamConsumer | null {
    reader.field();
    if (group === null) return null;
    const { bytes, fieldStart, fieldLength } = reader;
    return group.consumer(bytes, fieldStart, fieldLength) ?? group.addConsumer(readName(reader), 0);
  }

  #applyDelivery(reader: MutationReader): void {
    const group = this.#readGroup(reader);
    const consumer = this.#consumerOf(group, reader);
    const timeMs = reader.number();
    const entriesRead = reader.number();
    const count = reader.uint32();
    for (let left = count; left > 0; left--) {
      id.readFrom(reader);
      if (consumer !== null) group?.assign(id, consumer, timeMs, 1);
    }
    id.readFrom(reader);
    if (group === null || consumer === null) return;
    group.lastId.copy(id);
    group.entriesRead = entriesRead;
    consumer.seenMs = timeMs;
    if (count > 0) consumer.activeMs = timeMs;
  }

  #applyPending(reader: MutationReader): void {
    const group = this.#readGroup(reader);
    const consumer = this.#consumerOf(group, reader);
    for (let left = reader.uint32(); left > 0; left--) {
      id.readFrom(reader);
      const timeMs = reader.number();
      const count = reader.number();
      if (consumer !== null) group?.assign(id, consumer, timeMs, count);
    }
  }

  #applyRemovals(reader: MutationReader): void {
    const group = this.#readGroup(reader);
    for (let left = reader.uint32(); left > 0; left--) {
      const ref = group === null ? 0 : group.pending.find(id.readFrom(reader));
      if (group === null) id.readFrom(reader);
      else if (ref !== 0) group.unassign(ref);
    }
  }
}
