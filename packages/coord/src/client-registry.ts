/** The sessions that are open, and how many there were. */
import { type Clock, KvError, Request } from '@holdfast/common';
import {
  type AccessControl,
  type Config,
  type KV,
  Session,
  type SessionSink,
  wrongPassword,
} from '@holdfast/engine';
import { notAuthenticated } from './admission.js';
import type { Credentials, SessionOptions } from './coordinator.js';
import { isFromOutside, protectedModeError } from './protected-mode.js';

export type SessionFactory = (...args: ConstructorParameters<typeof Session>) => Session;

const noCredentialsError = new KvError('COMMAND', notAuthenticated, { reply: 'NOAUTH' });
const wrongCredentialsError = new KvError('COMMAND', wrongPassword, { reply: 'WRONGPASS' });
const tooManyError = new KvError('LIMIT', 'max number of clients reached');

export class ClientRegistry {
  readonly #config: Config;
  readonly #access: AccessControl;
  readonly #clock: Clock;
  readonly #create: SessionFactory;
  readonly #sessions = new Map<number, Session>();
  readonly #request = new Request();
  #nextId = 1;
  #rejected = 0;
  /** Bytes of connections that are closed, less what was counted before RESETSTAT. */
  #receivedBytes = 0;
  #sentBytes = 0;
  /** Of the sessions opened so far, those that RESETSTAT made us forget. */
  #forgotten = 0;

  constructor(
    { access, config }: KV,
    clock: Clock,
    create: SessionFactory = (...args) => new Session(...args),
  ) {
    this.#config = config;
    this.#access = access;
    this.#clock = clock;
    this.#create = create;
  }

  /** A new session, or null when the client is refused. */
  open(sink: SessionSink, options: SessionOptions): Session | null {
    const { protocol, address, localAddress, readMode = 'linearizable', isForwarded = false } = options;
    const refusal = isForwarded ? null : this.#refusalOf(address);
    if (refusal !== null) {
      this.#rejected++;
      options.onRefused?.(refusal);
      return null;
    }
    const session = this.#create(this.#nextId++, sink, protocol, address, localAddress, this.#clock.now());
    if (isForwarded) session.isAuthenticated = true;
    else this.#welcome(session);
    const denial = options.credentials === undefined ? null : this.#denialOf(session, options.credentials);
    if (denial !== null) {
      options.onRefused?.(denial);
      return null;
    }
    session.readMode = readMode;
    session.usualReadMode = readMode;
    this.#sessions.set(session.id, session);
    return session;
  }

  /** False when it was not open. */
  remove(session: Session): boolean {
    if (!this.#sessions.delete(session.id)) return false;
    this.#receivedBytes += session.sink.receivedBytes ?? 0;
    this.#sentBytes += session.sink.sentBytes ?? 0;
    return true;
  }

  has(session: Session): boolean {
    return this.#sessions.has(session.id);
  }

  byId(id: number): Session | undefined {
    return this.#sessions.get(id);
  }

  all(): Iterable<Session> {
    return this.#sessions.values();
  }

  /** Number of open sessions. */
  get size(): number {
    return this.#sessions.size;
  }

  get received(): number {
    return this.#nextId - 1 - this.#forgotten;
  }

  get rejected(): number {
    return this.#rejected;
  }

  /** Over all sessions, those that are closed too. */
  get receivedBytes(): number {
    let bytes = this.#receivedBytes;
    for (const { sink } of this.#sessions.values()) bytes += sink.receivedBytes ?? 0;
    return bytes;
  }

  get sentBytes(): number {
    let bytes = this.#sentBytes;
    for (const { sink } of this.#sessions.values()) bytes += sink.sentBytes ?? 0;
    return bytes;
  }

  clearCounts(): void {
    this.#receivedBytes -= this.receivedBytes;
    this.#sentBytes -= this.sentBytes;
    this.#forgotten = this.#nextId - 1;
    this.#rejected = 0;
  }

  /** Brings what the session remembers of itself back to how it began; its library stays named. */
  restore(session: Session): void {
    session.database = 0;
    session.dialect = 2;
    session.name = '';
    session.replyMode = 'on';
    session.noEvict = false;
    session.noTouch = false;
    session.readMode = session.usualReadMode;
    if (session.account !== null) this.#welcome(session);
  }

  #refusalOf(address: string): KvError | null {
    if (this.#sessions.size >= this.#config.number('maxclients')) return tooManyError;
    const isOpen = this.#access.defaultUser.needsNoPassword && this.#config.flag('protected-mode');
    return isOpen && isFromOutside(address) ? protectedModeError : null;
  }

  /** Why a session of these credentials is not let in; null when it is theirs now. */
  #denialOf(session: Session, credentials: Credentials | null): KvError | null {
    if (credentials === null) return session.isAuthenticated ? null : noCredentialsError;
    // ACL LOG tells of those that are wrong as of a command.
    const request = this.#request.assign(['AUTH', credentials.user, credentials.password]);
    const isValid = this.#access.authenticate(session, request.byteString(1), request.byteString(2), request);
    return isValid ? null : wrongCredentialsError;
  }

  /** Nobody has said who they are yet. */
  #welcome(session: Session): void {
    session.account = this.#access.defaultUser;
    session.isAuthenticated = this.#access.needsNoPassword;
  }
}
