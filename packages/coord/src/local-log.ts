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
import { SnapshotFiles } from './snapshot-files.js';

/** What a local server stands on. */
export interface Foundation {
  /** Where the storage is had from, and snapshots for memory storage. */
  readonly place: ReplicaPlace;
  /** The log as it is made of several; null while it is one. */
  readonly chain: VirtualLog | null;
  /** Of a server that was a replica when it ended: it has the log, and the storage. */
  readonly state: ReplicaState | null;
  readonly storage: Storage;
  readonly log: KeptLog | null;
}

/** What has to be closed again when the rest can't be opened. */
export interface Closable {
  close(): Promise<void>;
}

/** What is needed of a log that is shared, if there is one. */
export interface SharedAccess {
  /** Where its segments are; null when the server does not know. */
  readonly segments: () => Promise<Segments | null>;
  /** Null when the server was not told of any. */
  readonly open: () => Promise<SharedLog | null>;
}

/** What is open already is among `opened`, for the case that this fails. Throws KvError. */
export async function openFoundation(
  options: LocalStackOptions,
  config: Config,
  directory: DataDirectory | null,
  shared: SharedAccess,
  opened: Closable[],
): Promise<Foundation> {
  const place = replicaPlaceOf(options, config, directory);
  // First of all: what is opened next writes, and may have no room.
  if (directory?.isClaimed) await place.snapshots?.removeUnfinished();
  const isChain = options.log === 'file' && directory !== null && (await directory.hasChain());
  const chain = isChain ? await openChain(options, config, directory, shared, null) : null;
  const state = await openState(options, chain, place, shared);
  const storage = state?.storage ?? (await place.openStorage());
  opened.push(storage);
  let log: KeptLog | null = null;
  if (options.log === 'file' && state === null) {
    log = chain === null ? await openLog(options, config, directory!, storage) : new ChainedLog(chain);
    opened.push(log);
  }
  return { place, chain, state, storage, log };
}

function replicaPlaceOf(
  { env, storage }: LocalStackOptions,
  config: Config,
  place: DataDirectory | null,
): ReplicaPlace {
  if (storage === 'memory') {
    const snapshots = place === null ? null : new SnapshotFiles(place.disk, `${place.path}/snapshots`);
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

/** `opened`: the log of files that is open already, which becomes the first of the chain. */
export function openChain(
  options: LocalStackOptions,
  config: Config,
  { disk, path }: DataDirectory,
  shared: SharedAccess,
  opened: FileLog | null,
): Promise<VirtualLog> {
  const { env } = options;
  const openFiles = (segment: FileSegmentOptions): Promise<FileLog> =>
    FileLog.open({ ...fileLogOptions(options, config, disk), ...segment });
  return VirtualLog.open({
    env,
    register: new FileRegister({ disk, path: `${path}/chain` }),
    segments: new ChainSegments({ disk, path, openFiles, shared: shared.segments, opened }),
    kind: inFiles,
    firstName,
  });
}

/** The state of a server that was a replica when it ended; null for others. */
async function openState(
  { env, onError = () => {} }: LocalStackOptions,
  chain: VirtualLog | null,
  place: ReplicaPlace,
  access: SharedAccess,
): Promise<ReplicaState | null> {
  if (chain === null || activeOf(chain.chain).kind === inFiles) return null;
  const shared = await access.open();
  if (shared === null) {
    throw new KvError('UNAVAILABLE', 'the log of this directory is in etcd: start the server with --etcd');
  }
  const { shard, source } = shared;
  return ReplicaState.open({ shard, env, log: chain, place, source, onError });
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
