/**
 * The sequence of a list's nodes:
 *
 *     head                                                              tail
 *     | a b c d ... |   | e f g h i j k ... |   | one large element |   | ... x y z |
 *     order -65536      order 0                 order 32768             order 65536
 *
 * Most lists have one node, and that is all there is. From the second on a directory finds nodes by the
 * index of an element. An order stays with a node for its life (or until there is none left between two
 * neighbours), so that a copy on disk may keep nodes under their orders; which of them changed is
 * remembered only if somebody asks for it.
 *
 * The base of ListElements, which fills the nodes; every change of a node ends in `setNode` or `mark`.
 */
// @hot-path
import type { Ref } from '../arena.js';
import { Collection } from '../collection.js';
import { ListChanges } from './list-changes.js';
import type { ListCursor } from './list-cursor.js';
import { ListDirectory } from './list-directory.js';
import { freeNode, nodeCount, nodeOrder, type Side, setNodeOrder, sides } from './list-node.js';

/** Between the orders of two nodes at an end: leaves room for some 60 nodes, each in the middle of two. */
const orderStep = 65536;

export abstract class ListNodes extends Collection {
  size = 0;
  /** Number of nodes. */
  nodes = 0;
  #head: Ref = 0;
  #tail: Ref = 0;
  #directory: ListDirectory | null = null;
  #changes: ListChanges | null = null;

  /** The node at a position, from 0. */
  node(position: number): Ref {
    if (position === 0) return this.#head;
    return position === this.nodes - 1 ? this.#tail : this.#directory!.ref(position);
  }

  /** The outer node on a side; 0 when there is none. */
  outerNode(side: Side): Ref {
    return side === sides.left ? this.#head : this.#tail;
  }

  /** The position of the node with element `index`; how many elements of it come before goes to `cursor`. */
  locate(index: number, cursor: ListCursor): number {
    const headCount = nodeCount(this.arena, this.#head);
    if (index < headCount) {
      cursor.within = index;
      return 0;
    }
    const tailFirst = this.size - nodeCount(this.arena, this.#tail);
    if (index >= tailFirst) {
      cursor.within = index - tailFirst;
      return this.nodes - 1;
    }
    const directory = this.#directory!;
    const position = directory.locate(index - headCount, tailFirst - headCount);
    cursor.within = directory.within;
    return position;
  }

  /** Gives nodes back until about `budget` elements are gone; true when nothing is left. */
  release(budget: number): boolean {
    for (let left = budget; left > 0 && this.nodes > 0; ) {
      const count = nodeCount(this.arena, this.#tail);
      left -= count;
      this.size -= count;
      this.removeNode(this.nodes - 1);
    }
    return this.nodes === 0;
  }

  // What changed, for a storage that writes changed nodes only

  /** From now on it is remembered which nodes change; at first all of them are taken as changed. */
  trackNodes(): void {
    const changes = new ListChanges();
    this.#changes = changes;
    for (let i = 0; i < this.nodes; i++) changes.mark(nodeOrder(this.arena, this.node(i)));
  }

  /** What was written is remembered no more. */
  nodesWritten(): void {
    this.#changes?.clear();
  }

  /** Calls `visit` with the order and the ref of each node that was changed. */
  forEachDirtyNode(visit: (order: number, node: Ref) => void): void {
    for (const order of this.#changes?.dirty ?? []) visit(order, this.node(this.#positionOf(order)));
  }

  /** Orders of nodes that are gone, among them some that were never written. */
  get removedOrders(): Iterable<number> {
    return this.#changes?.removed ?? [];
  }

  #positionOf(order: number): number {
    let low = 0;
    let high = this.nodes - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (nodeOrder(this.arena, this.node(middle)) < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // The sequence of nodes

  /** The node at a position was changed; its block may be another one. */
  protected setNode(position: number, node: Ref): void {
    if (position === 0) this.#head = node;
    if (position === this.nodes - 1) this.#tail = node;
    const directory = this.#directory;
    if (directory !== null) {
      directory.setRef(position, node);
      directory.setCount(position, nodeCount(this.arena, node));
    }
    this.mark(node);
  }

  /** Makes `node` the one at a position. */
  protected insertNode(position: number, node: Ref): void {
    const count = nodeCount(this.arena, node);
    if (this.nodes === 0) {
      this.#head = node;
      this.#tail = node;
    } else {
      if (this.#directory === null) {
        this.#directory = new ListDirectory();
        this.#directory.insert(0, this.#head, 0);
      }
      const directory = this.#directory;
      directory.insert(position, node, count);
      if (position === 0) {
        directory.setCount(1, nodeCount(this.arena, this.#head));
        this.#head = node;
      } else if (position === this.nodes) {
        directory.setCount(position - 1, nodeCount(this.arena, this.#tail));
        this.#tail = node;
      }
    }
    this.nodes++;
    this.mark(node);
  }

  /** Frees the node at a position with its elements. */
  protected removeNode(position: number): void {
    const node = this.node(position);
    this.#changes?.remove(nodeOrder(this.arena, node));
    freeNode(this.arena, node);
    this.nodes--;
    const directory = this.#directory;
    if (directory === null) {
      this.#head = 0;
      this.#tail = 0;
      return;
    }
    directory.remove(position);
    this.#head = directory.ref(0);
    this.#tail = directory.ref(this.nodes - 1);
    if (this.nodes === 1) this.#directory = null;
  }

  /** An order for a new node at a position, between its neighbours' orders. */
  protected orderAt(position: number): number {
    if (this.nodes === 0) return 0;
    if (position === 0) return nodeOrder(this.arena, this.#head) - orderStep;
    const before = nodeOrder(this.arena, this.node(position - 1));
    if (position === this.nodes) return before + orderStep;
    const after = nodeOrder(this.arena, this.node(position));
    const middle = before + (after - before) / 2;
    if (middle > before && middle < after) return middle;
    this.#renumber();
    return this.orderAt(position);
  }

  /** Two neighbours have no number left between them: new orders for all nodes. */
  #renumber(): void {
    const { arena } = this;
    if (this.#changes !== null) {
      for (let i = 0; i < this.nodes; i++) this.#changes.remove(nodeOrder(arena, this.node(i)));
    }
    for (let i = 0; i < this.nodes; i++) {
      const node = this.node(i);
      setNodeOrder(arena, node, i * orderStep);
      this.mark(node);
    }
  }

  /** A node was changed. */
  protected mark(node: Ref): void {
    if (this.#changes !== null) this.#changes.mark(nodeOrder(this.arena, node));
  }
}
