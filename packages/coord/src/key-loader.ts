/** Brings into memory what a command needs, before it runs: its keys, or pages of the key space. */
// @hot-path
import { databasesMax, KvError, keyBytesMax, type Request } from '@holdfast/common';
import {
  type Command,
  type KV,
  type QueuedCommand,
  readCursor,
  type Session,
  type Transaction,
} from '@holdfast/engine';
import { type KeyName, noElements, type Storage } from '@holdfast/storage';
import { mayWrite } from './admission.js';
import { NamedElements } from './named-elements.js';

/** Pages that a transaction may scan of what is on a disk: all are to be there at once, and the storage forgets the oldest. */
const queuedScansMax = 128;

function tooManyScans(): KvError {
  return new KvError('LIMIT', `a transaction has at most ${queuedScansMax} scans of what is on a disk`);
}

export class KeyLoader {
  storage: Storage;
  readonly #kv: Pick<KV, 'propagation'>;
  readonly #elements = new NamedElements();

  constructor(kv: Pick<KV, 'propagation' | 'storage'>) {
    this.#kv = kv;
    this.storage = kv.storage;
  }

  /** Null when the command may run: everything is there, and the disk is not too far behind for a write. */
  load(session: Session, command: Command, request: Request): Promise<void> | null {
    if (this.storage.isAllResident) return null;
    const room = this.storage.admitWrite();
    if (room !== null && mayWrite(session, command)) return room;
    return this.loadKeys(session, command, request);
  }

  /** Null when everything is there already. For commands of a script too, whose writes can't wait: nothing is committed until it ends. */
  loadKeys(session: Session, command: Command, request: Request): Promise<void> | null {
    const storage = this.storage;
    if (storage.isAllResident) return null;
    if (command.scansKeyspace !== undefined) return this.#loadPages(session.database, command, request);
    if (command.soleKey !== 0 && command.declaration.otherDatabase === undefined) {
      const i = command.soleKey;
      const { bytes } = request;
      if (this.#needsPart(command)) return this.#loadElements(session, command, request);
      if (storage.isResident(session.database, bytes, request.start(i), request.length(i))) return null;
      return storage.loadSome([{ database: session.database, key: request.view(i) }]);
    }
    const { furtherKeys } = command.declaration;
    if (command.keySpecs.length === 0 && furtherKeys === undefined && session.transaction === null)
      return null;
    if (command.elements === 'none' && this.#needsPart(command))
      return this.#loadHeads(session, command, request);
    return this.#loadMany(session, command, request);
  }

  /** A command is to come: what it needs is brought nearer, and not waited for. */
  prefetch(session: Session, command: Command, request: Request): void {
    const i = command.soleKey;
    if (i === 0 || i >= request.count || command.declaration.otherDatabase !== undefined) return;
    const { database } = session;
    if (this.#needsPart(command)) {
      this.#loadElements(session, command, request)?.catch(() => {});
      return;
    }
    if (this.storage.isResident(database, request.bytes, request.start(i), request.length(i))) return;
    // Whoever runs the command asks again, and is told what went wrong.
    this.storage.loadSome([{ database, key: request.view(i) }])?.catch(() => {});
  }

  /** Whether some elements of a value do, or none. What a command changes while all is copied is copied before, as a whole. */
  #needsPart(command: Command): boolean {
    if (command.elements === undefined) return false;
    return !command.isWrite || !this.#isCopied;
  }

  get #isCopied(): boolean {
    return this.#kv.propagation?.isCopying === true;
  }

  /** For a command that needs no more than some elements of the value of its key. */
  #loadElements({ database }: Session, command: Command, request: Request): Promise<void> | null {
    const i = command.soleKey;
    const elements = this.#elements.of(command, request, i);
    const { bytes } = request;
    if (this.storage.isResidentFor(database, bytes, request.start(i), request.length(i), elements))
      return null;
    return this.storage.loadElements([{ database, key: request.view(i) }], elements);
  }

  #loadPages(database: number, command: Command, request: Request): Promise<void> | null {
    if (command.scansKeyspace === 'sample') return this.storage.prepareSample(database);
    if (command.scansKeyspace === 'names') {
      const selection = command.declaration.selectsNames?.(request) ?? null;
      return selection === null ? null : this.storage.prepareNames(database, selection);
    }
    const cursor = readCursor(request, command.argsStart);
    if (Number.isNaN(cursor)) return null;
    const wants = command.isWrite && this.#isCopied ? 'values' : 'keys';
    return this.storage.prepareScan(database, cursor, scanCountOf(request), wants);
  }

  /** For a command that needs no elements of the values of its keys. */
  #loadHeads({ database }: Session, command: Command, request: Request): Promise<void> | null {
    const storage = this.storage;
    const { bytes } = request;
    const keys: KeyName[] = [];
    let isMet = true;
    command.forEachKey(request, (i) => {
      const [start, length] = [request.start(i), request.length(i)];
      if (length > keyBytesMax) return;
      isMet &&= storage.isResidentFor(database, bytes, start, length, noElements);
      keys.push({ database, key: bytes.subarray(start, start + length) });
    });
    return isMet ? null : storage.loadElements(keys, noElements);
  }

  #loadMany(session: Session, command: Command, request: Request): Promise<void> | null {
    let needs = this.#needsOf(session, command, request);
    while (!needs.isMet) {
      const loading = this.storage.loadSome(needs.keys);
      if (loading !== null) return loading;
      // They were read on the spot. What they hold may name further keys; without any, nothing is left to be read.
      const known = needs.keys.length;
      needs = this.#needsOf(session, command, request);
      if (needs.keys.length === known) break;
    }
    if (command.name !== 'EXEC' || session.transaction === null) return null;
    return this.#loadQueuedPages(session.database, session.transaction);
  }

  #needsOf(session: Session, command: Command, request: Request): Needs {
    const needs = new Needs(this.storage);
    this.#collect(session.database, command, request, needs);
    if (command.name !== 'EXEC' || session.transaction === null) return needs;
    forEachQueued(session.database, session.transaction, (database, queued) => {
      this.#collect(database, queued.command, queued.request, needs);
    });
    // Whether their time has come decides too.
    for (const { database, key } of session.watched) needs.add(database, key, 0, key.length);
    return needs;
  }

  #loadQueuedPages(selected: number, transaction: Transaction): Promise<void> | null {
    if (this.#coldScans(selected, transaction) > queuedScansMax) return Promise.reject(tooManyScans());
    let loading: Promise<void> | null = null;
    forEachQueued(selected, transaction, (database, { command, request }) => {
      if (command.scansKeyspace !== undefined) loading ??= this.#loadPages(database, command, request);
    });
    return loading;
  }

  /** How many pages a transaction scans of databases that are not all in memory. */
  #coldScans(selected: number, transaction: Transaction): number {
    let count = 0;
    forEachQueued(selected, transaction, (database, { command }) => {
      if (command.scansKeyspace === 'page' && !this.storage.isComplete(database)) count++;
    });
    return count;
  }

  #collect(database: number, command: Command, request: Request, needs: Needs): void {
    const { missing } = needs;
    this.#collectIn(database, command, request, needs);
    // Which further keys there are is known only once the others are there.
    if (needs.missing === missing) this.#collectFurther(database, command, request, needs);
    const other = command.declaration.otherDatabase?.(request) ?? Number.NaN;
    if (other >= 0 && other < databasesMax) this.#collectIn(other, command, request, needs);
  }

  #collectFurther(database: number, command: Command, request: Request, needs: Needs): void {
    const { furtherKeys } = command.declaration;
    const storage = this.storage;
    const db = storage.database(database);
    if (furtherKeys === undefined || storage.isComplete(database)) return;
    furtherKeys(db, request, (key) => needs.add(database, Buffer.from(key), 0, key.length));
  }

  #collectIn(database: number, command: Command, request: Request, needs: Needs): void {
    command.forEachKey(request, (i) =>
      needs.add(database, request.bytes, request.start(i), request.length(i)),
    );
  }
}

/**
 * Visits the commands of a transaction, each with every database that it may find under its own: one that was selected or
 * swapped on the way, which may be refused.
 */
function forEachQueued(
  selected: number,
  { queue }: Transaction,
  visit: (database: number, queued: QueuedCommand) => void,
): void {
  const databases = new Set([selected]);
  for (const queued of queue) {
    const { command, request } = queued;
    if (command.name === 'SELECT') addDatabase(databases, request, 1);
    if (command.name === 'SWAPDB') {
      addDatabase(databases, request, 1);
      addDatabase(databases, request, 2);
    }
    for (const database of databases) visit(database, queued);
  }
}

function addDatabase(databases: Set<number>, request: Request, i: number): void {
  const index = request.integer(i);
  if (index >= 0 && index < databasesMax) databases.add(index);
}

/** The keys that a command needs all at once: those that are resident have to stay while the others are loaded. */
class Needs {
  readonly keys: KeyName[] = [];
  missing = 0;
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  get isMet(): boolean {
    return this.missing === 0;
  }

  /** `bytes` stay as they are until the keys are asked for. What is too long to be a key is not there. */
  add(database: number, bytes: Uint8Array, start: number, length: number): void {
    if (length > keyBytesMax) return;
    if (!this.#storage.isResident(database, bytes, start, length)) this.missing++;
    this.keys.push({ database, key: bytes.subarray(start, start + length) });
  }
}

/** The last COUNT of a SCAN, 10 when it has none. All its options are pairs, and what they match may be a word, too. */
function scanCountOf(request: Request): number {
  let count = 10;
  for (let i = 2; i + 1 < request.count; i += 2) {
    if (request.is(i, 'COUNT')) count = request.integer(i + 1) || 10;
  }
  return count;
}
