/**
 * Between protocols and engine: who runs which command when, and when its reply may leave.
 *
 * A protocol opens a session per client, passes one request after the other, and sends what was written
 * to the reply once the version it depends on (`session.dependsOn`) is committed. Execution runs ahead;
 * acknowledgements wait.
 */
import type { KvError, Reply, Request } from '@holdfast/common';
import type { ReadMode, Session, SessionSink } from '@holdfast/engine';

export const outcomes = {
  /** Replied: the next request may come. */
  done: 0,
  /**
   * Not replied yet: the session waits for a key, for data, or for a pause to end. The request was
   * copied. No further request until `sink.resume`; the reply goes to `sink.reply`.
   */
  pending: 1,
  /** Replied; the connection ends once that is sent. */
  close: 2,
  /**
   * The reply comes later, to `sink.reply`, in the order of the requests, and then `sink.wake`: the next request
   * may come. The request was copied. Only for sinks with `takesLater`; `session.unanswered` counts what is owed.
   */
  later: 3,
} as const;

export type Outcome = (typeof outcomes)[keyof typeof outcomes];

/** Who somebody says to be, with a password for it. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export interface SessionOptions {
  /** `redis`, `grpc`, `memcached` or `embedded`. */
  readonly protocol: string;
  readonly address: string;
  readonly localAddress: string;
  /** How its reads begin; `linearizable` when not given. */
  readonly readMode?: ReadMode;
  /** Stands for a client that another node admitted: needs no password, and does not count as a client. */
  readonly isForwarded?: boolean;
  /**
   * Of a client that has no way to authenticate later; null when it came without any. Unless they let it in, it is
   * refused: WRONGPASS, NOAUTH. They are no command that it sent: they are not counted, nor shown to those who monitor.
   */
  readonly credentials?: Credentials | null;
  /** Told why, right before `open` returns null: LIMIT, DENIED in protected mode, or what is wrong with its credentials. */
  readonly onRefused?: (refusal: KvError) => void;
}

/**
 * What became of a write whose reply still waited when this replica lost the lead.
 * - `committed`: the reply may leave.
 * - `unknown`: it was sent to the log, and whether it is there is not known: UNDETERMINED.
 * - `dropped`: it is not in the log and never will be: the same as not executed.
 */
export type Fate = 'committed' | 'unknown' | 'dropped';

/** What a client is told instead of a reply that was given up, unless its protocol has a better word. */
export function revokedError(fate: Fate): string {
  return fate === 'dropped'
    ? 'TRYAGAIN the leader of the shard has changed: the command was not executed'
    : 'UNDETERMINED the leader of the shard has changed: whether the command took effect is not known';
}

export interface Coordinator {
  /** A new session, or null when the client is not let in. */
  open(sink: SessionSink, options: SessionOptions): Session | null;
  /** The client is gone: its subscriptions, watches and waits end. May be called more than once. */
  close(session: Session): void;
  /** Before the requests of one turn of the event loop: the clock is read once for them all. */
  beginTurn(): void;
  /** A hint: these requests, `count` of them, come next from this session. Their data may be brought near. */
  prefetch(session: Session, requests: readonly Request[], count: number): void;
  /**
   * Runs one request. `reply` receives exactly one reply, now or (`pending`, `later`) through the sink.
   * Synchronous; `request` is not used after the call.
   */
  coordinate(session: Session, request: Request, reply: Reply): Outcome;
  /** After the requests of a turn, before replies are sent: hands what was written to the log. */
  settle(): void;
  /**
   * Every write with this version or a smaller one is committed. To be asked right before replies leave: while a
   * lease that they count on is over, it is below every version.
   */
  readonly committedVersion: number;
  /** Calls `listener` whenever `committedVersion` has grown outside of `settle`. */
  onCommitted(listener: () => void): void;
  /**
   * Calls `listener` when this replica has lost the lead, and what was executed and not committed is given up: the
   * replies that wait must not leave as they are. `fateOf` says, during the call, what to say instead. Afterwards
   * nothing that a session was replied depends on a version any more.
   */
  onRevoked(listener: () => void): void;
  /** Of the write with this version, or of a read that depends on it. */
  fateOf(version: number): Fate;
  /** No more writes are accepted; resolves once everything is committed and durable. */
  shutdown(): Promise<void>;
}
