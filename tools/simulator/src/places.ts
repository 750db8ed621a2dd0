/** Where the replicas of a machine keep their data: snapshots on its disk, or a database that its next life finds again. */
import type { Env } from '@holdfast/common';
import { type ReplicaPlace, SnapshotFiles } from '@holdfast/coord';
import type { SimulatedDisk } from '@holdfast/log/testing';
import { LevelStorage, MemoryStorage } from '@holdfast/storage';
import { SimulatedContent, SimulatedOrderedStore } from '@holdfast/storage/testing';

export const storageKinds = ['memory', 'level'] as const;
export type StorageKind = (typeof storageKinds)[number];

/** There are many storages, and they hold little; a snapshot takes a while all the same: key by key. */
const small = { firstChunkBytes: 4 << 20, snapshotBatchBytes: 1 };

export class Places {
  readonly #disk: SimulatedDisk;
  readonly #kind: StorageKind;
  /** Of level storage, by shard. */
  readonly #contents = new Map<string, SimulatedContent>();

  constructor(disk: SimulatedDisk, kind: StorageKind) {
    this.#disk = disk;
    this.#kind = kind;
  }

  of(shard: string, env: Env): ReplicaPlace {
    return this.#kind === 'memory' ? this.#inMemory(shard, env) : this.#onDisk(shard, env);
  }

  #inMemory(shard: string, env: Env): ReplicaPlace {
    const open = async (): Promise<MemoryStorage> => new MemoryStorage(env.random, null, small);
    return { openStorage: open, resetStorage: open, snapshots: new SnapshotFiles(this.#disk, `/${shard}`) };
  }

  #onDisk(shard: string, env: Env): ReplicaPlace {
    const open = (): Promise<LevelStorage> => {
      const content = this.#contents.get(shard) ?? new SimulatedContent();
      this.#contents.set(shard, content);
      return LevelStorage.over(new SimulatedOrderedStore(content), env, shard);
    };
    const reset = (): Promise<LevelStorage> => {
      this.#contents.delete(shard);
      return open();
    };
    return { openStorage: open, resetStorage: reset, snapshots: null };
  }
}
