/**
 * What the server remembers of one client: the part that commands see. Whoever opened the session owns
 * it; commands change it only while they run.
 */
import type { Reply, Request } from '@holdfast/common';
import type { User } from './acl/user.js';
import type { ClientTracking } from './client-tracking.js';
import type { Command } from './command.js';

/** The way back to a client, beyond the reply to its current command. */
export interface SessionSink {
  /** Writer for what the client did not ask for just now: messages, replies of unblocked commands. */
  readonly reply: Reply;
  /** Where messages go, as RESP3, when they are told apart from replies; to `reply` otherwise. */
  readonly messages?: Reply;
  /** Something was written to `reply` outside of a call to the coordinator: send it. */
  wake(): void;
  /** The command that was pending is answered: go on with the next one. */
  resume(): void;
  /** Ends the connection, after what was written so far and what is `unanswered` if `flush`. */
  close(flush: boolean): void;
  /** Bytes waiting to be sent. */
  readonly outputBytes: number;
  /** Bytes received and not yet executed. */
  readonly inputBytes: number;
  /** Memory that is held for more input beside them. */
  readonly inputFreeBytes?: number;
  /** Memory for the positions of arguments in them. */
  readonly offsetBytes?: number;
  /** Goes on with further requests while replies are owed: see `outcomes.later` of the coordinator. */
  readonly takesLater?: boolean;
  /** Calls `Session.outputLeft` when most of its output has left, while the session awaits that. */
  readonly saysWhenRead?: boolean;
  /** Bytes received and sent so far, of a protocol that counts them. */
  readonly receivedBytes?: number;
  readonly sentBytes?: number;
}

export interface QueuedCommand {
  readonly command: Command;
  readonly request: Request;
}

export interface WatchedKey {
  readonly database: number;
  readonly key: Buffer;
  /** The key was there but its time was over: its removal is no change. */
  readonly wasExpired: boolean;
}

/** A MULTI that is being filled. */
export class Transaction {
  readonly queue: QueuedCommand[] = [];
  /** A command was refused while queueing: EXEC will be too. */
  failed = false;
  /** Some queued command writes. */
  isWrite = false;
  /** Some queued command may have effects elsewhere, or is a script that does not say that it only reads. */
  mayReplicate = false;
  /** Bytes of the queued arguments. */
  bytes = 0;
}

/** Whether replies are sent: `skip-next` becomes `skip` with the next command, and `on` after it. */
export type ReplyMode = 'on' | 'off' | 'skip-next' | 'skip';

/**
 * What a read promises where there are several replicas.
 * - `linearizable`: what was acknowledged before it began, it sees. Confirmed through the log.
 * - `lease`: the same, as long as clocks run at about the same speed. Confirmed by the leader's lease.
 * - `stale`: any replica answers with what it has.
 */
export type ReadMode = 'linearizable' | 'lease' | 'stale';

export class Session {
  readonly id: number;
  readonly sink: SessionSink;
  /** Which protocol: `redis`, `grpc`, `memcached`, `embedded`. */
  readonly protocol: string;
  /** `127.0.0.1:50312`, or the path of a unix socket. */
  readonly address: string;
  readonly localAddress: string;
  readonly createdMs: number;
  dialect: 2 | 3 = 2;
  database = 0;
  name = '';
  libraryName = '';
  libraryVersion = '';
  /** Who it is; null where nobody is told apart. */
  account: User | null = null;
  isAuthenticated = true;
  replyMode: ReplyMode = 'on';
  readMode: ReadMode = 'linearizable';
  /** What READWRITE and RESET bring back. */
  usualReadMode: ReadMode = 'linearizable';
  /**
   * When the request that is passed next arrived, as `Timestamps.arrive` said then; 0: just now. Used up by that
   * request.
   */
  arrival = 0;
  /** How long the command that it sends has waited elsewhere, in ms: so much less it waits here. */
  waitedMs = 0;
  /** Not evicted, and does not touch access times, by the client's wish. */
  noEvict = false;
  noTouch = false;
  /** Is told of keys that change; set by whoever tells it. */
  tracking: ClientTracking | null = null;
  transaction: Transaction | null = null;
  watched: WatchedKey[] = [];
  /** A watched key was changed, even if it looks the same again. */
  watchBroken = false;
  readonly channels = new Set<string>();
  readonly patterns = new Set<string>();
  readonly shardChannels = new Set<string>();
  /** Listens to something: kept right by whoever changes the three sets above. */
  isSubscriber = false;
  /**
   * How many clients are behind each subscription, by `channel NAME`, `pattern NAME` or `shard NAME`, when it
   * listens on behalf of others. Null: one, itself.
   */
  audience: Map<string, number> | null = null;
  /** Is sent every command that any client runs (MONITOR). */
  isMonitor = false;
  /** Is sent what this server writes: a replica of Redis, or one that copies the data. */
  isReplica = false;
  /** How far the history of the server's writes went after its last one: for WAIT. */
  historyOffset = 0;
  lastCommand: Command | null = null;
  lastActiveMs: number;
  /** Waits for a key, for data to be loaded, or for a pause to end; its next commands wait. */
  isBlocked = false;
  /** What it waits for is only the reply of another process, which executes the command. */
  isOnItsWay = false;
  closeAfterReply = false;
  /** Whoever replies to it waits for the client to read: see `outputLeft`. */
  awaitsOutput = false;
  /** Requests whose replies are still to come, in their order, while others are accepted. */
  unanswered = 0;
  /** The version that what was replied so far depends on: not to be sent before it is committed. */
  dependsOn = 0;
  /** The version of the key that the last command wrote or read; 0 when it found none. */
  keyVersion = 0;
  totalCommands = 0;

  constructor(
    id: number,
    sink: SessionSink,
    protocol: string,
    address: string,
    localAddress: string,
    nowMs: number,
  ) {
    this.id = id;
    this.sink = sink;
    this.protocol = protocol;
    this.address = address;
    this.localAddress = localAddress;
    this.createdMs = nowMs;
    this.lastActiveMs = nowMs;
  }

  /** Name of the user, a byte string. */
  get user(): string {
    return this.account?.name ?? 'default';
  }

  /** No command is denied. */
  get isUnlimited(): boolean {
    return this.account === null || this.account.isUnlimited;
  }

  /** What confirmations of SUBSCRIBE and its kin report; shard channels are counted by themselves. */
  get subscriptionCount(): number {
    return this.channels.size + this.patterns.size;
  }

  /** As the limits of output buffers and CLIENT LIST class it. */
  get type(): 'normal' | 'pubsub' | 'slave' {
    if (this.isReplica) return 'slave';
    return this.isSubscriber ? 'pubsub' : 'normal';
  }

  /** The client has read most of what it was sent: only while `awaitsOutput`, by sinks that say so. */
  outputLeft(): void {
    this.awaitsOutput = false;
  }

  /** Where what must be heard goes even when replies are off: messages, confirmations. */
  audible(reply: Reply): Reply {
    return this.replyMode === 'on' ? reply : this.sink.reply;
  }
}
