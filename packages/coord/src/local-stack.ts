/**
 * Puts a local server together: storage, log, oracle, engine, coordinator. The one place that does, for
 * the gateway, the embedded library and tests.
 *
 *     DIR/format      which storage the directory belongs to
 *     DIR/timestamps  the oracle's high-water mark
 *     DIR/log/        segments, with `log: 'file'`
 *     DIR/history     from where on the log is a history of writes, while one is kept: see history-starts.ts
 *     DIR/chain       what else the log is made of, once it was anywhere else: see chain-segments.ts
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
import {
  type Disk,
  FileHighWaterMark,
  type FileLog,
  type FsyncPolicy,
  type Segments,
  type VirtualLog,
} from '@holdfast/log';
import { type Storage, systemDatabase } from '@holdfast/storage';
import { LocalOracle, MemoryHighWaterMark } from '@holdfast/tso';
import { type Consistency, ConsistencySwitch, type SharedLog } from './consistency-switch.js';
import { DataDirectory } from './data-directory.js';
import type { HistoryBounds } from './history/bounds.js';
import type { History } from './history/history.js';
import { KeptHistory } from './history/kept-history.js';
import { LocalCommitter } from './local-committer.js';
import { LocalCoordinator } from './local-coordinator.js';
import { hasChain, openChain, openKeptLog, openLog, openState, replicaPlaceOf } from './local-log.js';
import { Persistence } from './persistence.js';
import { type Recovered, recover } from './recovery.js';
import type { Replica } from './replicated/replica.js';
import type { SavePoint } from './save-points.js';
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
  /** See FileLog; 2 ms when not given. */
  readonly inlineSyncMsMax?: number;
  /** Values of parameters, by Redis' names. */
  readonly parameters?: ReadonlyMap<string, string>;
  /** Where users are kept: read now, and by ACL LOAD. */
  readonly aclFile?: AclFile | null;
  /** Where the parameters come from, and where CONFIG REWRITE puts them. */
  readonly configFile?: ConfigFile | null;
  /** Users that the configuration defines, each a name and rules; not together with an ACL file. */
  readonly users?: readonly string[];
  /** Where the log is, if it was made `replicated` before: asked for when it is needed. Throws KvError UNAVAILABLE. */
  readonly openShared?: () => Promise<SharedLog>;
  /** For tests. */
  readonly leaseMs?: number;
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
  /** Another one after a replica had to build its state again. */
  readonly storage: Storage;
  readonly kv: KV;
  readonly config: Config;
  readonly coordinator: LocalCoordinator;
  /** Null for a server without a directory. */
  readonly persistence: Persistence | null;
  /** The last writes, by version, while `history-bytes` says that they are kept. */
  readonly history: History;
  /** Null when there was nothing to recover from. */
  readonly recovered: Recovered | null;
  readonly consistency: Consistency;
  /** While it is replicated. */
  readonly replica: Replica | null;
  /**
   * Changes where writes are made durable, while they go on; `shared` says where, for `replicated`. Resolves with how
   * long commands waited, in ms. See `ConsistencySwitch.become`. Throws KvError INVALID, UNAVAILABLE.
   */
  setConsistency(consistency: Consistency, shared?: SharedLog): Promise<number>;
  /** Commits what was written, brings everything to the disk, and lets the directory go. */
  close(): Promise<void>;
}

interface Closable {
  close(): Promise<void>;
}

/** Throws KvError INVALID, LOCKED, CORRUPT, DISK. */
export async function openLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const config = new Config([...parameters, ...(options.moreParameters ?? [])]);
  for (const [name, value] of options.parameters ?? []) config.set(name, value);
  boundResident(config, options);
  const place = placeOf(options);
  if (isOnDisk(options)) await place!.claim();
  else if (place !== null && (await hasSaved(place))) await place.claim();
  const opened: Closable[] = [];
  try {
    return await assemble(options, config, place, opened);
  } catch (error) {
    for (const each of opened.reverse()) await each.close();
    await place?.release();
    throw error;
  }
}

/** Throws KvError INVALID when all data is in memory, and what is in memory is to be bounded. */
function boundResident(config: Config, { storage }: LocalStackOptions): void {
  if (storage === 'level') return;
  const problem = 'it bounds what level storage keeps in memory: start the server with --storage level';
  if (config.number('cache-bytes') > 0) throw new KvError('INVALID', `cache-bytes: ${problem}`);
  config.guard('cache-bytes', (wanted) => (wanted === '0' ? null : problem));
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
  return (await disk.exists(`${path}/snapshots`)) && !(await hasLog(disk, path));
}

async function hasLog(disk: Disk, path: string): Promise<boolean> {
  return (await disk.exists(`${path}/log`)) || (await disk.exists(`${path}/chain`));
}

/** For a server without a log: what a log has there is not to be covered. */
async function claimForSaving(place: DataDirectory): Promise<void> {
  if (place.isClaimed) return;
  await place.claim();
  if (!(await hasLog(place.disk, place.path))) return;
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

/** What is open already is among `parts`, for the case that this fails. */
async function assemble(
  options: LocalStackOptions,
  config: Config,
  place: DataDirectory | null,
  parts: Closable[],
): Promise<LocalStack> {
  const { env, onFatal = () => {}, onLog, onShutdown } = options;
  const snapshots =
    options.storage === 'memory' && place !== null
      ? new SnapshotFiles(place.disk, `${place.path}/snapshots`)
      : null;
  const replicaPlace = replicaPlaceOf(options, config, place, snapshots);
  let consistency: ConsistencySwitch | null = null;
  let opened: SharedLog | null = null;
  const openShared = async (): Promise<SharedLog | null> => {
    opened ??= (await options.openShared?.()) ?? null;
    return opened;
  };
  const sharedSegments = async (): Promise<Segments | null> =>
    consistency?.segments ?? (await openShared())?.segments ?? null;
  const chainOf = (opened: FileLog | null): Promise<VirtualLog> =>
    openChain(options, config, place!, { opened, shared: sharedSegments });
  const chain = (await hasChain(options, place)) ? await chainOf(null) : null;
  const state = await openState(options, chain, replicaPlace, openShared);
  const storage = state?.storage ?? (await replicaPlace.openStorage());
  parts.push(storage);
  const log = await openKeptLog(options, config, place, storage, { chain, isReplica: state !== null });
  if (log !== null) parts.push(log);
  const mark = isOnDisk(options)
    ? new FileHighWaterMark({ disk: place!.disk, path: `${place!.path}/timestamps` })
    : new MemoryHighWaterMark();
  const turnClock = new TurnClock(env.clock);
  const oracle = await LocalOracle.open({
    env: { ...env, clock: turnClock },
    mark,
    ...(!isOnDisk(options) && { aheadMs: unpersistedAheadMs }),
  });
  const isToRecover = place?.isClaimed === true && state === null && (log !== null || snapshots !== null);
  const recovered = isToRecover ? await recover(storage, log, snapshots) : null;
  await oracle.setFloor(storage.stamp.last);
  const kv = new KV({ storage, oracle, env, turnClock, config, aclFile: options.aclFile ?? null });
  loadUsers(kv, options.users ?? []);
  await storage.prepareScan(systemDatabase, 0, Number.POSITIVE_INFINITY);
  // What can't be loaded shows now.
  kv.scripting.functions.prepare();
  const history = new KeptHistory({ clock: env.clock, oracle, place, bounds: historyBoundsOf(config) });
  if (state !== null) await history.stop('the log is replicated');
  else if (log !== null) await history.resume(log, storage.stamp);
  else history.beginInMemory(storage.stamp);
  if (log === null && place?.isClaimed === true) await history.forget();
  const epoch = chain === null || log === null ? 1 : (await chain.activeLog.state()).epoch;
  const committer = new LocalCommitter({ storage, env, log, epoch, history, onFatal });
  const persistence =
    place === null
      ? null
      : new Persistence({
          env,
          storage,
          committer,
          history,
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
  watchHistory(config, history, persistence);
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
  if (persistence !== null) {
    consistency = new ConsistencySwitch({
      env,
      kv,
      coordinator,
      persistence,
      history,
      oracle,
      place: replicaPlace,
      chain,
      openChain: () => chainOf(persistence.log as FileLog),
      ...(options.leaseMs && { leaseMs: options.leaseMs }),
      onFatal,
      onError: options.onError ?? (() => {}),
    });
    if (state !== null) await consistency.resume(opened!, state);
  }
  const close = async (): Promise<void> => {
    await coordinator.shutdown().catch((error: unknown) => {
      // A replica that leads no longer has nothing to bring to an end.
      if (consistency?.consistency !== 'replicated') throw error;
    });
    await consistency?.close();
    await persistence?.close();
    if (persistence?.isAbandoned !== true) await kv.storage.flush();
    await kv.storage.close();
    await persistence?.closeLog();
    await consistency?.closeLog();
    await oracle.close();
    await place?.release();
  };
  return {
    kv,
    config,
    coordinator,
    persistence,
    history,
    recovered,
    close,
    get storage() {
      return kv.storage;
    },
    get consistency() {
      return consistency?.consistency ?? 'local';
    },
    get replica() {
      return consistency?.replica ?? null;
    },
    async setConsistency(wanted, shared) {
      if (consistency !== null) return consistency.become(wanted, shared);
      throw new KvError('INVALID', 'a server without a directory has no log that could be elsewhere');
    },
  };
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
  if (storage === 'memory' && persistence !== null) {
    config.changeBy(['appendonly'], (values) => persistence.turn(values.get('appendonly') === 'yes'));
    return;
  }
  config.guard('appendonly', (wanted) =>
    wanted === appendonly
      ? null
      : `it is '${appendonly}' since the start of the server: start it with another --log`,
  );
}

/** As they are, but for those that are about to change. */
function historyBoundsOf(config: Config, wanted: ReadonlyMap<string, string> = new Map()): HistoryBounds {
  const numberOf = (name: string): number => Number(wanted.get(name) ?? config.number(name));
  return { bytes: numberOf('history-bytes'), seconds: numberOf('history-seconds') };
}

/** Whether a history is kept can change while the server runs, if it has a directory. */
function watchHistory(config: Config, history: KeptHistory, persistence: Persistence | null): void {
  config.changeBy(['history-bytes', 'history-seconds'], async (wanted) => {
    const bounds = historyBoundsOf(config, wanted);
    if (persistence !== null) return persistence.turnHistory(bounds);
    if (bounds.bytes > 0 !== history.isWanted)
      throw new KvError('INVALID', 'a server without a directory keeps a history from its start on, or none');
    history.bounds = bounds;
  });
}
