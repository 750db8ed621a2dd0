/**
 * The writes of this server as commands that lead another one to the same state: what those who follow it are sent.
 *
 * A command is passed on as it came, if it changed something. Where it would do something else when it runs again (it
 * looked at the clock, drew at random, waited, or is not known to Redis) its handler says what is passed on instead.
 * What one command, transaction or script did is a unit, in the order in which it happened; the sink makes it a
 * transaction when it is more than one command.
 *
 *     execute     begin ... instead(...) ... end          one command
 *     EXEC, EVAL  begin (begin end) (begin end) ... end   their commands: they themselves are never passed on
 */
import { copyBytes, digitCount, type Request, writeInteger } from '@holdfast/common';
import { type Database, dumpPayload, type WriteStamp } from '@holdfast/storage';
import type { Command } from './command.js';
import type { KV } from './kv.js';

/** Redis 7.2 has the commands that are as old; later ones, and our own, are passed on as what they led to. */
const newestVersion = [7, 2] as const;
const startBytes = 4096;
/** A larger buffer is given back after use. */
const keptBytesMax = 1 << 20;

/** Commands of a unit: command i is `bytes[start(i), start(i + 1))`, in the form of the protocol. */
export interface CommandUnit {
  readonly count: number;
  readonly bytes: Uint8Array;
  /** Nobody may see a part of it. */
  readonly isAtomic: boolean;
  /** In which database it runs. */
  database(i: number): number;
  start(i: number): number;
}

/** Parameters that say whether what a server removes by itself is removed as by UNLINK. */
export type Laziness = 'lazyfree-lazy-eviction' | 'lazyfree-lazy-expire' | 'lazyfree-lazy-server-del';

export interface PropagationSink {
  /** A unit is complete. It is not kept: what is sent is copied. `version` is that of the write. */
  propagate(unit: CommandUnit, version: number): void;
  /** Somebody copies the data as they were when the copy began, and has to be told what is about to change. */
  readonly isCopying: boolean;
  /** A key is about to be changed, or may be. */
  aboutToChange(db: Database, bytes: Uint8Array, start: number, length: number): void;
  /** All keys are about to go, or whole databases change places. */
  aboutToReplace(): void;
}

export class Propagation implements CommandUnit {
  count = 0;
  isAtomic = true;
  bytes: Buffer = Buffer.allocUnsafeSlow(startBytes);
  readonly #kv: KV;
  readonly #sink: PropagationSink;
  /** Pairs of database and end in `bytes`. */
  readonly #commands: number[] = [];
  #length = 0;
  /** What the current command did is said already, or is to be said in any case. */
  #isReplaced = false;
  #isForced = false;

  constructor(kv: KV, sink: PropagationSink) {
    this.#kv = kv;
    this.#sink = sink;
  }

  /** See `PropagationSink`: what a command changes has to be there as a whole. */
  get isCopying(): boolean {
    return this.#sink.isCopying;
  }

  database(i: number): number {
    return this.#commands[2 * i];
  }

  start(i: number): number {
    return i === 0 ? 0 : this.#commands[2 * i - 1];
  }

  // Called by the engine

  /** A command is about to run. */
  begin(command: Command, request: Request, database: number): void {
    this.#isReplaced = false;
    this.#isForced = false;
    if (this.#sink.isCopying && command.isWrite) this.#announce(command, request, database);
  }

  /** It has run. `isPart`: more of the unit follows. */
  end(command: Command, request: Request, database: number, stamp: WriteStamp, isPart: boolean): void {
    const hasChanged = stamp.changed && command.isWrite;
    if (!this.#isReplaced && (hasChanged || this.#isForced)) {
      if (this.#isForced || isKnownToRedis(command)) this.#verbatim(database, request);
      else this.#outcomes(command, request, database);
    }
    // What a part said of itself says nothing of the whole.
    this.#isReplaced = false;
    this.#isForced = false;
    if (isPart) return;
    this.isAtomic = command.scansKeyspace === undefined;
    this.flush();
    this.isAtomic = true;
  }

  /** The unit is complete. */
  flush(): void {
    if (this.count === 0) return;
    this.#sink.propagate(this, this.#kv.storage.stamp.last);
    this.count = 0;
    this.#commands.length = 0;
    this.#length = 0;
    if (this.bytes.length > keptBytesMax) this.bytes = Buffer.allocUnsafeSlow(startBytes);
  }

  /** What was begun is given up: it will never have happened. */
  abandon(): void {
    this.count = 0;
    this.#commands.length = 0;
    this.#length = 0;
  }

  /** A key is about to be removed because its time is over, or to make room. */
  removing(db: Database, key: Uint8Array, isLazy: boolean): void {
    this.changing(db, key);
    this.put(db.index, isLazy ? 'UNLINK' : 'DEL', key);
  }

  /** A key is about to be changed by no command that names it. */
  changing(db: Database, key: Uint8Array): void {
    if (this.#sink.isCopying) this.#sink.aboutToChange(db, key, 0, key.length);
  }

  /** Passes on what a key holds now. */
  outcome(db: Database, key: Uint8Array): void {
    const ref = db.find(key, 0, key.length);
    if (ref === 0) this.put(db.index, 'DEL', key);
    else this.put(db.index, 'RESTORE', key, db.expiry(ref), dumpPayload(db, ref), 'REPLACE', 'ABSTTL');
  }

  // Called by handlers

  /** The current command is passed on as this one. More than one call: as these, in their order. */
  instead(...args: readonly (string | number | Uint8Array)[]): void {
    this.#isReplaced = true;
    this.put(this.#kv.context.session.database, ...args);
  }

  /** The current command removed a key; `laziness` is the parameter that makes it an UNLINK. */
  insteadRemoved(key: Uint8Array, laziness: Laziness): void {
    this.instead(this.#kv.config.flag(laziness) ? 'UNLINK' : 'DEL', key);
  }

  /** The current command is not passed on, whatever it changed. */
  nothing(): void {
    this.#isReplaced = true;
  }

  /** The current command is passed on even if it changed nothing, or is none that writes. */
  always(): void {
    this.#isForced = true;
  }

  /** Adds a command to the unit. */
  put(database: number, ...args: readonly (string | number | Uint8Array)[]): void {
    this.#head(args.length);
    for (const arg of args) {
      const bytes = typeof arg === 'object' ? arg : Buffer.from(String(arg), 'latin1');
      this.#argument(bytes, 0, bytes.length);
    }
    this.#close(database);
  }

  #verbatim(database: number, request: Request): void {
    this.#head(request.count);
    for (let i = 0; i < request.count; i++) {
      this.#argument(request.bytes, request.start(i), request.length(i));
    }
    this.#close(database);
  }

  /** Passes on what the keys of a command hold now. */
  #outcomes(command: Command, request: Request, database: number): void {
    const db = this.#kv.storage.database(database);
    command.forEachKey(request, (i) => this.outcome(db, request.copy(i)));
  }

  #announce(command: Command, request: Request, database: number): void {
    const { storage } = this.#kv;
    // FLUSHALL, FLUSHDB, SWAPDB.
    if (command.group === 'server') return this.#sink.aboutToReplace();
    const other = command.declaration.otherDatabase?.(request) ?? Number.NaN;
    command.forEachKey(request, (i) => {
      const start = request.start(i);
      const length = request.length(i);
      this.#sink.aboutToChange(storage.database(database), request.bytes, start, length);
      if (other === other) this.#sink.aboutToChange(storage.database(other), request.bytes, start, length);
    });
  }

  #head(count: number): void {
    this.#reserve(24);
    this.bytes[this.#length++] = 42;
    this.#length = writeInteger(this.bytes, this.#length, count);
    this.#endLine();
  }

  #argument(source: Uint8Array, start: number, length: number): void {
    this.#reserve(length + digitCount(length) + 8);
    this.bytes[this.#length++] = 36;
    this.#length = writeInteger(this.bytes, this.#length, length);
    this.#endLine();
    copyBytes(source, start, this.bytes, this.#length, length);
    this.#length += length;
    this.#endLine();
  }

  #endLine(): void {
    this.bytes[this.#length++] = 13;
    this.bytes[this.#length++] = 10;
  }

  #close(database: number): void {
    this.#commands.push(database, this.#length);
    this.count++;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.#length));
    this.bytes = grown;
  }
}

function isKnownToRedis({ declaration, name }: Command): boolean {
  if (name.startsWith('KV.')) return false;
  const [major, minor] = declaration.since.split('.').map(Number);
  return major < newestVersion[0] || (major === newestVersion[0] && minor <= newestVersion[1]);
}
