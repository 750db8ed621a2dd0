/**
 * Where the replicas of a node keep their data:
 *
 *     DIR/shards/SHARD/snapshots/   memory storage: what the log need not hold any more
 *     DIR/shards/SHARD/level/       level storage
 */
import { rm } from 'node:fs/promises';
import type { Env } from '@holdfast/common';
import { type ReplicaPlace, SnapshotFiles } from '@holdfast/coord';
import type { Disk } from '@holdfast/log';
import { LevelStorage, MemoryStorage, type Storage } from '@holdfast/storage';
import type { Settings } from './settings.js';

/** The place of a shard's replica. */
export function placeOf(settings: Settings, env: Env, disk: Disk, shard: string): ReplicaPlace {
  const directory = `${settings.directory}/shards/${shard}`;
  if (settings.storage === 'memory') {
    const open = async (): Promise<Storage> => new MemoryStorage(env.random);
    return {
      openStorage: open,
      resetStorage: open,
      snapshots: new SnapshotFiles(disk, `${directory}/snapshots`),
    };
  }
  const level = `${directory}/level`;
  const open = async (): Promise<Storage> => {
    await disk.makeDirectory(directory);
    return LevelStorage.open({ directory: level, env });
  };
  const reset = async (): Promise<Storage> => {
    await rm(level, { recursive: true, force: true });
    return open();
  };
  return { openStorage: open, resetStorage: reset, snapshots: null };
}
