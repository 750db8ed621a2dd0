/**
 * The entries of a stream, in the order of their ids: nodes in the arena, found by binary search.
 *
 *     | 5-0: entries |   | 17-3: entries |   | 90-0: entries |      a node's id is that of its first entry
 *
 * Entries are added behind all others, and never moved: one that is deleted is marked, and its node goes with the
 * last one that is left. The base of StreamValue, which reports changes.
 */
// @hot-path
import type { Ref } from '../arena.js';
import { Collection } from '../collection.js';
import { RefSequence } from './ref-sequence.js';
import { StreamCursor } from './stream-cursor.js';
import { type EntryDraft, entryFlags } from './stream-entry.js';
import { StreamId } from './stream-id.js';
import {
  compareNode,
  contentBytesMax,
  entriesDeleted,
  freeNode,
  nodeEnd,
  nodeSize,
  readNodeId,
  resizeNode,
} from './stream-node.js';

const cursor = new StreamCursor();
const nodeId = new StreamId();

export abstract class StreamEntries extends Collection {
  size = 0;
  readonly nodes = new RefSequence();
  /** The greatest id that an entry ever had, or was said to have had. */
  readonly lastId = new StreamId();
  /** Of the first entry that is there; 0-0 when there is none. */
  readonly firstId = new StreamId();
  /** The greatest id of those that were deleted one by one. */
  readonly maxDeletedId = new StreamId();
  /** Entries that were added in all its life. */
  entriesAdded = 0;

  /** The position of the last node whose id is not greater than `id`, or 0. */
  nodeAt(id: StreamId): number {
    const { arena, nodes } = this;
    let low = 0;
    let high = nodes.length - 1;
    if (high > 0 && compareNode(arena, nodes.last, id) <= 0) return high;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (compareNode(arena, nodes.at(middle), id) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Whether there is an entry with this id. */
  has(id: StreamId): boolean {
    return cursor.seekTo(this, id) && cursor.id.compare(id) === 0;
  }

  /** Makes `into` the id of a node; returns it. */
  readNodeId(position: number, into: StreamId): StreamId {
    return readNodeId(this.arena, this.nodes.at(position), into);
  }

  /** Makes `into` the id of the last entry that is there; false when there is none. */
  readLastEntryId(into: StreamId): boolean {
    if (!cursor.seekTo(this, into.toMax())) return false;
    into.copy(cursor.id);
    return true;
  }

  /** Adds an entry; its id is greater than `lastId`. `opensNode`: in a new node. */
  protected addEntry(draft: EntryDraft, id: StreamId, opensNode: boolean): void {
    const { arena, nodes } = this;
    if (opensNode) {
      nodes.insert(nodes.length, draft.open(arena, id, this.#closeLast()));
    } else {
      const node = nodes.last;
      const moved = draft.append(arena, node, readNodeId(arena, node, nodeId), id);
      if (moved !== node) nodes.replace(nodes.length - 1, moved);
    }
    if (this.size === 0) this.firstId.copy(id);
    this.size++;
    this.entriesAdded++;
    this.lastId.copy(id);
  }

  /** Takes the room from the last node that it does not use; how much content the next one is likely to have. */
  #closeLast(): number {
    const { arena, nodes } = this;
    if (nodes.length === 0) return 0;
    const content = nodeEnd(arena, nodes.last);
    if (content > contentBytesMax) return 0;
    nodes.replace(nodes.length - 1, resizeNode(arena, nodes.last, content));
    return nodes.length === 1 ? content >>> 1 : content;
  }

  /** Marks an entry as deleted that is there. */
  protected deleteEntry(id: StreamId): void {
    cursor.seekTo(this, id);
    cursor.bytes[cursor.flagsAt] |= entryFlags.deleted;
    this.#lost(cursor.position, 1);
    if (this.maxDeletedId.compare(id) < 0) this.maxDeletedId.copy(id);
    if (this.firstId.compare(id) === 0) this.#findFirst();
  }

  /** Removes the first `count` nodes, and of the one that is first then the entries before `bound`, if there is one. */
  protected dropFirst(count: number, bound: StreamId | null): void {
    const { arena, nodes } = this;
    for (let i = 0; i < count; i++) {
      this.size -= nodeSize(arena, nodes.at(i));
      freeNode(arena, nodes.at(i));
    }
    if (count > 0) nodes.remove(0, count);
    if (bound !== null && this.size > 0) this.#deleteBefore(bound);
    this.#findFirst();
  }

  /** Marks the entries of the first node before `bound`. */
  #deleteBefore(bound: StreamId): void {
    let count = 0;
    cursor.seekNode(this, 0);
    do {
      if (cursor.position > 0 || cursor.id.compare(bound) >= 0) break;
      cursor.bytes[cursor.flagsAt] |= entryFlags.deleted;
      count++;
    } while (cursor.next());
    if (count > 0) this.#lost(0, count);
  }

  /** `count` entries of a node were marked: the node goes with the last one. */
  #lost(position: number, count: number): void {
    const { arena, nodes } = this;
    const node = nodes.at(position);
    this.size -= count;
    entriesDeleted(arena, node, count);
    if (nodeSize(arena, node) > 0) return;
    freeNode(arena, node);
    nodes.remove(position);
  }

  #findFirst(): void {
    if (this.size === 0) {
      this.firstId.toZero();
      return;
    }
    cursor.seekNode(this, 0);
    this.firstId.copy(cursor.id);
  }

  /** Puts a whole node in its place, instead of one with the same id. `node` has entries. */
  protected putNode(node: Ref): void {
    const { arena, nodes } = this;
    readNodeId(arena, node, nodeId);
    let position = nodes.length === 0 ? 0 : this.nodeAt(nodeId);
    if (nodes.length > 0) {
      const order = compareNode(arena, nodes.at(position), nodeId);
      if (order === 0) {
        this.size -= nodeSize(arena, nodes.at(position));
        freeNode(arena, nodes.at(position));
        nodes.remove(position);
      } else if (order < 0) {
        position++;
      }
    }
    nodes.insert(position, node);
    this.size += nodeSize(arena, node);
    if (position === 0) this.#findFirst();
  }

  /** Gives nodes back, for about `budget` entries; true when none is left. */
  protected releaseEntries(budget: number): boolean {
    const { arena, nodes } = this;
    for (let left = budget; left > 0 && nodes.length > 0; ) {
      const node = nodes.last;
      left -= nodeSize(arena, node);
      this.size -= nodeSize(arena, node);
      freeNode(arena, node);
      nodes.remove(nodes.length - 1);
    }
    return nodes.length === 0;
  }
}
