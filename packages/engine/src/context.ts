/**
 * What a command handler works with. One object per engine, set up anew for each call: handlers keep
 * nothing of it.
 */
// @hot-path
import { type Env, KvError, type Reply, type Request } from '@holdfast/common';
import { type Collection, type Database, type Ref, type Storage, valueTypes } from '@holdfast/storage';
import type { Command } from './command.js';
import type { BlockOptions, Host } from './host.js';
import type { KV } from './kv.js';
import type { Propagation } from './propagation.js';
import type { Session } from './session.js';

export const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value';

/** What a record has of an element beside its bytes, at most: lengths, and a score or a time. */
const elementBytes = 16;

/** What a record has beside its key, names and values, at most. */
const recordBytes = 80;

/** What `lookup` returns when the key holds another type: the error has been replied. */
export const isWrongType = -1;

export class Context {
  readonly kv: KV;
  storage: Storage;
  readonly env: Env;
  request!: Request;
  reply!: Reply;
  session!: Session;
  command!: Command;
  /** The session's database. */
  db!: Database;
  /** Wall clock in ms since 1970, one value for a whole command, script or transaction. */
  nowMs = 0;
  /** Uniform 32-bit integers. */
  readonly draw: () => number = () => this.env.random.uint32();
  /** Keys that are found count as accessed now: see UsageClock. */
  touches = false;
  /** In a transaction or script: a blocking command must not wait. */
  mayBlock = true;
  /** A blocked command that runs again: data may have come. */
  isResumed = false;
  /** The command found nothing and waits: it is no call yet. */
  hasBlocked = false;
  /** What the database's values took when the command began. */
  bytesBefore = 0;
  /** The error that is replied came from a command of a script, and is in the statistics already. */
  isErrorCounted = false;

  constructor(kv: KV) {
    this.kv = kv;
    this.storage = kv.storage;
    this.env = kv.env;
  }

  /** What is passed on to servers that follow this one; null while there are none. */
  get propagation(): Propagation | null {
    return this.kv.propagation;
  }

  get host(): Host {
    return this.kv.host;
  }

  /** The record of the key at argument `i`, whatever its type; 0 when there is none, or it has expired. */
  find(i: number): Ref {
    const { request } = this;
    return this.findKey(request.bytes, request.start(i), request.length(i));
  }

  /** As `find`, for any bytes, in the current database or another one. */
  findKey(bytes: Uint8Array, start: number, length: number, db: Database = this.db): Ref {
    const { session } = this;
    const ref = db.find(bytes, start, length);
    if (ref === 0) {
      if (db.removalVersion > session.dependsOn) session.dependsOn = db.removalVersion;
      return 0;
    }
    const expiryMs = db.expiry(ref);
    if (expiryMs !== 0 && expiryMs <= this.nowMs) {
      this.kv.expiry.removeKey(db, ref);
      if (db.removalVersion > session.dependsOn) session.dependsOn = db.removalVersion;
      db.find(bytes, start, length);
      return 0;
    }
    if (db.expiringCollections.earliestMs <= this.nowMs && this.kv.expiry.removeElements(db, ref)) {
      if (db.removalVersion > session.dependsOn) session.dependsOn = db.removalVersion;
      db.find(bytes, start, length);
      return 0;
    }
    const version = db.version(ref);
    if (this.touches) this.kv.usage.touch(db.dict, version);
    if (version > session.dependsOn) session.dependsOn = version;
    session.keyVersion = version;
    return ref;
  }

  /** The reply depends on all keys: it must not leave before every write so far is committed. */
  dependOnAll(): void {
    const { last } = this.storage.stamp;
    if (last > this.session.dependsOn) this.session.dependsOn = last;
  }

  /** As `find`, counting a hit or a miss: for commands that read. */
  read(i: number): Ref {
    const { request } = this;
    return this.readKey(request.bytes, request.start(i), request.length(i));
  }

  /** As `read`, for any bytes. */
  readKey(bytes: Uint8Array, start: number, length: number): Ref {
    const ref = this.findKey(bytes, start, length);
    if (ref !== 0) {
      this.kv.stats.hits++;
      return ref;
    }
    this.kv.stats.misses++;
    if (this.kv.notifications !== 0) this.kv.notify('m', 'keymiss', this.db, bytes, start, length);
    return 0;
  }

  /**
   * The record of a key of one type: 0 when there is none, `isWrongType` after replying that error. `reads`: the command
   * reads what it is, which counts as a hit or a miss; commands that write may do both.
   */
  lookup(i: number, type: number, reads = !this.command.isWrite): Ref {
    const ref = reads ? this.read(i) : this.find(i);
    if (ref !== 0 && this.db.type(ref) !== type) {
      this.reply.error(wrongType);
      return isWrongType;
    }
    return ref;
  }

  /** The collection at argument `i`: null when there is none, undefined after replying WRONGTYPE. */
  collection<C extends Collection>(i: number, type: number, reads?: boolean): C | null | undefined {
    const ref = this.lookup(i, type, reads);
    if (ref === 0) return null;
    return ref === isWrongType ? undefined : (this.db.collection(ref) as C);
  }

  /**
   * Throws KvError LIMIT when the log does not take a collection that this command has built, and that is of no key yet:
   * it is given up then.
   */
  admitBuilt(collection: Collection): void {
    const { journal } = this.storage;
    const { arena, context } = this.db;
    const bytes = arena.usedBytes - this.bytesBefore + collection.size * elementBytes;
    if (journal === null || journal.takes(bytes)) return;
    context.released.push(collection);
    throw new KvError('LIMIT', journal.refusal);
  }

  /**
   * Throws KvError LIMIT when the log does not take `count` records that each say the key at argument `i`, and `bytes` each
   * beside it. To be asked before the first change by whatever writes more than its arguments, or its key again and again.
   */
  admitEach(i: number, count: number, bytes = 0): void {
    this.storage.journal?.admit(count * (this.request.length(i) + bytes + recordBytes));
  }

  /** What the command changed counts as `count` changes, at least one: for `rdb_changes_since_last_save`, and save points. */
  countChanges(count: number): void {
    if (count > 1) this.storage.stamp.writes += count - 1;
  }

  /** Removes the key at argument `i`; whether it was there. */
  remove(i: number): boolean {
    const ref = this.find(i);
    if (ref === 0) return false;
    this.db.remove(ref);
    return true;
  }

  /** Removes the key at argument `i` when its collection has no element left; whether it did. */
  removeIfEmpty(i: number, collection: Collection): boolean {
    if (collection.size > 0) return false;
    const { request, db } = this;
    const ref = db.find(request.bytes, request.start(i), request.length(i));
    if (ref === 0) return false;
    db.remove(ref);
    this.notify('g', 'del', i);
    return true;
  }

  /**
   * Publishes a keyspace event for the key at argument `i`, if the configuration asks for its class:
   * one letter of `notify-keyspace-events`.
   */
  notify(eventClass: string, event: string, i: number): void {
    const { request } = this;
    if (this.kv.notifications === 0) return;
    this.kv.notify(eventClass, event, this.db, request.bytes, request.start(i), request.length(i));
  }

  /**
   * Waits for one of the keys at arguments `first`, `first + 1`, ... (count of them). To be called
   * before anything was replied; the handler returns right after. In a transaction or script, where
   * waiting is impossible, it answers as if the time were over; and where it is, since it waited elsewhere before.
   */
  block(first: number, count: number, options: BlockOptions): void {
    const { timeoutMs } = options;
    if (!this.mayBlock || (timeoutMs > 0 && timeoutMs <= this.session.waitedMs)) {
      options.onTimeout(this.reply);
      return;
    }
    const keys: Uint8Array[] = [];
    for (let i = 0; i < count; i++) keys.push(this.request.copy(first + i));
    this.hasBlocked = true;
    this.host.block(this.session, keys, options);
  }

  /** Whether argument `i` holds a string that is there; replies WRONGTYPE or the null when not. */
  string(i: number, reads?: boolean): Ref {
    return this.lookup(i, valueTypes.string, reads);
  }
}
