/** Who listens to what: channels, patterns and shard channels. Messages go straight into each listener's reply. */
import { globMatch, type Session, type SubscriptionKind } from '@holdfast/engine';

type Listeners = Map<string, Set<Session>>;

export class PubSubHub {
  readonly #listeners: Record<SubscriptionKind, Listeners> = {
    channel: new Map(),
    pattern: new Map(),
    shard: new Map(),
  };

  subscribe(session: Session, kind: SubscriptionKind, name: string): boolean {
    const names = namesOf(session, kind);
    if (names.has(name)) return false;
    names.add(name);
    session.isSubscriber = true;
    const listeners = this.#listeners[kind];
    const sessions = listeners.get(name);
    if (sessions === undefined) listeners.set(name, new Set([session]));
    else sessions.add(session);
    return true;
  }

  unsubscribe(session: Session, kind: SubscriptionKind, name: string): boolean {
    if (!namesOf(session, kind).delete(name)) return false;
    const listeners = this.#listeners[kind];
    const sessions = listeners.get(name)!;
    sessions.delete(session);
    if (sessions.size === 0) listeners.delete(name);
    session.isSubscriber = session.subscriptionCount + session.shardChannels.size > 0;
    return true;
  }

  unsubscribeAll(session: Session): void {
    for (const kind of ['channel', 'pattern', 'shard'] as const) {
      for (const name of [...namesOf(session, kind)]) this.unsubscribe(session, kind, name);
    }
  }

  /** Sends a message; returns the number of clients that get it (once for each subscription that fits). */
  publish(channel: string, message: Uint8Array, sharded: boolean): number {
    let receivers = 0;
    const direct = this.#listeners[sharded ? 'shard' : 'channel'].get(channel);
    if (direct !== undefined) {
      for (const session of direct) {
        const { reply } = session.sink;
        reply.push(3);
        reply.text(sharded ? 'smessage' : 'message');
        reply.byteString(channel);
        reply.bulk(message, 0, message.length);
        session.sink.wake();
        receivers++;
      }
    }
    if (sharded) return receivers;
    for (const [pattern, sessions] of this.#listeners.pattern) {
      if (!globMatch(pattern, channel)) continue;
      for (const session of sessions) {
        const { reply } = session.sink;
        reply.push(4);
        reply.text('pmessage');
        reply.byteString(pattern);
        reply.byteString(channel);
        reply.bulk(message, 0, message.length);
        session.sink.wake();
        receivers++;
      }
    }
    return receivers;
  }

  channels(sharded: boolean): Iterable<string> {
    return this.#listeners[sharded ? 'shard' : 'channel'].keys();
  }

  subscriberCount(channel: string, sharded: boolean): number {
    return this.#listeners[sharded ? 'shard' : 'channel'].get(channel)?.size ?? 0;
  }

  patternCount(): number {
    return this.#listeners.pattern.size;
  }
}

function namesOf(session: Session, kind: SubscriptionKind): Set<string> {
  if (kind === 'channel') return session.channels;
  return kind === 'pattern' ? session.patterns : session.shardChannels;
}
