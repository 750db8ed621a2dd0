/**
 * The engine: runs one command at a time over a storage, stamping what it writes with a version from the
 * oracle. It knows no socket and no log; who calls it decides when a reply may leave.
 */
// @hot-path
import { type Env, KvError, keyBytesMax, type Reply, type Request, TurnClock } from '@holdfast/common';
import {
  type CreationListener,
  type Database,
  type Keyspace,
  type Storage,
  systemDatabase,
} from '@holdfast/storage';
import type { Oracle } from '@holdfast/tso';
import { AccessControl, type AclFile } from './acl/access-control.js';
import type { Command } from './command.js';
import type { CommandFigures } from './command-figures.js';
import { commands } from './commands/index.js';
import { Config } from './config.js';
import { Context } from './context.js';
import { followEncodingParameters } from './encoding-parameters.js';
import { EngineStats } from './engine-stats.js';
import { Eviction } from './eviction.js';
import { Expiry } from './expiry.js';
import type { Host } from './host.js';
import { eventClassBit, parseEventClasses } from './keyspace-events.js';
import { parameters } from './parameters.js';
import type { Laziness, Propagation } from './propagation.js';
import { Registry } from './registry.js';
import { Scripting } from './scripting/scripting.js';
import type { Session } from './session.js';
import type { ShardKeys } from './shard-keys.js';
import { Stopwatch } from './stopwatch.js';
import { UsageClock } from './usage-clock.js';
import { type RedisVersion, redisVersions } from './version.js';

export interface KVOptions {
  readonly storage: Storage;
  readonly oracle: Oracle;
  readonly env: Env;
  /** Set forward by every turn: for an oracle that need not read the clock for each write. */
  readonly turnClock?: TurnClock;
  readonly config?: Config;
  /** Where users are kept; null for nowhere. */
  readonly aclFile?: AclFile | null;
}

/** What is logged of an argument beside its bytes, at most: a key is said once, by whichever command. See `admitEach`. */
const argumentBytes = 32;

/**
 * What a command without many arguments may move or remove, a member or two, and says in the log: room for it is left where
 * many commands are one write, though no more than this share of all.
 */
const movedBytesMax = 2 * keyBytesMax;
const movedShare = 64;

const newKeyBit = eventClassBit('n');

export class KV {
  storage: Storage;
  oracle: Oracle;
  readonly env: Env;
  readonly config: Config;
  /** What it says it is; fixed at the start. */
  readonly redisVersion: RedisVersion;
  readonly registry: Registry;
  stats = new EngineStats();
  /** Who may run what. */
  readonly access: AccessControl;
  readonly stopwatch: Stopwatch;
  readonly context: Context;
  readonly scripting: Scripting;
  readonly usage: UsageClock;
  readonly eviction: Eviction;
  readonly expiry: Expiry;
  /** Set by the coordinator before the first command. */
  host!: Host;
  /** What is done is passed on to servers that follow this one; null while there are none. */
  propagation: Propagation | null = null;
  /** Classes of keyspace events that are wanted, as bits; 0 for none: see `notify`. */
  notifications = 0;
  /** RESTORE believes its payloads: set by DEBUG. */
  skipsChecksums = false;
  /** Everything as records, as DEBUG RELOAD described it last. */
  reloadable: Uint8Array | null = null;
  /** CLIENT PAUSE holds back writes. */
  isPaused = false;
  /** Follows what others write, and changes nothing by itself: keys whose time is over are not seen, and stay. */
  isFollower = false;
  /** Which keys it has, as one shard of several; null where it has all. */
  shardKeys: ShardKeys | null = null;
  /** Clients speak to it as a node of Redis Cluster. */
  isClusterNode = false;
  /** Commands run inside a transaction share its version and its time. */
  #inTransaction = false;
  readonly #turnClock: TurnClock;
  readonly #creations: CreationListener = {
    created: (db, bytes, start, length) => {
      // A library of functions is no key of anybody.
      if (db.index !== systemDatabase) this.notify('n', 'new', db, bytes, start, length);
    },
  };

  constructor(options: KVOptions) {
    this.storage = options.storage;
    this.oracle = options.oracle;
    this.env = options.env;
    this.config = options.config ?? new Config(parameters);
    followEncodingParameters(this.config);
    this.redisVersion = redisVersions[this.config.text('redis-version')];
    this.config.onChange('notify-keyspace-events', (value) => {
      this.notifications = parseEventClasses(value);
    });
    this.registry = new Registry(commands);
    this.access = new AccessControl({
      registry: this.registry,
      config: this.config,
      clock: this.env.clock,
      file: options.aclFile ?? null,
    });
    this.stopwatch = new Stopwatch(this.env.clock, this.config);
    this.storage.stamp.source = options.oracle;
    this.context = new Context(this);
    this.#turnClock = options.turnClock ?? new TurnClock(this.env.clock);
    this.config.onChange('cache-bytes', () => {
      this.storage.cacheBytes = this.config.number('cache-bytes');
    });
    this.usage = new UsageClock(this.config, this.#turnClock, this.env.random, this.storage);
    this.eviction = new Eviction(this);
    this.expiry = new Expiry(this);
    this.beginTurn();
    this.scripting = new Scripting(this);
  }

  /**
   * Nothing goes by the server's own will, and keys whose time is over are only not seen: writes are held back, or
   * others make them, or no disk takes them. What would be removed then waits in memory, each with a version of its
   * own, and those come to an end where the mark of the oracle can't be stored either.
   */
  get keepsExpired(): boolean {
    return this.isPaused || this.isFollower || this.host.diskFailure !== null;
  }

  /** Goes on with another storage, and versions from another oracle. Not while a command runs. */
  replaceStorage(storage: Storage, oracle: Oracle = this.oracle): void {
    this.storage = storage;
    this.oracle = oracle;
    storage.stamp.source = oracle;
    storage.cacheBytes = this.config.number('cache-bytes');
    this.context.storage = storage;
    this.usage.replaceStorage(storage);
    this.scripting.functions.invalidate();
  }

  /** Begins all figures anew (CONFIG RESETSTAT). */
  resetStats(): void {
    this.stats = new EngineStats();
    this.stats.releasesBefore = this.storage.releases;
    this.registry.clearFigures();
    this.access.clearCounts();
  }

  /** Time goes on: called once per turn of the event loop, before its commands. */
  beginTurn(): void {
    const nowMs = this.#turnClock.tick();
    this.context.nowMs = nowMs;
    if (this.usage.isOn) this.usage.tick(nowMs);
  }

  /**
   * Runs a command whose arity is right, and writes exactly one reply, unless it blocks. Returns the
   * version of what it wrote, 0 if it wrote nothing.
   */
  execute(session: Session, command: Command, request: Request, reply: Reply): number {
    const { context, storage } = this;
    const { stamp } = storage;
    if (!this.#inTransaction) stamp.reset();
    stamp.changed = false;
    context.request = request;
    context.reply = reply;
    context.session = session;
    context.command = command;
    context.db = storage.database(session.database);
    context.bytesBefore = context.db.arena.usedBytes;
    session.keyVersion = 0;
    storage.journal?.endCount();
    reply.failed = false;
    context.hasBlocked = false;
    context.touches =
      this.usage.isOn && command.touchesKeys && (!session.noTouch || command.name === 'TOUCH');
    const tellsNew = (this.notifications & newKeyBit) !== 0;
    if (tellsNew) storage.creations = this.#creations;
    const figures = this.registry.figuresOf(command);
    const startMs = this.stopwatch.start(command, request, figures);
    const { propagation } = this;
    if (propagation !== null) propagation.begin(command, request, session.database);
    try {
      const args = command.parse(request);
      if (args === null) {
        reply.error(command.parseError);
      } else if (!command.isWrite || this.#accepts(command, request, reply)) {
        command.run!(context, args as never, reply);
      }
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      reply.error(`ERR ${error.message}`);
    }
    if (tellsNew) storage.creations = null;
    const isPart = this.#inTransaction || this.scripting.execution.isSuspended;
    // The one that there was at the beginning may be gone, and one may have come.
    if (propagation !== null && propagation === this.propagation) {
      propagation.end(command, request, session.database, stamp, isPart);
    }
    // Who waits for a key has looked at it.
    if (session.tracking !== null && command.flags.has('readonly')) {
      this.host.remember(session, command, request);
    }
    if (context.hasBlocked) return 0;
    figures.calls++;
    if (reply.failed) this.#countFailure(figures, reply);
    if (startMs === startMs) this.stopwatch.stop(session, command, request, startMs, figures);
    const version = stamp.version;
    if (version !== 0) {
      session.keyVersion = version;
      if (version > session.dependsOn) session.dependsOn = version;
    }
    return version;
  }

  /**
   * A call that had to wait within a script or transaction is done: counted as if it had been one from the start.
   * Returns the version of what it wrote.
   */
  finish(session: Session, command: Command, reply: Reply): number {
    const figures = this.registry.figuresOf(command);
    figures.calls++;
    if (reply.failed) this.#countFailure(figures, reply);
    const { version } = this.storage.stamp;
    session.keyVersion = version;
    if (version > session.dependsOn) session.dependsOn = version;
    if (!this.#inTransaction) this.propagation?.flush();
    return version;
  }

  /**
   * Runs `body` as one write, or goes on with one: everything it executes shares one version and one time. Returns the
   * version, 0 when nothing was written.
   */
  transaction(body: () => void, version = 0): number {
    const { stamp } = this.storage;
    stamp.version = version;
    const wasInWrite = this.enterWrite();
    try {
      body();
    } finally {
      this.leaveWrite(wasInWrite);
    }
    return stamp.version;
  }

  /** Whether what is executed is part of a larger write: of a transaction, or a script. */
  get isInWrite(): boolean {
    return this.#inTransaction;
  }

  /** What is executed from now on is part of the write that is going on, and does not wait. */
  enterWrite(): boolean {
    const wasInWrite = this.#inTransaction;
    this.#inTransaction = true;
    this.context.mayBlock = false;
    return wasInWrite;
  }

  /** As it was before `enterWrite`, which said so. */
  leaveWrite(wasInWrite: boolean): void {
    this.#inTransaction = wasInWrite;
    this.context.mayBlock = !wasInWrite;
  }

  /** Removes a key found just now, by the server's own will; `laziness` is the parameter that makes it an UNLINK. */
  removeAs(eventClass: string, event: string, laziness: Laziness, db: Database, ref: number): void {
    const { propagation } = this;
    if (this.notifications === 0 && propagation === null) {
      db.remove(ref);
      return;
    }
    const { arena, dict } = db;
    const start = dict.keyStart(ref);
    const key = Buffer.from(arena.chunk(ref).subarray(start, start + dict.keyLength(ref)));
    propagation?.removing(db, key, this.config.flag(laziness));
    const { stamp } = this.storage;
    const { changed } = stamp;
    db.remove(db.find(key, 0, key.length));
    // It is nothing that the current command did.
    stamp.changed = changed;
    this.notify(eventClass, event, db, key, 0, key.length);
  }

  /**
   * Whether a write is not too long: throws KvError LIMIT where it is for the log. What comes of it that is longer than
   * its arguments is up to the command: see `Context.admitEach`.
   */
  #accepts(command: Command, request: Request, reply: Reply): boolean {
    const { count, span } = request;
    if (span <= keyBytesMax && !this.#inTransaction) return true;
    const { journal } = this.storage;
    if (journal !== null) {
      const moved = this.#inTransaction ? Math.min(movedBytesMax, journal.bytesMax / movedShare) : 0;
      journal.admit(span + count * argumentBytes + moved);
    }
    return span <= keyBytesMax || acceptsLengths(command, request, reply);
  }

  #countFailure(figures: CommandFigures, reply: Reply): void {
    figures.failedCalls++;
    if (!this.context.isErrorCounted) this.stats.countError(reply.lastError);
    this.context.isErrorCounted = false;
  }

  /** Publishes a keyspace event: on `__keyspace@db__:key` and `__keyevent@db__:event`, as configured. */
  notify(
    eventClass: string,
    event: string,
    db: Keyspace,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    if ((this.notifications & eventClassBit(eventClass)) === 0) return;
    const key = Buffer.from(bytes.subarray(start, start + length));
    if ((this.notifications & eventClassBit('K')) !== 0) {
      this.host.publish(`__keyspace@${db.index}__:${key.toString('latin1')}`, Buffer.from(event), false);
    }
    if ((this.notifications & eventClassBit('E')) !== 0) {
      this.host.publish(`__keyevent@${db.index}__:${event}`, key, false);
    }
  }
}

/** Keys, fields and members that are longer than the tables hold are refused before anything is written. */
function acceptsLengths(command: Command, request: Request, reply: Reply): boolean {
  const i = command.findTooLong(request);
  if (i < 0) return true;
  const length = request.length(i);
  reply.error(`ERR argument ${i} has ${length} bytes, a key, field or member at most ${keyBytesMax}`);
  return false;
}
