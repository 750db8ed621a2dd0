/** What is to go from the start of a stream: whole nodes, and perhaps some entries of the next one. */
// @hot-path
import { StreamCursor } from './stream-cursor.js';
import type { StreamEntries } from './stream-entries.js';
import { StreamId } from './stream-id.js';
import { nodeSize } from './stream-node.js';

/** How a stream is trimmed: to a number of entries, or to those from an id on. */
export class TrimRule {
  /** Entries that stay; -1 when the rule is by id. */
  length = -1;
  /** Entries before it go. */
  readonly id = new StreamId();
  /** Only whole nodes go. */
  isApproximate = false;
  /** At most so many entries go, in whole nodes; 0 for no limit. */
  limit = 0;
}

/** To be used again for any stream. */
export class TrimPlan {
  /** Nodes that go as a whole. */
  nodes = 0;
  /** Entries that go. */
  entries = 0;
  /** Of the node behind them, the entries before `bound` go. */
  hasBound = false;
  readonly bound = new StreamId();
  readonly #cursor = new StreamCursor();
  readonly #last = new StreamId();

  /** Works out what a rule means for a stream, as Redis does it. */
  make(stream: StreamEntries, rule: TrimRule): void {
    const { arena, nodes } = stream;
    this.nodes = 0;
    this.entries = 0;
    this.hasBound = false;
    for (; this.nodes < nodes.length; this.nodes++) {
      if (rule.length >= 0 && stream.size - this.entries <= rule.length) return;
      const size = nodeSize(arena, nodes.at(this.nodes));
      if (rule.limit > 0 && this.entries + size > rule.limit) return;
      const goes =
        rule.length >= 0
          ? stream.size - this.entries - size >= rule.length
          : this.#lastOf(stream, this.nodes).compare(rule.id) < 0;
      if (!goes) {
        if (!rule.isApproximate) this.#addPart(stream, rule);
        return;
      }
      this.entries += size;
    }
  }

  /** The last entry of a node that is there. */
  #lastOf(stream: StreamEntries, position: number): StreamId {
    const cursor = this.#cursor;
    if (position + 1 === stream.nodes.length) {
      cursor.seekTo(stream, this.#last.toMax());
      return cursor.id;
    }
    cursor.seekNode(stream, position + 1);
    cursor.previous();
    return cursor.id;
  }

  #addPart(stream: StreamEntries, rule: TrimRule): void {
    const cursor = this.#cursor;
    const before = this.entries;
    cursor.seekNode(stream, this.nodes);
    if (rule.length >= 0) {
      for (; stream.size - this.entries > rule.length; cursor.next()) this.entries++;
    } else {
      for (; cursor.id.compare(rule.id) < 0; cursor.next()) this.entries++;
    }
    this.bound.copy(cursor.id);
    this.hasBound = this.entries > before;
  }
}
