/**
 * What this server is now: how it commits, whether it leads its shard, whom it follows, whether there are replicas
 * enough. And so what it refuses of commands that it knows, and that their session may run.
 */
// @hot-path
import type { Request } from '@holdfast/common';
import { type Command, type KV, outOfMemory, type Session, type Upstream } from '@holdfast/engine';
import {
  isAllowedWhileSubscribed,
  isFreshEnough,
  isWriting,
  noReplicas,
  notAuthenticated,
  touchesKeyspace,
} from './admission.js';
import type { Committer } from './committer.js';
import type { Guard } from './guard.js';
import type { SuspendedScript } from './suspended-script.js';

const isReadOnly = "READONLY You can't write against a read only replica.";
const isStale = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
const isLoading = 'LOADING Redis is loading the dataset in memory';

export class ServerState {
  committer: Committer;
  /** Knows who leads the shard; null where nobody else can. */
  guard: Guard | null = null;
  /** Follows another server when it is told to; null when it can't. */
  upstream: Upstream | null = null;
  readonly #kv: KV;
  readonly #script: SuspendedScript;
  /** `min-replicas-to-write` asks for more than there are: nothing may be written. */
  #lacksReplicas = false;
  /** The log or the disk takes no writes, as far as it was noticed. */
  #isRefusing = false;

  constructor(kv: KV, committer: Committer, script: SuspendedScript) {
    this.#kv = kv;
    this.committer = committer;
    this.#script = script;
  }

  /** There may be more replicas, or fewer, that can be counted on. */
  countReplicas(): void {
    const { config, host } = this.#kv;
    this.#lacksReplicas = config.number('min-replicas-to-write') > host.replicaCount();
  }

  /** Why a command may neither run nor be queued now; null when it may. */
  refusalOf(session: Session, command: Command, request: Request): string | null {
    if (!session.isAuthenticated && !command.flags.has('no_auth')) return notAuthenticated;
    if (session.transaction !== null && command.flags.has('no_multi')) {
      return 'ERR Command not allowed inside a transaction';
    }
    const { eviction } = this.#kv;
    if (eviction.limitBytes > 0 && !this.#script.isActive && !eviction.admits(session, command)) {
      return outOfMemory;
    }
    const { refusal } = this.committer;
    if ((refusal !== null) !== this.#isRefusing) this.#noteRefusal(refusal);
    if (refusal !== null && isWriting(session, command)) return refusal;
    if (this.#lacksReplicas && isWriting(session, command)) return noReplicas;
    const { upstream } = this;
    const isFollower = upstream !== null && upstream.status !== null && !upstream.isItself(session);
    const readOnly = isFollower && isWriting(session, command) ? this.upstreamRefusal : null;
    if (readOnly !== null) return readOnly;
    if (session.isSubscriber && session.dialect === 2 && !isAllowedWhileSubscribed(command)) {
      return `ERR Can't execute '${command.fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`;
    }
    const followed = isFollower ? this.#refusalOfFollower(session, command) : null;
    if (followed !== null) return followed;
    if (this.#script.isActive) return this.#script.refusalOf(command, request);
    if (session.isMonitor && touchesKeyspace(command)) return "ERR Replica can't interact with the keyspace";
    return this.guard === null ? null : this.guard.refusalOf(command, request);
  }

  /** Why clients may not write to a server that follows another; null when they may. */
  get upstreamRefusal(): string | null {
    if (this.upstream === null || this.upstream.status === null) return null;
    return this.#kv.config.text('replica-read-only') === 'yes' ? isReadOnly : null;
  }

  /** Why data that may be old is not shown; null when it is, or is not old. */
  get staleness(): string | null {
    const status = this.upstream?.status ?? null;
    if (status === null || status.state === 'connected') return null;
    return this.#kv.config.flag('replica-serve-stale-data') ? null : isStale;
  }

  /** Whoever runs the server hears of it with the first command that comes then: that is when it begins to matter. */
  #noteRefusal(refusal: string | null): void {
    this.#isRefusing = refusal !== null;
    const { host } = this.#kv;
    if (refusal === null) host.log('warning', 'The disk takes writes again');
    else host.log('warning', `No writes are taken: ${refusal}`);
  }

  /** What a server that follows another does not read for its own clients. */
  #refusalOfFollower(session: Session, command: Command): string | null {
    const stale = isFreshEnough(session, command) ? null : this.staleness;
    if (stale !== null) return stale;
    return this.upstream?.status?.state === 'sync' && !command.flags.has('loading') ? isLoading : null;
  }
}
