/**
 * SAVE and its kin at a storage node: whichever of its shards is asked, all replicas of the node are saved, one after the
 * other. Copies that the node takes by itself neither count as under way here nor refuse one that is asked for.
 */
import { KvError } from '@holdfast/common';
import type { Snapshots } from '@holdfast/engine';

/** Who saves the replica of one shard; see `ReplicaKeeper`. */
export interface ShardKeeper {
  readonly lastFinishedMs: number;
  readonly savedWrites: number;
  /** Takes a snapshot, or joins the one under way. Throws KvError. */
  take(): Promise<void>;
}

export class NodeSnapshots {
  readonly #keepers = new Map<string, ShardKeeper>();
  #running: Promise<void> | null = null;
  #hasFailed = false;

  add(shard: string, keeper: ShardKeeper): void {
    this.#keepers.set(shard, keeper);
  }

  /** The replica is about to be closed. */
  remove(shard: string): void {
    this.#keepers.delete(shard);
  }

  /** As the commands of one shard see them. */
  of(shard: string): Snapshots {
    const node = this;
    return {
      get isRunning() {
        return node.#running !== null;
      },
      get lastFinishedMs() {
        return node.#lastFinishedMs;
      },
      get savedWrites() {
        return node.#keepers.get(shard)?.savedWrites ?? 0;
      },
      get hasFailed() {
        return node.#hasFailed;
      },
      take: () => node.#take(),
    };
  }

  /** Since then all of it is on the disk; 0 while something never was. */
  get #lastFinishedMs(): number {
    const times = [...this.#keepers.values()].map(({ lastFinishedMs }) => lastFinishedMs);
    return times.length === 0 ? 0 : Math.min(...times);
  }

  #take(): Promise<void> {
    this.#running ??= this.#takeAll().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** One that can't be saved keeps no other from it. */
  async #takeAll(): Promise<void> {
    let failure: Error | null = null;
    for (const [shard, keeper] of [...this.#keepers]) {
      if (this.#keepers.get(shard) !== keeper) continue;
      try {
        await keeper.take();
      } catch (error) {
        failure ??= new KvError('DISK', `shard ${shard}: ${(error as Error).message}`, { cause: error });
      }
    }
    this.#hasFailed = failure !== null;
    if (failure !== null) throw failure;
  }
}
