/**
 * The log that a local server begins with, and the storage below it: files alone, or the chain that DIR/chain knows
 * of, whose active segment may be in etcd.
 */
import { KvError } from '@holdfast/common';
import type { Config } from '@holdfast/engine';
import {
  activeOf,
  type Disk,
  FileLog,
  type FileLogOptions,
  FileRegister,
  type FsyncPolicy,
  type Segments,
  VirtualLog,
} from '@holdfast/log';
import { LevelStorage, MemoryStorage, type Storage } from '@holdfast/storage';
import { ChainSegments, type FileSegmentOptions, firstName, inFiles } from './chain-segments.js';
import type { SharedLog } from './consistency-switch.js';
import type { DataDirectory } from './data-directory.js';
import { ChainedLog, type KeptLog } from './kept-log.js';
import type { LocalStackOptions } from './local-stack.js';
import { type ReplicaPlace, ReplicaState } from './replicated/replica-state.js';
import type { SnapshotFiles } from './snapshot-files.js';

export function replicaPlaceOf(
  { env, storage }: LocalStackOptions,
  config: Config,
  place: DataDirectory | null,
  snapshots: SnapshotFiles | null,
): ReplicaPlace {
  if (storage === 'memory') {
    const open = async (): Promise<Storage> => new MemoryStorage(env.random);
    return { openStorage: open, resetStorage: open, snapshots };
  }
  const directory = `${place!.path}/level`;
  return {
    openStorage: () => LevelStorage.open({ directory, env, cacheBytes: config.number('cache-bytes') }),
    resetStorage: async () => {
      throw new KvError(
        'INVALID',
        `${directory} is to be taken from another node: remove it, and start again`,
      );
    },
    snapshots: null,
  };
}

export async function hasChain({ log }: LocalStackOptions, place: DataDirectory | null): Promise<boolean> {
  return log === 'file' && place !== null && (await place.disk.exists(`${place.path}/chain`));
}

export function openChain(
  options: LocalStackOptions,
  config: Config,
  { disk, path }: DataDirectory,
  { opened, shared }: { readonly opened: FileLog | null; readonly shared: () => Promise<Segments | null> },
): Promise<VirtualLog> {
  const { env } = options;
  const openFiles = (segment: FileSegmentOptions): Promise<FileLog> =>
    FileLog.open({ ...fileLogOptions(options, config, disk), ...segment });
  return VirtualLog.open({
    env,
    register: new FileRegister({ disk, path: `${path}/chain` }),
    segments: new ChainSegments({ disk, path, openFiles, shared, opened }),
    kind: inFiles,
    firstName,
  });
}

/** The state of a server that was a replica when it ended; null for others. */
export async function openState(
  { env, onError = () => {} }: LocalStackOptions,
  chain: VirtualLog | null,
  place: ReplicaPlace,
  openShared: () => Promise<SharedLog | null>,
): Promise<ReplicaState | null> {
  if (chain === null || activeOf(chain.chain).kind === inFiles) return null;
  const shared = await openShared();
  if (shared === null) {
    throw new KvError('UNAVAILABLE', 'the log of this directory is in etcd: start the server with --etcd');
  }
  const { shard, source } = shared;
  return ReplicaState.open({ shard, env, log: chain, place, source, onError });
}

export async function openKeptLog(
  options: LocalStackOptions,
  config: Config,
  place: DataDirectory | null,
  storage: Storage,
  { chain, isReplica }: { readonly chain: VirtualLog | null; readonly isReplica: boolean },
): Promise<KeptLog | null> {
  if (options.log !== 'file' || isReplica) return null;
  return chain === null ? openLog(options, config, place!, storage) : new ChainedLog(chain);
}

export function openLog(
  options: LocalStackOptions,
  config: Config,
  { disk, path }: DataDirectory,
  storage: Storage,
): Promise<FileLog> {
  const { durablePosition: startAfter } = storage;
  return FileLog.open({ ...fileLogOptions(options, config, disk), directory: `${path}/log`, startAfter });
}

function fileLogOptions(
  { env, fsync, inlineSyncMsMax = 2, log, segmentBytes }: LocalStackOptions,
  config: Config,
  disk: Disk,
): Omit<FileLogOptions, 'directory'> {
  return {
    disk,
    env,
    fsync: log === 'file' ? fsync : (config.text('appendfsync') as FsyncPolicy),
    inlineSyncMsMax,
    refusesCut: !config.flag('aof-load-truncated'),
    ...(segmentBytes && { segmentBytes }),
  };
}
