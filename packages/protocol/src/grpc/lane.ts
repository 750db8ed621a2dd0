/**
 * A session of a Batch stream, and the command that waits in it. Commands leave nothing behind in it, so that any lane
 * does for any command.
 */
// @hot-path
import { KvError, ValueReply } from '@holdfast/common';
import type { Session, SessionSink } from '@holdfast/coord';

/** The stream of a lane. */
export interface LaneOwner {
  /** Bytes of results that the client did not take yet. */
  readonly outputBytes: number;
  /** The command that waited in a lane is answered. */
  finish(lane: Lane): void;
  /** Ends the stream. */
  fail(error: unknown): void;
}

export class Lane implements SessionSink {
  readonly reply = new ValueReply(3);
  readonly inputBytes = 0;
  readonly #owner: LaneOwner;
  session!: Session;
  /** Of the waiting command. */
  id = '';
  operation = 0;
  /** See `Session.isOnItsWay`: it waits for nothing but its reply. */
  isOnItsWay = false;

  constructor(owner: LaneOwner) {
    this.#owner = owner;
  }

  get outputBytes(): number {
    return this.#owner.outputBytes;
  }

  wake(): void {}

  resume(): void {
    this.#owner.finish(this);
  }

  close(): void {
    this.#owner.fail(new KvError('CLOSED', 'the session was closed'));
  }
}
