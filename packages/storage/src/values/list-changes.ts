/**
 * Which nodes of a list were changed, and which are gone, since its last copy on disk was written: by
 * their orders, which stay the same when a node's block moves.
 */
export class ListChanges {
  readonly dirty = new Set<number>();
  readonly removed = new Set<number>();

  mark(order: number): void {
    this.dirty.add(order);
    this.removed.delete(order);
  }

  remove(order: number): void {
    this.dirty.delete(order);
    this.removed.add(order);
  }

  clear(): void {
    this.dirty.clear();
    this.removed.clear();
  }
}
