/**
 * Puts a local server together: storage, log, oracle, engine, coordinator. The one place that does, for
 * the gateway, the embedded library and tests.
 *
 *     DIR/format      which storage the directory belongs to
 *     DIR/timestamps  the oracle's high-water mark
 *     DIR/log/        segments, with `log: 'file'`
 *     DIR/snapshots/  memory storage over a log
 *     DIR/level/      level storage
 */
import { type Env, KvError, TurnClock } from '@holdfast/common';
import { type AclFile, Config, KV, type LogLevel, type Parameter, parameters } from '@holdfast/engine';
import {
  type Disk,
  type DiskLock,
  FileHighWaterMark,
  FileLog,
  type FsyncPolicy,
  readSmallFile,
  writeSmallFile,
} from '@holdfast/log';
import { LevelStorage, MemoryStorage, type Storage, systemDatabase } from '@holdfast/storage';
import { LocalOracle, MemoryHighWaterMark } from '@holdfast/tso';
import { LocalCommitter } from './local-committer.js';
import { LocalCoordinator } from './local-coordinator.js';
import { type Recovered, recover } from './recovery.js';
import { SnapshotFiles } from './snapshot-files.js';
import { Snapshotter } from './snapshotter.js';

export interface LocalStackOptions {
  readonly env: Env;
  /** Needed with a log or level storage. */
  readonly disk?: Disk;
  readonly storage: 'memory' | 'level';
  readonly log: 'none' | 'file';
  readonly fsync: FsyncPolicy;
  /** Needed with a log or level storage. */
  readonly directory?: string;
  /** Usual size of a file of the log; FileLog's default when not given. */
  readonly segmentBytes?: number;
  /** See FileLog; 1 ms when not given. */
  readonly inlineSyncMsMax?: number;
  /** Values of parameters, by Redis' names. */
  readonly parameters?: ReadonlyMap<string, string>;
  /** Where users are kept: read now, and by ACL LOAD. */
  readonly aclFile?: AclFile | null;
  /** Users that the configuration defines, each a name and rules; not together with an ACL file. */
  readonly users?: readonly string[];
  /** Beyond the engine's own. */
  readonly moreParameters?: readonly Parameter[];
  /** Whether a write was kept can't be known: the process must end, and recover when started again. */
  readonly onFatal?: (error: KvError) => void;
  readonly onShutdown?: (save: boolean) => void;
  /** Gets what scripts write to the log. */
  readonly onLog?: (level: LogLevel, message: string) => void;
  /** A background task failed and will be tried again. */
  readonly onError?: (error: unknown) => void;
}

export interface LocalStack {
  readonly storage: Storage;
  readonly kv: KV;
  readonly config: Config;
  readonly coordinator: LocalCoordinator;
  readonly log: FileLog | null;
  readonly snapshotter: Snapshotter | null;
  /** Null when there was nothing to recover from. */
  readonly recovered: Recovered | null;
  /** Commits what was written, brings everything to the disk, and lets the directory go. */
  close(): Promise<void>;
}

/** Throws KvError INVALID, LOCKED, CORRUPT, DISK. */
export async function openLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const config = new Config([...parameters, ...(options.moreParameters ?? [])]);
  for (const [name, value] of options.parameters ?? []) config.set(name, value);
  if (options.storage === 'memory' && options.log === 'none') return assemble(options, config, null);
  const { directory, disk } = options;
  if (directory === undefined || disk === undefined) {
    throw new KvError('INVALID', 'a log or level storage needs a directory: --dir DIR');
  }
  await disk.makeDirectory(directory);
  const lock = await disk.lock(directory);
  try {
    await checkFormat(disk, directory, options.storage);
    return await assemble(options, config, { directory, disk, lock });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * Ten years: where no mark is persisted, nothing is to be renewed, and timestamps never lag behind the clock
 * as they do for a moment after an idle spell.
 */
const unpersistedAheadMs = 10 * 365 * 24 * 3600 * 1000;

interface Place {
  readonly directory: string;
  readonly disk: Disk;
  readonly lock: DiskLock;
}

async function assemble(
  options: LocalStackOptions,
  config: Config,
  place: Place | null,
): Promise<LocalStack> {
  const { env } = options;
  const storage = await openStorage(options, place);
  const log = options.log === 'file' ? await openLog(options, place!, storage) : null;
  const snapshots =
    log !== null && options.storage === 'memory'
      ? new SnapshotFiles(place!.disk, `${place!.directory}/snapshots`)
      : null;
  const mark =
    place === null
      ? new MemoryHighWaterMark()
      : new FileHighWaterMark({ disk: place.disk, path: `${place.directory}/timestamps` });
  const turnClock = new TurnClock(env.clock);
  const oracle = await LocalOracle.open({
    env: { ...env, clock: turnClock },
    mark,
    ...(place === null && { aheadMs: unpersistedAheadMs }),
  });
  const recovered = log === null ? null : await recover(storage, log, snapshots);
  await oracle.setFloor(storage.stamp.last);
  const kv = new KV({ storage, oracle, env, turnClock, config, aclFile: options.aclFile ?? null });
  loadUsers(kv, options.users ?? []);
  await storage.prepareScan(systemDatabase, 0, Number.POSITIVE_INFINITY);
  // What can't be loaded shows now.
  kv.scripting.functions.prepare();
  const committer = new LocalCommitter({ storage, env, log, onFatal: options.onFatal ?? (() => {}) });
  const onError = options.onError ?? (() => {});
  const snapshotter =
    log === null ? null : new Snapshotter({ storage, log, committer, snapshots, env, onError });
  describeLog(config, options);
  const { onLog, onShutdown } = options;
  const coordinator = new LocalCoordinator({
    kv,
    env,
    committer,
    snapshots: snapshotter,
    ...(onShutdown && { onShutdown }),
    ...(onLog && { onLog }),
  });
  const close = async (): Promise<void> => {
    await coordinator.shutdown();
    await snapshotter?.close();
    if (!committer.isAbandoned) await storage.flush();
    await storage.close();
    await log?.close();
    await oracle.close();
    await place?.lock.release();
  };
  return { storage, kv, config, coordinator, log, snapshotter, recovered, close };
}

/** Throws KvError INVALID when a user is wrong: a server must not begin with others than it was given. */
function loadUsers({ access }: KV, users: readonly string[]): void {
  const { file } = access;
  for (const line of users) {
    if (file !== null) {
      throw new KvError(
        'INVALID',
        'users are defined by the configuration and by an ACL file: choose one of them',
      );
    }
    const [name, ...rules] = line.split(' ').filter((word) => word !== '');
    const problem = access.setUser(name, rules, () => {});
    if (problem !== null) throw new KvError('INVALID', `user ${name}: ${problem.replace(/^ERR /, '')}`);
  }
  if (file === null) return;
  const problems = access.load(file.read(), file.path, () => {});
  if (problems !== null) throw new KvError('INVALID', problems);
}

async function openStorage({ env, storage }: LocalStackOptions, place: Place | null): Promise<Storage> {
  if (storage === 'memory') return new MemoryStorage(env.random);
  return LevelStorage.open({ directory: `${place!.directory}/level`, env });
}

function openLog(
  { env, fsync, segmentBytes, inlineSyncMsMax = 1 }: LocalStackOptions,
  { disk, directory }: Place,
  storage: Storage,
): Promise<FileLog> {
  const startAfter = storage.durablePosition;
  return FileLog.open({
    disk,
    env,
    directory: `${directory}/log`,
    fsync,
    startAfter,
    inlineSyncMsMax,
    ...(segmentBytes && { segmentBytes }),
  });
}

/** The log in Redis' words. What was chosen at the start can't be changed by CONFIG SET. */
function describeLog(config: Config, { log, fsync }: LocalStackOptions): void {
  const choose = (name: string, value: string): void => {
    config.set(name, value);
    config.guard(name, (wanted) =>
      wanted === value
        ? null
        : `it is '${value}' since the start of the server: start it with another --log or --fsync`,
    );
  };
  choose('appendonly', log === 'file' ? 'yes' : 'no');
  if (log === 'file') choose('appendfsync', fsync);
}

/** A directory belongs to one kind of storage for good. */
async function checkFormat(disk: Disk, directory: string, storage: string): Promise<void> {
  const path = `${directory}/format`;
  const content = await readSmallFile(disk, path);
  const expected = `holdfast 1 ${storage}\n`;
  if (content === null) {
    await writeSmallFile(disk, path, Buffer.from(expected));
    return;
  }
  const found = Buffer.from(content).toString('utf8');
  if (found === expected) return;
  const [name, version, kind] = found.trim().split(' ');
  if (name === 'holdfast' && version === '1') {
    throw new KvError(
      'INVALID',
      `${directory} holds data of --storage ${kind}, not ${storage}: choose that, or another directory`,
    );
  }
  throw new KvError(
    'INVALID',
    `${directory} was written by a newer version (${found.trim()}): use that version`,
  );
}
