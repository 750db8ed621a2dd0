/** What a client takes: the bytes it has sent that were not executed, those it was not sent yet, and what is kept of it. */
import type { Session } from './session.js';

/** A connection without anything in its buffers, about. */
const connectionBytes = 4096;
/** A name in a set, beside its characters. */
const nameBytes = 64;

/** Bytes of what the client subscribes to, watches and has queued. */
export function stateBytes(session: Session): number {
  let bytes = session.transaction?.bytes ?? 0;
  for (const { key } of session.watched) bytes += key.length + nameBytes;
  if (!session.isSubscriber) return bytes;
  for (const names of [session.channels, session.patterns, session.shardChannels]) {
    for (const name of names) bytes += name.length + nameBytes;
  }
  return bytes;
}

export function clientMemory(session: Session): number {
  const { inputBytes, inputFreeBytes = 0, offsetBytes = 0, outputBytes } = session.sink;
  return connectionBytes + inputBytes + inputFreeBytes + offsetBytes + outputBytes + stateBytes(session);
}
