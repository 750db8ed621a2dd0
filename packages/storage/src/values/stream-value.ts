/**
 * A stream: entries of fields and values under ids that only grow, and groups of consumers that read them together.
 * Where the entries are is the matter of StreamEntries, what is pending that of StreamGroup; each change is made
 * here, with its mutation.
 *
 * Changes of the entries are told to those who watch the key, keep it or wait for it. What is said of the stream's past,
 * and what groups and consumers do, is not, as in Redis; but who waits is told of the end of a group. When a consumer asked last (`seenMs`) is part of the state only as of its last journaled
 * change: asking in vain is no write.
 */
// @hot-path
import type { Request } from '@holdfast/common';
import { valueTypes } from '../collection.js';
import type { MutationWriter } from '../mutation.js';
import type { PendingIndex } from './pending-index.js';
import { EntryDraft } from './stream-entry.js';
import type { StreamConsumer, StreamGroup } from './stream-group.js';
import { StreamId } from './stream-id.js';
import type { StreamIds } from './stream-ids.js';
import { groupChanges, pendingChanges, streamKinds } from './stream-kinds.js';
import { writeName } from './stream-names.js';
import { StreamState } from './stream-state.js';
import { TrimPlan, type TrimRule } from './stream-trim.js';

const draft = new EntryDraft();
const plan = new TrimPlan();
const id = new StreamId();
const nodeId = new StreamId();

/** Up to so many pending entries are named when their group is destroyed. */
const namedRemovalsMax = 16384;

export class StreamValue extends StreamState {
  readonly type = valueTypes.stream;

  get encoding(): string {
    return 'stream';
  }

  // Entries

  /**
   * Adds an entry under an id greater than `lastId`: `count` arguments from `first` on, names and values in turn. It
   * begins a node when the last one is full, or if `beginsNode` says so.
   */
  append(added: StreamId, request: Request, first: number, count: number, beginsNode = false): void {
    const { arena, nodes } = this;
    const { bytes } = request;
    draft.begin(bytes, count >>> 1);
    for (let i = first; i < first + count; i++) draft.add(request.start(i), request.length(i));
    const opensNode = beginsNode || nodes.length === 0 || draft.needsNode(arena, nodes.last);
    const journal = this.change(streamKinds.append);
    if (journal !== null) {
      (opensNode ? added : this.readNodeId(nodes.length - 1, nodeId)).writeTo(journal);
      added.writeTo(journal);
      journal.uint32(count >>> 1);
      for (let i = first; i < first + count; i++) journal.field(bytes, request.start(i), request.length(i));
    }
    this.addEntry(draft, added, opensNode);
  }

  /** Deletes the entries with these ids; how many there were. */
  delete(ids: StreamIds): number {
    let journal: MutationWriter | null = null;
    let countAt = 0;
    let deleted = 0;
    for (let i = 0; i < ids.count; i++) {
      if (!this.has(ids.read(i, id))) continue;
      if (deleted++ === 0) {
        journal = this.change(streamKinds.deleteEntries);
        countAt = journal === null ? 0 : journal.length;
        journal?.uint32(0);
      }
      if (journal !== null) {
        this.readNodeId(this.nodeAt(id), nodeId).writeTo(journal);
        id.writeTo(journal);
      }
      this.deleteEntry(id);
    }
    if (journal !== null) journal.bytes.writeUInt32LE(deleted, countAt);
    return deleted;
  }

  /** Removes entries from the start, as the rule says; how many. */
  trim(rule: TrimRule): number {
    plan.make(this, rule);
    if (plan.entries === 0) return 0;
    const journal = this.change(streamKinds.trim);
    if (journal !== null) {
      journal.uint32(plan.nodes);
      for (let i = 0; i < plan.nodes; i++) this.readNodeId(i, nodeId).writeTo(journal);
      journal.byte(plan.hasBound ? 1 : 0);
      if (plan.hasBound) {
        this.readNodeId(plan.nodes, nodeId).writeTo(journal);
        plan.bound.writeTo(journal);
      }
    }
    this.dropFirst(plan.nodes, plan.hasBound ? plan.bound : null);
    return plan.entries;
  }

  /** Sets what the stream says of its past. */
  setState(lastId: StreamId, entriesAdded: number, maxDeletedId: StreamId): void {
    this.lastId.copy(lastId);
    this.entriesAdded = entriesAdded;
    this.maxDeletedId.copy(maxDeletedId);
    const journal = this.note(streamKinds.setState);
    if (journal === null) return;
    journal.byte(0);
    this.writeState(journal);
  }

  // Groups

  /** Adds a group whose name `group` missed. */
  createGroup(name: string, lastId: StreamId, entriesRead: number): void {
    this.setGroup(this.addGroup(name), lastId, entriesRead);
  }

  /** Sets how far a group has read. */
  setGroup(group: StreamGroup, lastId: StreamId, entriesRead: number): void {
    group.lastId.copy(lastId);
    group.entriesRead = entriesRead;
    const journal = this.note(streamKinds.changeGroup);
    if (journal !== null) this.writeGroup(group, journal);
  }

  /** Removes a group, with its consumers and what is pending. */
  destroyGroup(group: StreamGroup): void {
    const isNamed = group.pending.size <= namedRemovalsMax;
    if (isNamed) this.#journalRemovals(group, group.pending);
    if (this.ref !== 0) this.database.signal(this.ref);
    const journal = this.note(streamKinds.changeGroup);
    if (journal !== null) {
      journal.byte(groupChanges.destroy);
      writeName(journal, group.name);
      journal.byte(isNamed ? 1 : 0);
      journal.uint32(group.consumers.length);
      for (const { name } of group.consumers) writeName(journal, name);
    }
    this.dropGroup(group);
  }

  /** Adds a consumer to a group, which missed its name. */
  createConsumer(group: StreamGroup, name: string, seenMs: number): StreamConsumer {
    const consumer = group.addConsumer(name, seenMs);
    this.#journalConsumer(group, consumer);
    return consumer;
  }

  /** Removes a consumer and all that is pending for it; how much that was. */
  removeConsumer(group: StreamGroup, consumer: StreamConsumer): number {
    const count = consumer.pending.size;
    this.#journalRemovals(group, consumer.pending);
    const journal = this.note(streamKinds.changeGroup);
    if (journal !== null) {
      journal.byte(groupChanges.removeConsumer);
      writeName(journal, group.name);
      writeName(journal, consumer.name);
    }
    group.removeConsumer(consumer);
    return count;
  }

  // Pending entries

  /**
   * Delivers entries behind the group's last one to a consumer: at least one, in order. `isKept`: they are
   * pending from now on.
   */
  deliver(
    group: StreamGroup,
    consumer: StreamConsumer,
    ids: StreamIds,
    nowMs: number,
    entriesRead: number,
    isKept: boolean,
  ): void {
    const count = isKept ? ids.count : 0;
    const journal = this.note(streamKinds.putPending);
    if (journal !== null) {
      journal.byte(pendingChanges.deliver);
      writeName(journal, group.name);
      writeName(journal, consumer.name);
      journal.number(nowMs);
      journal.number(entriesRead);
      journal.uint32(count);
    }
    for (let i = 0; i < count; i++) {
      ids.read(i, id);
      if (journal !== null) id.writeTo(journal);
      group.assign(id, consumer, nowMs, 1);
    }
    ids.read(ids.count - 1, group.lastId);
    if (journal !== null) group.lastId.writeTo(journal);
    group.entriesRead = entriesRead;
    consumer.seenMs = nowMs;
    if (isKept) consumer.activeMs = nowMs;
  }

  /** Gives an entry to a consumer, whoever had it, with a time and a number of deliveries. */
  claim(
    group: StreamGroup,
    consumer: StreamConsumer,
    claimed: StreamId,
    timeMs: number,
    count: number,
  ): void {
    group.assign(claimed, consumer, timeMs, count);
    const journal = this.note(streamKinds.putPending);
    if (journal === null) return;
    journal.byte(pendingChanges.put);
    writeName(journal, group.name);
    writeName(journal, consumer.name);
    journal.uint32(1);
    claimed.writeTo(journal);
    journal.number(timeMs);
    journal.number(count);
  }

  /** A consumer was given something at `nowMs`. */
  setActive(group: StreamGroup, consumer: StreamConsumer, nowMs: number): void {
    consumer.activeMs = nowMs;
    this.#journalConsumer(group, consumer);
  }

  /** Entries with these ids are pending no more; how many were. */
  acknowledge(group: StreamGroup, ids: StreamIds): number {
    let journal: MutationWriter | null = null;
    let countAt = 0;
    let removed = 0;
    for (let i = 0; i < ids.count; i++) {
      const ref = group.pending.find(ids.read(i, id));
      if (ref === 0) continue;
      if (removed++ === 0) {
        journal = this.#beginRemovals(group, 0);
        countAt = journal === null ? 0 : journal.length - 4;
      }
      if (journal !== null) id.writeTo(journal);
      group.unassign(ref);
    }
    if (journal !== null) journal.bytes.writeUInt32LE(removed, countAt);
    return removed;
  }

  #journalConsumer(group: StreamGroup, consumer: StreamConsumer): void {
    const journal = this.note(streamKinds.changeGroup);
    if (journal !== null) this.writeConsumer(group, consumer, journal);
  }

  /** All of these are about to be removed. */
  #journalRemovals(group: StreamGroup, pending: PendingIndex): void {
    if (pending.size === 0) return;
    const journal = this.#beginRemovals(group, pending.size);
    if (journal === null) return;
    for (let ref = pending.first(); ref !== 0; ref = pending.next()) {
      pending.readId(ref, id).writeTo(journal);
    }
  }

  #beginRemovals(group: StreamGroup, count: number): MutationWriter | null {
    const journal = this.note(streamKinds.removePending);
    if (journal === null) return null;
    writeName(journal, group.name);
    journal.uint32(count);
    return journal;
  }
}
