/**
 * Who listens to what: channels, patterns and shard channels. Messages go straight into each listener's
 * reply, except to the client whose command is being run: it gets them after that command's own reply.
 */
import { copyBytes, type Reply } from '@holdfast/common';
import { globMatch, type Session, type SubscriptionKind } from '@holdfast/engine';

type Listeners = Map<string, Set<Session>>;

/**
 * All of it as a reply of RESP, made once and not for each listener: telling 50 of them part by part took a third of a
 * PUBLISH. The first byte is set for whom it is written to: a push to those of RESP3, an array to others.
 */
type Message = Uint8Array;

const pushMark = 62;
const arrayMark = 42;

const words = { channel: 'message', pattern: 'pmessage', shard: 'smessage' } as const;

export class PubSubHub {
  /** The session whose command is being run. */
  speaker: Session | null = null;
  readonly #listeners: Record<SubscriptionKind, Listeners> = {
    channel: new Map(),
    pattern: new Map(),
    shard: new Map(),
  };
  /** The beginning of the last message, which the next one often has too. */
  readonly #head = new MessageHead();
  /** What the speaker is sent. */
  #held: ((reply: Reply) => void)[] = [];

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
    if (!session.isSubscriber) return;
    for (const kind of ['channel', 'pattern', 'shard'] as const) {
      for (const name of [...namesOf(session, kind)]) this.unsubscribe(session, kind, name);
    }
  }

  /**
   * Sends a message; returns the number of clients that get it (once for each subscription that fits). It
   * may not be seen before `version` is committed.
   */
  publish(channel: string, payload: Uint8Array, sharded: boolean, version: number): number {
    const direct = this.#listeners[sharded ? 'shard' : 'channel'].get(channel);
    let receivers = 0;
    if (direct !== undefined) {
      const kind = sharded ? 'shard' : 'channel';
      this.#send(direct, this.#head.messageOf(kind, channel, channel, payload), version);
      receivers += audienceOf(direct, kind, channel);
    }
    if (sharded) return receivers;
    for (const [pattern, sessions] of this.#listeners.pattern) {
      if (!globMatch(pattern, channel)) continue;
      this.#send(sessions, this.#head.messageOf('pattern', pattern, channel, payload), version);
      receivers += audienceOf(sessions, 'pattern', pattern);
    }
    return receivers;
  }

  /** Passes on a message that was published elsewhere, to those who listen to just that. */
  deliver(kind: SubscriptionKind, name: string, channel: string, payload: Uint8Array): void {
    const sessions = this.#listeners[kind].get(name);
    if (sessions !== undefined) this.#send(sessions, this.#head.messageOf(kind, name, channel, payload), 0);
  }

  /** The speaker's command is answered. */
  endSpeech(): void {
    const { speaker } = this;
    this.speaker = null;
    if (this.#held.length === 0 || speaker === null) return;
    const held = this.#held;
    this.#held = [];
    for (const send of held) send(messagesOf(speaker));
    speaker.sink.wake();
  }

  /** Sends what `write` writes, as a message: after the reply to the current command, not before `version` is committed. */
  tell(session: Session, version: number, write: (reply: Reply) => void): void {
    if (version > session.dependsOn) session.dependsOn = version;
    if (session === this.speaker) {
      this.#held.push(write);
      return;
    }
    write(messagesOf(session));
    session.sink.wake();
  }

  channels(sharded: boolean): Iterable<string> {
    return this.#listeners[sharded ? 'shard' : 'channel'].keys();
  }

  subscriberCount(channel: string, sharded: boolean): number {
    const kind = sharded ? 'shard' : 'channel';
    const sessions = this.#listeners[kind].get(channel);
    return sessions === undefined ? 0 : audienceOf(sessions, kind, channel);
  }

  patternCount(): number {
    return this.#listeners.pattern.size;
  }

  /** As `tell`, a message that is made already: without a call of a function that is made for it, 50 times a message. */
  #send(sessions: ReadonlySet<Session>, message: Message, version: number): void {
    for (const session of sessions) {
      if (version > session.dependsOn) session.dependsOn = version;
      if (session === this.speaker) {
        this.#held.push((reply) => write(reply, message));
        continue;
      }
      write(messagesOf(session), message);
      session.sink.wake();
    }
  }
}

function messagesOf({ sink }: Session): Reply {
  return sink.messages ?? sink.reply;
}

/** How many clients the sessions that listen to `name` stand for. */
function audienceOf(sessions: ReadonlySet<Session>, kind: SubscriptionKind, name: string): number {
  let clients = 0;
  for (const { audience } of sessions) clients += audience?.get(`${kind} ${name}`) ?? 1;
  return clients;
}

/** All of a message but its payload: encoding it again takes as long as telling four listeners. */
class MessageHead {
  #kind: SubscriptionKind = 'channel';
  #name = '';
  #channel = '';
  #payloadLength = -1;
  #bytes: Buffer = Buffer.alloc(0);

  /** `name` is what is listened to: the channel, or a pattern. */
  messageOf(kind: SubscriptionKind, name: string, channel: string, payload: Uint8Array): Message {
    const { length } = payload;
    const isSame =
      length === this.#payloadLength &&
      channel === this.#channel &&
      name === this.#name &&
      kind === this.#kind;
    if (!isSame) this.#encode(kind, name, channel, length);
    const head = this.#bytes;
    const message = Buffer.allocUnsafe(head.length + length + 2);
    copyBytes(head, 0, message, 0, head.length);
    copyBytes(payload, 0, message, head.length, length);
    message[message.length - 2] = 13;
    message[message.length - 1] = 10;
    return message;
  }

  #encode(kind: SubscriptionKind, name: string, channel: string, payloadLength: number): void {
    let head = `>${kind === 'pattern' ? 4 : 3}\r\n${bulk(words[kind])}`;
    if (kind === 'pattern') head += bulk(name);
    this.#bytes = Buffer.from(`${head}${bulk(channel)}$${payloadLength}\r\n`, 'latin1');
    this.#kind = kind;
    this.#name = name;
    this.#channel = channel;
    this.#payloadLength = payloadLength;
  }
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

function write(reply: Reply, message: Message): void {
  message[0] = reply.dialect === 3 ? pushMark : arrayMark;
  reply.raw(message, 0, message.length);
}

function namesOf(session: Session, kind: SubscriptionKind): Set<string> {
  if (kind === 'channel') return session.channels;
  return kind === 'pattern' ? session.patterns : session.shardChannels;
}
