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
import { type Env, KvError } from '@holdfast/common';
import type { AclFile, Config, ConfigFile, KV, LogLevel, Parameter } from '@holdfast/engine';
import type { Disk, FsyncPolicy } from '@holdfast/log';
import type { Storage } from '@holdfast/storage';
import type { LocalOracle } from '@holdfast/tso';
import type { Consistency, ConsistencySwitch, SharedLog } from './consistency-switch.js';
import { checkRestored, DataDirectory } from './data-directory.js';
import type { History } from './history/history.js';
import { Assembly, type StackParts } from './local-assembly.js';
import { configurationOf, isOnDisk } from './local-configuration.js';
import type { LocalCoordinator } from './local-coordinator.js';
import type { Closable } from './local-log.js';
import type { Persistence } from './persistence.js';
import type { Recovered } from './recovery.js';
import type { Replica } from './replicated/replica.js';
import { endStack } from './stack-end.js';

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
  /** At each batch that is recovered: what it throws ends that, and lets the directory go. */
  readonly onRecovering?: () => void;
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
  /**
   * Commits what was written, brings everything to the disk, and lets the directory go, whatever fails. Throws KvError
   * DISK, UNDETERMINED: see `endStack`.
   */
  close(): Promise<void>;
}

/** Throws KvError INVALID, LOCKED, CORRUPT, DISK. */
export async function openLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const config = configurationOf(options);
  const place = placeOf(options);
  if (options.log === 'file') await place!.claim();
  else if (isOnDisk(options)) await place!.claimWithoutLog();
  else if (place !== null) await claimSaved(place, options.onLog);
  const opened: Closable[] = [];
  try {
    return new OpenStack(await new Assembly(options, config, place, opened).assemble(), place);
  } catch (error) {
    for (const each of opened.reverse()) await each.close();
    await place?.release();
    throw error;
  }
}

/** A server that keeps nothing by itself has the directory for what SAVE left there. */
async function claimSaved(place: DataDirectory, onLog: LocalStackOptions['onLog']): Promise<void> {
  if (await place.hasSaved()) return place.claim();
  await checkRestored(place.disk, place.path);
  const warning = await place.passedOver();
  if (warning !== null) onLog?.('warning', warning);
}

function placeOf(options: LocalStackOptions): DataDirectory | null {
  const { directory, disk, storage } = options;
  if (directory !== undefined && disk !== undefined) return new DataDirectory(disk, directory, storage);
  if (!isOnDisk(options)) return null;
  throw new KvError('INVALID', 'a log or level storage needs a directory: --dir DIR');
}

class OpenStack implements LocalStack {
  readonly kv: KV;
  readonly config: Config;
  readonly coordinator: LocalCoordinator;
  readonly persistence: Persistence | null;
  readonly history: History;
  readonly recovered: Recovered | null;
  readonly #switch: ConsistencySwitch | null;
  readonly #oracle: LocalOracle;
  readonly #place: DataDirectory | null;

  constructor(parts: StackParts, place: DataDirectory | null) {
    this.kv = parts.kv;
    this.config = parts.kv.config;
    this.coordinator = parts.coordinator;
    this.persistence = parts.persistence;
    this.history = parts.history;
    this.recovered = parts.recovered;
    this.#switch = parts.consistency;
    this.#oracle = parts.oracle;
    this.#place = place;
  }

  get storage(): Storage {
    return this.kv.storage;
  }

  get consistency(): Consistency {
    return this.#switch?.consistency ?? 'local';
  }

  get replica(): Replica | null {
    return this.#switch?.replica ?? null;
  }

  async setConsistency(wanted: Consistency, shared?: SharedLog): Promise<number> {
    if (this.#switch !== null) return this.#switch.become(wanted, shared);
    throw new KvError('INVALID', 'a server without a directory has no log that could be elsewhere');
  }

  close(): Promise<void> {
    return endStack({
      kv: this.kv,
      coordinator: this.coordinator,
      persistence: this.persistence,
      consistency: this.#switch,
      oracle: this.#oracle,
      place: this.#place,
    });
  }
}
