/**
 * Puts a local server together: storage, log, oracle, engine, coordinator. The one place that does, for
 * the gateway, the embedded library and tests.
 *
 *     DIR/format      which storage the directory belongs to
 *     DIR/timestamps  the oracle's high-water mark
 *     DIR/log/        segments, with `log: 'file'`
 *     DIR/snapshots/  memory storage: what the log no longer has, or what SAVE wrote without one
 *     DIR/level/      level storage
 */
import { type Env, KvError, TurnClock } from '@holdfast/common';
import {
  type AclFile,
  Config,
  type ConfigFile,
  KV,
  type LogLevel,
  type Parameter,
  parameters,
} from '@holdfast/engine';
import { type Disk, FileHighWaterMark, FileLog, type FsyncPolicy } from '@holdfast/log';
import { LevelStorage, MemoryStorage, type Storage, systemDatabase } from '@holdfast/storage';
import { LocalOracle, MemoryHighWaterMark } from '@holdfast/tso';
import { DataDirectory } from './data-directory.js';
import { LocalCommitter } from './local-committer.js';
import { LocalCoordinator } from './local-coordinator.js';
import { Persistence, type SavePoint } from './persistence.js';
import { type Recovered, recover } from './recovery.js';
import { SnapshotFiles } from './snapshot-files.js';

export interface LocalStackOptions {
  readonly env: Env;
  /** Needed with a log or level storage, and for SAVE. */
  readonly disk?: Disk;
  readonly storage: 'memory' | 'level';
  readonly log: 'none' | 'file';
  readonly fsync: FsyncPolicy;
  /** Needed with a log or level storage, and for SAVE. */
  readonly directory?: string;
  /** Usual size of a file of the log; FileLog's default when not given. */
  readonly segmentBytes?: number;
  /** See FileLog; 1 ms when not given. */
  readonly inlineSyncMsMax?: number;
  /** Values of parameters, by Redis' names. */
  readonly parameters?: ReadonlyMap<string, string>;
  /** Where users are kept: read now, and by ACL LOAD. */
  readonly aclFile?: AclFile | null;
  /** Where the parameters come from, and where CONFIG REWRITE puts them. */
  readonly configFile?: ConfigFile | null;
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
  /** Null for a server without a directory. */
  readonly persistence: Persistence | null;
  /** Null when there was nothing to recover from. */
  readonly recovered: Recovered | null;
  /** Commits what was written, brings everything to the disk, and lets the directory go. */
  close(): Promise<void>;
}

/** Throws KvError INVALID, LOCKED, CORRUPT, DISK. */
export async function openLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const config = new Config([...parameters, ...(options.moreParameters ?? [])]);
  for (const [name, value] of options.parameters ?? []) config.set(name, value);
  const place = placeOf(options);
  if (isOnDisk(options)) await place!.claim();
  else if (place !== null && (await hasSaved(place))) await place.claim();
  try {
    return await assemble(options, config, place);
  } catch (error) {
    await place?.release();
    throw error;
  }
}

/** Whether what is written goes to the disk by itself. */
function isOnDisk({ log, storage }: LocalStackOptions): boolean {
  return log !== 'none' || storage !== 'memory';
}

function placeOf(options: LocalStackOptions): DataDirectory | null {
  const { directory, disk, storage } = options;
  if (directory !== undefined && disk !== undefined) return new DataDirectory(disk, directory, storage);
  if (!isOnDisk(options)) return null;
  throw new KvError('INVALID', 'a log or level storage needs a directory: --dir DIR');
}

/** Whether a server without a log left something there by SAVE. */
async function hasSaved({ disk, path }: DataDirectory): Promise<boolean> {
  return (await disk.exists(`${path}/snapshots`)) && !(await disk.exists(`${path}/log`));
}

/** For a server without a log: what a log has there is not to be covered. */
async function claimForSaving(place: DataDirectory): Promise<void> {
  if (place.isClaimed) return;
  await place.claim();
  if (!(await place.disk.exists(`${place.path}/log`))) return;
  await place.release();
  throw new KvError(
    'INVALID',
    `${place.path} has the log of another run: start with --log file, or elsewhere`,
  );
}

/**
 * Ten years: where no mark is persisted, nothing is to be renewed, and timestamps never lag behind the clock
 * as they do for a moment after an idle spell.
 */
const unpersistedAheadMs = 10 * 365 * 24 * 3600 * 1000;

async function assemble(
  options: LocalStackOptions,
  config: Config,
  place: DataDirectory | null,
): Promise<LocalStack> {
  const { env, onFatal = () => {}, onLog, onShutdown } = options;
  const storage = await openStorage(options, place);
  const log = options.log === 'file' ? await openLog(options, config, place!, storage) : null;
  const snapshots =
    options.storage === 'memory' && place !== null
      ? new SnapshotFiles(place.disk, `${place.path}/snapshots`)
      : null;
  const mark = isOnDisk(options)
    ? new FileHighWaterMark({ disk: place!.disk, path: `${place!.path}/timestamps` })
    : new MemoryHighWaterMark();
  const turnClock = new TurnClock(env.clock);
  const oracle = await LocalOracle.open({
    env: { ...env, clock: turnClock },
    mark,
    ...(!isOnDisk(options) && { aheadMs: unpersistedAheadMs }),
  });
  const isToRecover = place?.isClaimed === true && (log !== null || snapshots !== null);
  const recovered = isToRecover ? await recover(storage, log, snapshots) : null;
  await oracle.setFloor(storage.stamp.last);
  const kv = new KV({ storage, oracle, env, turnClock, config, aclFile: options.aclFile ?? null });
  loadUsers(kv, options.users ?? []);
  await storage.prepareScan(systemDatabase, 0, Number.POSITIVE_INFINITY);
  // What can't be loaded shows now.
  kv.scripting.functions.prepare();
  const committer = new LocalCommitter({ storage, env, log, onFatal });
  const persistence =
    place === null
      ? null
      : new Persistence({
          env,
          storage,
          committer,
          log,
          snapshots,
          savePoints: () => savePointsOf(config),
          claim: () => claimForSaving(place),
          openLog: () => openLog(options, config, place, storage),
          commitThrough: (next) => coordinator.commitThrough(next, null),
          replaceData: (body) => coordinator.replaceData(body),
          onFatal,
          onError: options.onError ?? (() => {}),
        });
  describeLog(config, options, persistence);
  const coordinator = new LocalCoordinator({
    kv,
    env,
    committer,
    snapshots: persistence,
    logControl: options.storage === 'memory' ? persistence : null,
    configFile: options.configFile ?? null,
    ...(onShutdown && { onShutdown }),
    ...(onLog && { onLog }),
  });
  const close = async (): Promise<void> => {
    await coordinator.shutdown();
    await persistence?.close();
    if (persistence?.isAbandoned !== true) await storage.flush();
    await storage.close();
    await persistence?.closeLog();
    await oracle.close();
    await place?.release();
  };
  return { storage, kv, config, coordinator, persistence, recovered, close };
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

async function openStorage(
  { env, storage }: LocalStackOptions,
  place: DataDirectory | null,
): Promise<Storage> {
  if (storage === 'memory') return new MemoryStorage(env.random);
  return LevelStorage.open({ directory: `${place!.path}/level`, env });
}

function openLog(
  { env, fsync, log, segmentBytes, inlineSyncMsMax = 1 }: LocalStackOptions,
  config: Config,
  { disk, path }: DataDirectory,
  storage: Storage,
): Promise<FileLog> {
  return FileLog.open({
    disk,
    env,
    directory: `${path}/log`,
    fsync: log === 'file' ? fsync : (config.text('appendfsync') as FsyncPolicy),
    startAfter: storage.durablePosition,
    inlineSyncMsMax,
    ...(segmentBytes && { segmentBytes }),
  });
}

/** `save`, as pairs of seconds and writes. */
function savePointsOf(config: Config): SavePoint[] {
  const numbers = config.text('save').split(' ').filter(Boolean).map(Number);
  const points: SavePoint[] = [];
  for (let i = 0; i + 1 < numbers.length; i += 2)
    points.push({ seconds: numbers[i], writes: numbers[i + 1] });
  return points;
}

/** The log in Redis' words: how it is synced can be changed at any time; whether there is one, for memory storage. */
function describeLog(
  config: Config,
  { log, storage, fsync }: LocalStackOptions,
  persistence: Persistence | null,
): void {
  const appendonly = log === 'file' ? 'yes' : 'no';
  config.set('appendonly', appendonly);
  if (log === 'file') config.set('appendfsync', fsync);
  config.onChange('appendfsync', (policy) => persistence?.syncLog(policy as FsyncPolicy));
  if (storage === 'memory' && persistence !== null) return;
  config.guard('appendonly', (wanted) =>
    wanted === appendonly
      ? null
      : `it is '${appendonly}' since the start of the server: start it with another --log`,
  );
}
