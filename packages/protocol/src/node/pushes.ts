/**
 * What sessions are sent that no request asked for: messages of channels, and of keys that changed. A message of the stream
 * takes so many of them as it can hold.
 */
// @hot-path
import { endOfReply } from '@holdfast/common';
import type { Connection } from './connection.js';
import { messagesUnsentMax, outputMessageBytes, pushBytesMax } from './limits.js';
import { entryKinds, type Outbox } from './outbox.js';
import type { NodeSession } from './session.js';

export class Pushes {
  readonly #connection: Connection;
  readonly #outbox: Outbox;

  constructor(connection: Connection, outbox: Outbox) {
    this.#connection = connection;
    this.#outbox = outbox;
  }

  /** Passes on all that was sent to a session. */
  passOn(session: NodeSession): void {
    const { messages } = session;
    const isTracking = session.session.tracking !== null;
    let isLost = messages.droppedBytes > 0;
    if (isTracking || this.#connection.unsentBytes + this.#outbox.heldBytes <= messagesUnsentMax) {
      for (let at = 0; at < messages.length; ) {
        const end = endOfPush(messages.bytes, at, messages.length);
        if (end - at <= pushBytesMax) this.#push(session, at, end);
        else isLost = true;
        at = end;
      }
    }
    messages.clear();
    // Of keys that changed: any may have.
    if (isLost && isTracking) session.shard.coordinator.tracking.tell(session.session, null, 0);
  }

  #push(session: NodeSession, at: number, end: number): void {
    const outbox = this.#outbox;
    const { out } = outbox;
    if (out.length + end - at > pushBytesMax) outbox.flush();
    const start = out.length;
    out.messages(session.number, session.messages.bytes, at, end - at);
    outbox.add(entryKinds.push, session, 0, 0, start, 0);
    if (out.length >= outputMessageBytes) outbox.flush();
  }
}

/** The end of as many messages from `at` on as one push can hold; of one that it can't hold, that one's end. */
function endOfPush(bytes: Buffer, at: number, length: number): number {
  if (length - at <= pushBytesMax) return length;
  let end = endOfReply(bytes, at, length);
  for (let next = end; next - at <= pushBytesMax && next < length; next = endOfReply(bytes, next, length))
    end = next;
  return end;
}
