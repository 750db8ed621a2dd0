/**
 * Between protocols and engine: who runs which command when, and when its reply may leave.
 *
 * A protocol opens a session per client, passes one request after the other, and sends what was written
 * to the reply once the version it depends on (`session.dependsOn`) is committed. Execution runs ahead;
 * acknowledgements wait.
 */
import type { Reply, Request } from '@holdfast/common';
import type { Session, SessionSink } from '@holdfast/engine';

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

export interface SessionOptions {
  /** `redis`, `grpc`, `memcached` or `embedded`. */
  readonly protocol: string;
  readonly address: string;
  readonly localAddress: string;
}

export interface Coordinator {
  /** A new session, or null when the limit of clients is reached. */
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
  /** Every write with this version or a smaller one is committed. */
  readonly committedVersion: number;
  /** Calls `listener` whenever `committedVersion` has grown outside of `settle`. */
  onCommitted(listener: () => void): void;
  /** No more writes are accepted; resolves once everything is committed and durable. */
  shutdown(): Promise<void>;
}
