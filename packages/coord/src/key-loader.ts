/** Brings into memory what a command needs, before it runs: its keys, or pages of the key space. */
// @hot-path
import { databasesMax, type Request } from '@holdfast/common';
import { type Command, readCursor, type Session } from '@holdfast/engine';
import type { KeyName, Storage } from '@holdfast/storage';

/** With more than this waiting to be written behind, in bytes, writes wait until the disk has caught up. */
const pendingBytesMax = 256 * 1024 * 1024;

export class KeyLoader {
  storage: Storage;

  constructor(storage: Storage) {
    this.storage = storage;
  }

  /** Null when everything is there already. */
  load(session: Session, command: Command, request: Request): Promise<void> | null {
    const storage = this.storage;
    if (storage.isAllResident) return null;
    if (command.isWrite && storage.pendingBytes > pendingBytesMax) return storage.flush();
    if (command.scansKeyspace !== undefined) return this.#loadPages(session, command, request);
    if (command.soleKey !== 0 && command.declaration.otherDatabase === undefined) {
      const i = command.soleKey;
      const { bytes } = request;
      if (storage.isResident(session.database, bytes, request.start(i), request.length(i))) return null;
      return storage.load([{ database: session.database, key: request.view(i) }]);
    }
    if (command.keySpecs.length === 0 && session.transaction === null) return null;
    return this.#loadMany(session, command, request);
  }

  #loadPages(session: Session, command: Command, request: Request): Promise<void> | null {
    const isPage = command.scansKeyspace === 'page';
    const cursor = isPage ? readCursor(request, command.argsStart) : 0;
    if (Number.isNaN(cursor)) return null;
    const count = isPage ? scanCountOf(request) : Number.POSITIVE_INFINITY;
    return this.storage.prepareScan(session.database, cursor, count);
  }

  #loadMany(session: Session, command: Command, request: Request): Promise<void> | null {
    const missing: KeyName[] = [];
    this.#collectMissing(session, command, request, missing);
    if (command.name === 'EXEC' && session.transaction !== null) {
      for (const queued of session.transaction.queue) {
        this.#collectMissing(session, queued.command, queued.request, missing);
      }
    }
    return missing.length === 0 ? null : this.storage.load(missing);
  }

  #collectMissing(session: Session, command: Command, request: Request, missing: KeyName[]): void {
    const count = missing.length;
    this.#collectIn(session.database, command, request, missing);
    // Which further keys there are is known only once the others are there.
    if (missing.length === count) this.#collectFurther(session.database, command, request, missing);
    const other = command.declaration.otherDatabase?.(request) ?? Number.NaN;
    if (other >= 0 && other < databasesMax) this.#collectIn(other, command, request, missing);
  }

  #collectFurther(database: number, command: Command, request: Request, missing: KeyName[]): void {
    const { furtherKeys } = command.declaration;
    const storage = this.storage;
    const db = storage.database(database);
    if (furtherKeys === undefined || storage.keyCount(database) === db.size) return;
    furtherKeys(db, request, (key) => {
      if (!storage.isResident(database, key, 0, key.length)) {
        missing.push({ database, key: Buffer.from(key) });
      }
    });
  }

  #collectIn(database: number, command: Command, request: Request, missing: KeyName[]): void {
    command.forEachKey(request, (i) => {
      if (this.storage.isResident(database, request.bytes, request.start(i), request.length(i))) return;
      missing.push({ database, key: request.view(i) });
    });
  }
}

/** The COUNT of a SCAN, 10 when it has none. */
function scanCountOf(request: Request): number {
  for (let i = 2; i + 1 < request.count; i++) if (request.is(i, 'COUNT')) return request.integer(i + 1) || 10;
  return 10;
}
