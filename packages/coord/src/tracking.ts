/**
 * Tells clients that keep values which of them are outdated (CLIENT TRACKING).
 *
 *     #readers   key -> ids of the clients that read it since it changed last; told once, then forgotten
 *     #prefixes  prefix -> clients that are told of every change below it, and the keys changed in this turn
 *
 * A client that is gone stays in `#readers` until the key changes, as in Redis. Keys are known by their names
 * alone, whatever the database. What a client is told leaves when the change is committed, and never in the middle
 * of its own reply.
 */
import { keyBytesMax, type Reply, type Request } from '@holdfast/common';
import { ClientTracking, type Command, type KV, type Session, type TrackingOptions } from '@holdfast/engine';
import type { Database } from '@holdfast/storage';
import type { ClientRegistry } from './client-registry.js';
import type { PubSubHub } from './pubsub-hub.js';

/** Where clients of RESP2 listen to what others are to be told. */
const channel = '__redis__:invalidate';
/** How many keys are dropped at once when there are too many; more when that was not enough. */
const dropsAtOnce = 100;

/** Scripts that only read are not looked at, but what they call. */
const scriptNames: ReadonlySet<string> = new Set(['EVAL_RO', 'EVALSHA_RO', 'FCALL_RO']);

interface Broadcast {
  readonly sessions: Set<Session>;
  /** Keys that changed in this turn, and who changed each last. */
  readonly keys: Map<string, Session | null>;
}

export interface TrackingParts {
  readonly kv: KV;
  readonly clients: ClientRegistry;
  readonly hub: PubSubHub;
  /** Somebody began or ceased to track. */
  readonly onChange: () => void;
}

export class Tracking {
  readonly #parts: TrackingParts;
  readonly #sessions = new Set<Session>();
  readonly #readers = new Map<string, Set<number>>();
  readonly #prefixes = new Map<string, Broadcast>();
  #items = 0;
  #keysMax = 0;
  /** How often in a row dropping keys was not enough. */
  #excesses = 0;
  #hasBroadcasts = false;

  constructor(parts: TrackingParts) {
    this.#parts = parts;
    const { config } = parts.kv;
    config.onChange('tracking-table-max-keys', () => {
      this.#keysMax = config.number('tracking-table-max-keys');
    });
  }

  /** Number of clients that track. */
  get size(): number {
    return this.#sessions.size;
  }

  get keys(): number {
    return this.#readers.size;
  }

  /** Pairs of a key and a client that read it. */
  get items(): number {
    return this.#items;
  }

  get prefixes(): number {
    return this.#prefixes.size;
  }

  /** Begins, or goes on with other options; prefixes are added to those before. */
  enable(session: Session, options: TrackingOptions): void {
    const added = options.isBroadcast && options.prefixes.length === 0 ? [''] : options.prefixes;
    const known = session.tracking?.prefixes ?? [];
    const prefixes = [...new Set([...known, ...added])];
    session.tracking = new ClientTracking({ ...options, prefixes });
    this.#sessions.add(session);
    for (const prefix of prefixes) {
      const broadcast = this.#prefixes.get(prefix);
      if (broadcast !== undefined) broadcast.sessions.add(session);
      else this.#prefixes.set(prefix, { sessions: new Set([session]), keys: new Map() });
    }
    this.#parts.onChange();
  }

  disable(session: Session): void {
    if (session.tracking === null) return;
    for (const prefix of session.tracking.prefixes) {
      const { sessions } = this.#prefixes.get(prefix)!;
      sessions.delete(session);
      if (sessions.size === 0) this.#prefixes.delete(prefix);
    }
    session.tracking = null;
    this.#sessions.delete(session);
    if (this.#sessions.size === 0) this.#forgetReaders();
    this.#parts.onChange();
  }

  /** A client's command, or one of its script, has read. */
  remember(session: Session, command: Command, request: Request): void {
    if (!session.tracking?.remembersReads || scriptNames.has(command.name)) return;
    const { redisVersion, scripting } = this.#parts.kv;
    const script = redisVersion.scriptsReadDeclared ? scripting.execution.current : null;
    const read = script?.request ?? request;
    (script?.command ?? command).forEachKey(read, (i) => {
      // Nothing that could be told of it: no key is as long.
      if (read.length(i) > keyBytesMax) return;
      const key = read.byteString(i);
      let readers = this.#readers.get(key);
      if (readers === undefined) this.#readers.set(key, (readers = new Set()));
      if (readers.has(session.id)) return;
      readers.add(session.id);
      this.#items++;
    });
  }

  /** A command is answered: what CLIENT CACHING said of it is over, unless it began a transaction. */
  commandEnded(session: Session, command: Command): void {
    const { tracking } = session;
    if (tracking === null || session.transaction !== null || command.fullName.startsWith('client|')) return;
    tracking.isCachingGiven = false;
  }

  changed(bytes: Uint8Array, start: number, length: number): void {
    if (this.#readers.size === 0 && this.#prefixes.size === 0) return;
    const key = Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1');
    for (const [prefix, { keys }] of this.#prefixes) {
      if (!key.startsWith(prefix)) continue;
      keys.set(key, this.#parts.hub.speaker);
      this.#hasBroadcasts = true;
    }
    this.#invalidate(key, this.#parts.hub.speaker);
  }

  /** All keys of a database are others now (SWAPDB): nothing that is kept anywhere can be trusted. */
  replaced(database: Database, by: Database | null): void {
    // Of removals FLUSHALL and FLUSHDB tell, once for all databases. Of two that change places one call is enough.
    const { isFollower } = this.#parts.kv;
    if (by === null ? isFollower : database.index < by.index) this.flushed();
  }

  /** All keys are gone. */
  flushed(): void {
    this.#forgetReaders();
    for (const session of this.#sessions) this.tell(session, null);
  }

  /**
   * Changes were missed, or will be, since another replica leads, or there are other data: nothing that is kept anywhere can be
   * trusted. What is told of it depends on no commit.
   */
  lost(): void {
    if (this.#sessions.size === 0) return;
    this.#forgetReaders();
    this.#hasBroadcasts = false;
    for (const { keys } of this.#prefixes.values()) keys.clear();
    for (const session of this.#sessions) this.tell(session, null, 0);
  }

  /** The turn is over: sends what is for all with a prefix, and drops keys that are too many. */
  endTurn(): void {
    if (this.#hasBroadcasts) this.#broadcast();
    if (this.#keysMax > 0 && this.#readers.size > this.#keysMax) this.#dropKeys();
    else this.#excesses = 0;
  }

  #broadcast(): void {
    this.#hasBroadcasts = false;
    // Prefixes and keys as Redis, which keeps them in trees: each is a byte to a character.
    const changed = [...this.#prefixes].filter(([, { keys }]) => keys.size > 0);
    for (const [, { keys, sessions }] of changed.sort(([a], [b]) => (a < b ? -1 : 1))) {
      const all = [...keys.keys()].sort();
      for (const session of sessions) {
        const told = session.tracking?.noLoop ? all.filter((key) => keys.get(key) !== session) : all;
        if (told.length > 0) this.tell(session, told);
      }
      keys.clear();
    }
  }

  /** The keys that were read first go first. */
  #dropKeys(): void {
    let budget = dropsAtOnce * (this.#excesses + 1);
    for (const key of this.#readers.keys()) {
      if (this.#readers.size <= this.#keysMax) {
        this.#excesses = 0;
        return;
      }
      if (budget-- === 0) break;
      this.#invalidate(key, null);
    }
    this.#excesses++;
  }

  #invalidate(key: string, changer: Session | null): void {
    const readers = this.#readers.get(key);
    if (readers === undefined) return;
    this.#readers.delete(key);
    this.#items -= readers.size;
    for (const id of readers) {
      const session = this.#parts.clients.byId(id);
      const tracking = session?.tracking ?? null;
      if (session === undefined || tracking === null || tracking.isBroadcast) continue;
      if (tracking.noLoop && session === changer) continue;
      this.tell(session, [key]);
    }
  }

  /**
   * Tells a client that tracks, or the one that it named, of keys that changed; of all keys with null. Not before `version` is
   * committed. One with a place for messages is the session of a gateway's client, and takes them in any dialect.
   */
  tell(
    session: Session,
    keys: readonly string[] | null,
    version: number = this.#parts.kv.storage.stamp.last,
  ): void {
    const { clients, hub } = this.#parts;
    const tracking = session.tracking as ClientTracking;
    const { redirect } = tracking;
    const target = redirect === 0 ? session : clients.byId(redirect);
    if (target === undefined || target.closeAfterReply) {
      tracking.isRedirectBroken = true;
      if (session.dialect > 2) hub.tell(session, version, (reply) => writeBroken(reply, redirect));
    } else if (target.dialect > 2 || target.sink.messages !== undefined) {
      hub.tell(target, version, (reply) => writePush(reply, keys));
    } else if (redirect !== 0 && target.isSubscriber) {
      hub.tell(target, version, (reply) => writeMessage(reply, keys));
    }
  }

  #forgetReaders(): void {
    this.#readers.clear();
    this.#items = 0;
  }
}

function writeBroken(reply: Reply, redirect: number): void {
  reply.push(2);
  reply.text('tracking-redir-broken');
  reply.integer(redirect);
}

function writePush(reply: Reply, keys: readonly string[] | null): void {
  reply.push(2);
  reply.text('invalidate');
  writeKeys(reply, keys);
}

function writeMessage(reply: Reply, keys: readonly string[] | null): void {
  reply.push(3);
  reply.text('message');
  reply.text(channel);
  writeKeys(reply, keys);
}

function writeKeys(reply: Reply, keys: readonly string[] | null): void {
  if (keys === null) {
    reply.null();
    return;
  }
  reply.array(keys.length);
  for (const key of keys) reply.byteString(key);
}
