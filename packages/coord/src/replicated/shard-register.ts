/** What the replicas of a shard tell each other: how far what each of them has on its own disk reaches. */
import type { Position } from '@holdfast/log';

/**
 * What the name of a hold begins with, and no node's name does: somebody who is no replica needs the log from behind its
 * position on, for as long as it is there.
 */
export const holdMark = '~';

export interface ShardRegister {
  /** The replica on `node` needs nothing of the log up to `position`. Throws KvError UNAVAILABLE. */
  report(shard: string, node: string, position: Position): Promise<void>;
  /** By node, those that have reported, and by their names the holds. Throws KvError UNAVAILABLE. */
  positions(shard: string): Promise<ReadonlyMap<string, Position>>;
}

/** For one process: tests, and shards with one replica. */
export class MemoryShardRegister implements ShardRegister {
  readonly #positions = new Map<string, Map<string, Position>>();

  async report(shard: string, node: string, position: Position): Promise<void> {
    const positions = this.#positions.get(shard) ?? new Map<string, Position>();
    this.#positions.set(shard, positions.set(node, position));
  }

  async positions(shard: string): Promise<ReadonlyMap<string, Position>> {
    return new Map(this.#positions.get(shard));
  }
}
