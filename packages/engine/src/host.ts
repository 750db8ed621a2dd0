/**
 * What commands ask of the server around the engine: other clients, messages, waiting, transactions. The
 * coordinator implements it; the engine knows only this.
 */
import type { Reply, Request } from '@holdfast/common';
import type { TrackingOptions } from './client-tracking.js';
import type { Command } from './command.js';
import type { Config } from './config.js';
import type { Session } from './session.js';

/** As `redis.log` and the parameter `loglevel` name them. */
export type LogLevel = 'debug' | 'verbose' | 'notice' | 'warning';

export type SubscriptionKind = 'channel' | 'pattern' | 'shard';

/** How a blocked command ends without data. */
export interface BlockOptions {
  /** One of `valueTypes`: a key that holds another type wakes nobody, unless `isExacting`. */
  readonly type: number;
  /** Any change of a key wakes, its end too: the command then says what is wrong. */
  readonly isExacting?: boolean;
  /** What runs again, when it is not the command as it was sent. */
  readonly retry?: Request;
  /** Milliseconds; 0 waits for ever. */
  readonly timeoutMs: number;
  /** Writes what the client gets when the time is over. */
  readonly onTimeout: (reply: Reply) => void;
}

/** Whole copies of the data on disk. */
export interface Snapshots {
  readonly isRunning: boolean;
  /** When the last one was finished, in ms since 1970; 0 for none. */
  readonly lastFinishedMs: number;
  /** How many writes (`WriteStamp.writes`) there had been when the last one began. */
  readonly savedWrites: number;
  /** Whether the last one that was asked for failed. */
  readonly hasFailed?: boolean;
  /** Between which versions what was written can be read again; null while no history is kept. */
  readonly history?: { readonly oldest: number; readonly newest: number } | null;
  /**
   * Takes one now, or joins the one under way; resolves when it is on the disk. `forLog`: all that is wanted is a shorter
   * log, and no file for Redis.
   */
  take(forLog?: boolean): Promise<void>;
}

/** The log of a server that stands alone, while it runs. */
export interface LogControl {
  /** Replaces the data by what is on the disk (DEBUG LOADAOF). Nobody is told of the changes. */
  reread(): Promise<void>;
}

/** Where the parameters come from, and where CONFIG REWRITE puts them. */
export interface ConfigFile {
  readonly path: string;
  /** `users` are lines of `user NAME RULES`, null when they are kept elsewhere. Throws what the disk says. */
  rewrite(config: Config, users: readonly string[] | null): void;
}

/** `stopped`: what came could not be taken here, and an operator has to look at it. */
export type UpstreamState = 'connect' | 'connecting' | 'sync' | 'connected' | 'stopped';

/** How far following another server is. */
export interface UpstreamStatus {
  readonly host: string;
  readonly port: number;
  readonly state: UpstreamState;
  /** Bytes of its history that are here; -1 before all of its data were. */
  readonly offset: number;
  /** When it was heard last, in ms since 1970; 0 for never. */
  readonly lastHeardMs: number;
  /** Of its data, while `state` is `sync`: bytes taken, and bytes in all, 0 when that is not known. */
  readonly loadedBytes: number;
  readonly loadingBytes: number;
  /** Why the link is not up; empty when nothing went wrong. */
  readonly problem: string;
}

/** A server whose data and writes are taken over, as they happen (REPLICAOF). */
export interface Upstream {
  /** Begins to follow, with nothing; what was followed before is left. */
  follow(host: string, port: number): void;
  /** Goes on alone, with the data as they are. */
  leave(): void;
  /** Null while nobody is followed. */
  readonly status: UpstreamStatus | null;
  /** Whether the session is what runs the writes that come. */
  isItself(session: Session): boolean;
}

/** One that follows this server, or copies its data. */
export interface ReplicaStatus {
  readonly host: string;
  /** Where it says that it listens; 0 when it did not. */
  readonly port: number;
  readonly state: 'wait_bgsave' | 'send_bulk' | 'online';
  /** Bytes of our history that it said it has. */
  readonly offset: number;
  /** When it said so last, in ms since 1970. */
  readonly heardMs: number;
}

/** How far the history of this server's writes goes, and how much of it is kept for those whose link broke. */
export interface DownstreamStatus {
  readonly offset: number;
  readonly replicas: readonly ReplicaStatus[];
  readonly isKept: boolean;
  readonly keptBytesMax: number;
  readonly keptFrom: number;
  readonly keptBytes: number;
  readonly fullCopies: number;
  readonly resumed: number;
  readonly notResumed: number;
}

/** What a client that wants to follow said of itself before (REPLCONF). */
export interface ReplicaTraits {
  port: number;
  host: string;
  /** It finds the end of a copy by a mark: then the copy need not be measured before it is sent. */
  knowsEndMark: boolean;
  /** It takes a new name of the history when it goes on. */
  knowsNewHistory: boolean;
  /** It wants the copy only, and of that perhaps only the libraries of functions, or nothing. */
  wantsCopyOnly: boolean;
  wantsData: boolean;
  wantsFunctions: boolean;
}

/** Servers that follow this one: what SYNC, PSYNC, REPLCONF and WAIT ask for. */
export interface Downstream {
  /** What it said so far, or a beginning. */
  traitsOf(session: Session): ReplicaTraits;
  /**
   * The session follows from now on: what it is sent is a reply, then a copy of the data or what it missed, then every
   * write. `history` is null for a client that only knows SYNC. Returns why not, as an error, or null.
   */
  attach(session: Session, history: string | null, from: number): string | null;
  /** It has so much of our history; nothing happens when it does not follow. */
  acknowledge(session: Session, offset: number): void;
  /** How many have what the session has written, and how many copies can be counted on. */
  countOf(session: Session): number;
  readonly goodCount: number;
  /** Ends the wait of the session, by `Host.unblock`, when so many have what it has written. */
  await(session: Session, count: number): void;
  /** The session is gone. */
  left(session: Session): void;
  /** All are let go, and nothing is kept. */
  end(): void;
  readonly status: DownstreamStatus;
  clearCounts(): void;
}

/** A key for another server: as RESTORE takes it. */
export interface MigratedKey {
  readonly name: Buffer;
  /** 0 for none. */
  readonly ttlMs: number;
  readonly payload: Buffer;
}

export interface MigrationTarget {
  readonly host: string;
  readonly port: string;
  readonly database: number;
  /** How long nothing may happen. */
  readonly timeoutMs: number;
  readonly user: Buffer | null;
  /** Null when it needs none. */
  readonly password: Buffer | null;
  /** What is there under a key's name is replaced. */
  readonly replaces: boolean;
}

/** Sends keys to other servers (MIGRATE). */
export interface Migration {
  /** Which of the keys it said that it has, by their index, and why not all, as an error. Never rejects. */
  send(
    target: MigrationTarget,
    keys: readonly MigratedKey[],
  ): Promise<{ readonly restored: readonly number[]; readonly problem: string | null }>;
  /** Connections that are kept for more. */
  readonly connections: number;
}

/** What the operating system says of this process. */
export interface ProcessFigures {
  readonly id: number;
  readonly executable: string;
  /** `Linux 6.1.0 x86_64`. */
  readonly system: string;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  /** Memory of the machine. */
  readonly totalBytes: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
}

/** Figures of the server around the engine, as INFO reports them. */
export interface HostFigures {
  readonly startedMs: number;
  /** 40 hex digits, new with every start. */
  readonly runId: string;
  /** 40 hex digits that name the history of the data. */
  readonly replicationId: string;
  readonly clients: number;
  readonly blockedClients: number;
  readonly pubsubClients: number;
  readonly watchingClients: number;
  readonly watchedKeys: number;
  /** Keys that clients wait for, and those of them whose end would wake somebody. */
  readonly blockingKeys: number;
  readonly exactingKeys: number;
  readonly monitors: number;
  /** Clients with CLIENT TRACKING, keys that some of them read, pairs of both, prefixes. */
  readonly trackingClients: number;
  readonly trackedKeys: number;
  readonly trackedItems: number;
  readonly trackedPrefixes: number;
  readonly connectionsReceived: number;
  readonly connectionsRejected: number;
  /** Over all connections that count their bytes. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Over the last second or so. */
  readonly commandsPerSecond: number;
  /** What clients take, with all that waits in their buffers. */
  readonly clientBytes: number;
  /** What the process takes beside data and clients, as far as it is held against `maxmemory`. */
  readonly processBytes: number;
  /** The most that keys and values took so far, as far as was noticed. */
  readonly peakBytes: number;
  readonly process: ProcessFigures;
}

export interface Host {
  // Messages
  /** Sends to subscribers; returns how many got it. The message is not kept. */
  publish(channel: string, message: Uint8Array, sharded: boolean): number;
  /** Adds or removes one subscription; true when that changed something. */
  subscribe(session: Session, kind: SubscriptionKind, name: string): boolean;
  unsubscribe(session: Session, kind: SubscriptionKind, name: string): boolean;
  /** Channels with subscribers, in no order. */
  channels(sharded: boolean): Iterable<string>;
  subscriberCount(channel: string, sharded: boolean): number;
  patternCount(): number;
  /** From now on the session is sent every command. */
  monitor(session: Session): void;

  // Clients
  sessions(): Iterable<Session>;
  sessionById(id: number): Session | undefined;
  /** Ends a session; its own connection only after the reply to the current command. */
  kill(session: Session, current: Session): void;
  /** Holds back commands of all clients until `untilMs`: all, or those that write. */
  pause(untilMs: number, mode: 'all' | 'write'): void;
  unpause(): void;
  /** Ends a blocked client's wait: with its time-out reply, or with an UNBLOCKED error. False when it does not wait. */
  unblock(session: Session, withError: boolean): boolean;
  isWaiting(session: Session): boolean;
  /** Ends the session's state: as if it had just connected (RESET). */
  reset(session: Session): void;

  /** A message to a client: behind the reply to its command, or transaction, that is going on. */
  tell(session: Session, write: (reply: Reply) => void): void;

  /** Tells a client of changes from now on (CLIENT TRACKING); prefixes are added to those before. */
  track(session: Session, options: TrackingOptions): void;
  untrack(session: Session): void;
  /** All keys go, or all of a database: clients that track are told so, even if there are none. */
  forgetReads(): void;
  /** A client that tracks has read the keys of a command. */
  remember(session: Session, command: Command, request: Request): void;

  // Transactions
  /** Remembers the version of a key for EXEC. */
  watch(session: Session, database: number, key: Uint8Array): void;
  unwatch(session: Session): void;
  /** Ends the transaction without running it, watched keys included. */
  discard(session: Session): void;
  /** Runs the queued commands and writes their replies. */
  exec(session: Session, reply: Reply): void;

  // Scripts
  /** Why writes are refused now: then what only reads must not leave a change behind, either. Null while they are not. */
  readonly refusal: string | null;
  /** Why the log or the disk takes no writes; null while they do. */
  readonly diskFailure: string | null;
  /** Why data that may be old is not shown; null while it may be. */
  readonly staleness: string | null;
  /** Makes resident what a command needs; null when it is. */
  load(session: Session, command: Command, request: Request): Promise<void> | null;
  /** Whether anybody is shown what commands are run. */
  readonly isMonitored: boolean;
  /** Shows a command to those who monitor: of a client, or of its script. */
  show(session: Session, command: Command, request: Request, isOfScript: boolean): void;
  /**
   * The script of the current command, which is not answered, has to be resumed in later turns until it is done: see
   * `Scripting`. The session's next commands wait; so do those of others, or they are refused while it is slow.
   */
  suspend(session: Session): void;
  /** Writes to the server's log. */
  log(level: LogLevel, message: string): void;

  // Waiting
  /**
   * The current command found nothing: it runs again when one of `keys` changes to something it may use,
   * oldest waiter first. Nothing has been replied.
   */
  block(session: Session, keys: readonly Uint8Array[], options: BlockOptions): void;
  /**
   * The current command is answered when `work` is done: by `onDone`, or with its error. Nothing has been
   * replied; the session's next commands wait. Not in a transaction or script.
   */
  defer(session: Session, work: Promise<unknown>, onDone: (reply: Reply) => void): void;

  // The server
  /** Null when this server takes none. */
  readonly snapshots: Snapshots | null;
  /** Null when the log is what it was at the start. */
  readonly logControl: LogControl | null;
  /** Null when the server was started without one. */
  readonly configFile: ConfigFile | null;
  /** Null when this server can't follow another. */
  readonly upstream: Upstream | null;
  /** Whom clients are told that it follows; null while it is a master. */
  readonly followed: UpstreamStatus | null;
  /** Null when no server can follow this one. */
  readonly downstream: Downstream | null;
  /** Null when this server sends no keys to others. */
  readonly migration: Migration | null;
  /** Runs something as a turn of its own. Not while a command runs. */
  inTurn(body: () => void): void;
  /** Those who wait for keys are told that they don't get any: the data become those of another server. */
  unblockAll(): void;
  /** How many other copies of the data there are: replicas that acknowledged (WAIT). */
  replicaCount(): number;
  /** Begins the server's orderly end. */
  requestShutdown(save: boolean): void;
  figures(): HostFigures;
  /** Further lines of an INFO section that the host knows, `field:value`. */
  info(section: string): readonly string[];
  /** Begins the figures anew that count (CONFIG RESETSTAT). */
  resetCounts(): void;
  /** The data got another history (DEBUG CHANGE-REPL-ID). */
  changeReplicationId(): void;
  /** Holds everything for so long (DEBUG SLEEP). */
  sleep(ms: number): void;
}
