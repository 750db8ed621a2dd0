/**
 * Copies all data as they are at one moment, as an RDB file, while others write.
 *
 * The keys are passed over page by page. A key that is about to be changed and was not passed yet is copied first,
 * and left out when it is come across later; so is one that was not there. What the keys of a command are is known
 * before it runs: that is what makes it one moment, and needs neither a second copy of the data nor a second process.
 *
 *     database 0         1
 *     | passed ....  ^ cursor .. x .......... | ......... |      x: about to be changed: copied now, then passed over
 */
import { byteStringOf, databasesMax, type Env, KvError, pause } from '@holdfast/common';
import type { KV } from '@holdfast/engine';
import { type Database, dumpPayload, RdbFileWriter, rdbVersions, type Storage } from '@holdfast/storage';

/** Who asks does not say what it can read: every release since then can read this. */
const oldestVersion = rdbVersions.redis70;
/** Keys that are passed over in one go: fewer where they are large. */
const pageKeysMax = 50;
/** What was copied is handed on in pieces of about this size. */
const pieceBytes = 64 * 1024;
/** Others get their turn after so long, in ms. */
const turnMs = 2;
/** How often one looks whether the other side has read what it was sent, in ms. */
const waitMs = 5;

export interface DataCopyOptions {
  readonly kv: KV;
  readonly env: Env;
  readonly wantsData: boolean;
  readonly wantsFunctions: boolean;
  /** Of the file: one of `rdbVersions`. */
  readonly version?: number;
  /** Gets the pieces of the file, which are its own, in order. */
  readonly onPiece: (piece: Buffer) => void;
  /** No more pieces should be made for now. */
  readonly isFull: () => boolean;
}

export class DataCopy {
  readonly #options: DataCopyOptions;
  readonly #storage: Storage;
  readonly #version: number;
  readonly #writer: RdbFileWriter;
  /** Names of keys that were copied, or are not to be, before they were come across; by database. */
  readonly #early: Set<string>[] = Array.from({ length: databasesMax }, () => new Set());
  #database = 0;
  #cursor: number;
  #pageKeys = 1;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #problem: KvError | null = null;
  #isOver = false;

  constructor(options: DataCopyOptions) {
    this.#options = options;
    this.#version = options.version ?? oldestVersion;
    this.#writer = new RdbFileWriter(this.#version);
    this.#storage = options.kv.storage;
    this.#cursor = this.#storage.scanStart;
  }

  /**
   * Copies everything as it is now. Rejects with KvError: INVALID when a value can't be said in the file, CLOSED when it
   * was ended.
   */
  async run(): Promise<void> {
    const { kv, wantsData, wantsFunctions } = this.#options;
    try {
      this.#add(this.#writer.head({ 'redis-ver': kv.redisVersion.text, 'redis-bits': '64' }));
      if (wantsFunctions) {
        for (const { code } of kv.scripting.functions.libraries.all()) this.#add(this.#writer.library(code));
      }
      if (wantsData) await this.#copyKeys();
      this.#add(this.#writer.end());
      this.#handOn();
    } finally {
      this.#isOver = true;
    }
  }

  /** Ends it, for a reason. */
  end(problem: KvError): void {
    this.#problem ??= problem;
  }

  /** A key is about to be changed: what it holds is copied first, if it is still to be. */
  aboutToChange(db: Database, bytes: Uint8Array, start: number, length: number): void {
    if (this.#isOver || !this.#options.wantsData || db.index >= databasesMax) return;
    if (this.#isPassed(db.index, bytes, start, length)) return;
    const name = byteStringOf(bytes, start, length);
    const early = this.#early[db.index];
    if (early.has(name)) return;
    early.add(name);
    const ref = db.find(bytes, start, length);
    if (ref !== 0) this.#take(db, ref);
  }

  #isPassed(database: number, bytes: Uint8Array, start: number, length: number): boolean {
    if (database !== this.#database) return database < this.#database;
    return this.#storage.isScanned(database, this.#cursor, bytes, start, length);
  }

  async #copyKeys(): Promise<void> {
    const { clock } = this.#options.env;
    let turnEndMs = clock.monotonic() + turnMs;
    while (this.#database < databasesMax) {
      const preparing = this.#storage.prepareScan(this.#database, this.#cursor, this.#pageKeys);
      if (preparing !== null) {
        await preparing;
        this.#check();
        continue;
      }
      const before = this.#bytes;
      this.#copyPage();
      this.#check();
      const isLarge = this.#bytes - before > pieceBytes;
      this.#pageKeys = isLarge ? Math.max(1, this.#pageKeys >> 2) : Math.min(pageKeysMax, this.#pageKeys * 2);
      if (this.#bytes >= pieceBytes) this.#handOn();
      if (clock.monotonic() < turnEndMs && !this.#options.isFull()) continue;
      await this.#nextTurn();
      turnEndMs = clock.monotonic() + turnMs;
    }
  }

  #copyPage(): void {
    const db = this.#storage.database(this.#database);
    const early = this.#early[this.#database];
    const { arena, dict } = db;
    this.#cursor = this.#storage.scanPage(this.#database, this.#cursor, this.#pageKeys, (ref) => {
      if (early.size > 0) {
        const name = byteStringOf(arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
        if (early.delete(name)) return;
      }
      this.#take(db, ref);
    });
    if (this.#cursor !== 0) return;
    early.clear();
    this.#database++;
    this.#cursor = this.#storage.scanStart;
  }

  #take(db: Database, ref: number): void {
    const { arena, dict } = db;
    // Who changes a value has all of it; who has but a part removes it, because its time is over or to make room.
    if (db.partialCollection(ref) !== null) return;
    const start = dict.keyStart(ref);
    const name = arena.chunk(ref).subarray(start, start + dict.keyLength(ref));
    const expiryMs = db.expiry(ref);
    try {
      this.#add(
        this.#writer.key(
          db.index,
          name,
          dumpPayload(db, ref, this.#version),
          expiryMs === 0 ? null : expiryMs,
        ),
      );
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      this.end(error);
    }
  }

  #add(piece: Buffer): void {
    this.#pieces.push(Buffer.from(piece));
    this.#bytes += piece.length;
  }

  #handOn(): void {
    if (this.#pieces.length === 0) return;
    this.#options.onPiece(Buffer.concat(this.#pieces));
    this.#pieces = [];
    this.#bytes = 0;
  }

  async #nextTurn(): Promise<void> {
    const { timers } = this.#options.env;
    this.#handOn();
    await new Promise<void>((resolve) => timers.setImmediate(resolve));
    this.#check();
    while (this.#options.isFull()) {
      await pause(timers, waitMs);
      this.#check();
    }
  }

  #check(): void {
    if (this.#problem !== null) throw this.#problem;
  }
}
