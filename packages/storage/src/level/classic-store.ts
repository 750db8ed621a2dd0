/**
 * LevelDB behind the OrderedStore contract.
 *
 * Every batch is on the disk when its write resolves: synced in LevelDB's log, or, when it is a large one, in a table.
 * Syncing only now and then would not do: LevelDB changes to a new log file without syncing the old one, so a later
 * synced batch does not vouch for an earlier unsynced one.
 *
 * LevelDB checks its blocks' checksums only on request, and the binding has no way to ask: see
 * `disk-records.ts`.
 */
import { resolve } from 'node:path';
import { type Env, KvError } from '@holdfast/common';
import type { Level } from 'level';
import { BatchWriter } from './batch-writer.js';
import { deviceReadsOfThread } from './device-reads.js';
import type { KeyRange, OrderedBatch, OrderedRange, OrderedStore } from './ordered-store.js';
import type { PackedBatch } from './packed-batch.js';
import { PromptReads } from './prompt-reads.js';
import { checkRoom } from './room.js';
import { mend, refuseRemains } from './unfinished.js';

/** What `level` has in Node and its types leave out. */
interface Ranges {
  approximateSize(from: Uint8Array, to: Uint8Array): Promise<number>;
  compactRange(from: Uint8Array, to: Uint8Array): Promise<void>;
}

type Db = Level<Uint8Array, Uint8Array> & Ranges;

const encodings = { keyEncoding: 'view', valueEncoding: 'view' } as const;
/**
 * A put of a random key costs 3.4 us of CPU with 4 MiB of write buffer, 4.7 with 8, 5.9 with 32: what LevelDB sorts in
 * memory leaves the processor's cache. With less than 8 it compacts more often than it must.
 */
const openOptions = {
  ...encodings,
  writeBufferSize: 8 * 1024 * 1024,
  maxFileSize: 8 * 1024 * 1024,
  multithreading: true,
};

/**
 * Blocks that were read, as LevelDB keeps them. Files are mapped into memory, so the system's own cache serves what is
 * read again: uniform reads of a million keys take less time with 4 MiB of this than with 32.
 */
const blockCacheBytes = 8 * 1024 * 1024;

/** LevelDB has one thread that merges, for all of a process: a second range would only keep a thread from reads that waits for it. */
let compacting: Promise<void> = Promise.resolve();

/** What this process has open. LevelDB locks a directory against other processes, and not against our threads. */
const openPaths = new Set<string>();

export class ClassicStore implements OrderedStore {
  readonly #path: string;
  readonly #writer: BatchWriter;
  readonly #prompt: PromptReads;
  #db: Db;
  /** Settles when the store may be used again. */
  #ready: Promise<void> = Promise.resolve();
  #isReady = true;
  #isClosed = false;

  private constructor(path: string, db: Db, env: Pick<Env, 'clock' | 'timers'>) {
    this.#path = path;
    this.#db = db;
    this.#writer = new BatchWriter(path, openOptions);
    this.#prompt = new PromptReads(env, deviceReadsOfThread);
  }

  /** Opens or creates the database in a directory of its own. */
  static async open(path: string, env: Pick<Env, 'clock' | 'timers'>): Promise<ClassicStore> {
    const absolute = resolve(path);
    if (openPaths.has(absolute))
      throw new KvError('LOCKED', `${path} is in use by another part of this process`);
    openPaths.add(absolute);
    try {
      return new ClassicStore(absolute, await openDb(absolute), env);
    } catch (error) {
      openPaths.delete(absolute);
      throw error;
    }
  }

  getNow(key: Uint8Array): Uint8Array | undefined | null {
    if (!this.#isReady || !this.#prompt.begin()) return null;
    try {
      // Without options: those would be copied, which takes as long as the read.
      return this.#db.getSync(key);
    } catch {
      return null;
    } finally {
      this.#prompt.ended();
    }
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#ask(() => this.#db.getMany(keys as Uint8Array[]));
  }

  range(from: Uint8Array, to: Uint8Array): OrderedRange {
    const open = (gte: Uint8Array): OpenRange => {
      const db = this.#db;
      return { db, iterator: db.iterator({ gte, lt: to, highWaterMarkBytes: 1 << 20 }) };
    };
    return new ClassicRange(this.#path, from, {
      open: (first) => (this.#isReady ? open(first) : this.#ready.then(() => open(first))),
      isReplaced: async (db) => {
        await this.#ready;
        return this.#db !== db;
      },
    });
  }

  batch(): OrderedBatch {
    return new ClassicBatch(this.#writer.batch(), (operations) =>
      this.#change(() => this.#writer.write(operations)),
    );
  }

  clear(ranges: readonly KeyRange[]): Promise<void> {
    return this.#change(() => this.#writer.clear(ranges));
  }

  takenBy({ from, to }: KeyRange): Promise<number> {
    return this.#ask(() => this.#db.approximateSize(from, to));
  }

  /** Beside the thread that writes, which is not to wait for it. LevelDB does not say how it went: the next batch does. */
  compact({ from, to }: KeyRange): Promise<void> {
    const compacted = compacting.then(() => this.#ask(() => this.#db.compactRange(from, to)));
    compacting = compacted.catch(() => {});
    return compacted;
  }

  async #ask<T>(run: () => Promise<T>): Promise<T> {
    await this.#ready;
    try {
      return await run();
    } catch (error) {
      throw asKvError(error, this.#path);
    }
  }

  /** Not while the store is opened anew, nor after `close`: the thread would open what is to be shut. */
  async #change(run: () => Promise<void>): Promise<void> {
    try {
      await this.#ready;
      if (this.#isClosed) throw new KvError('CLOSED', `${this.#path} is closed`);
      await run();
    } catch (error) {
      throw asKvError(error, this.#path);
    }
  }

  /** Where there is no room for what opening writes, the store stays as it is: it can be read. */
  async reopen(): Promise<void> {
    let refusal: unknown = null;
    this.#isReady = false;
    this.#ready = checkRoom(this.#path).then(
      () => this.#openAnew(),
      (error: unknown) => {
        if (this.#db.status !== 'open') throw error;
        this.#isReady = true;
        refusal = error;
      },
    );
    await this.#ready;
    if (refusal !== null) throw refusal;
  }

  async #openAnew(): Promise<void> {
    await this.#writer.close();
    await this.#db.close();
    this.#db = await openDb(this.#path);
    this.#isReady = true;
  }

  async close(): Promise<void> {
    await this.#ready.catch(() => {});
    this.#isClosed = true;
    this.#isReady = false;
    // The thread first: what the database was opened with belongs to us, and goes with us.
    await this.#writer.close();
    await this.#db.close();
    openPaths.delete(this.#path);
  }
}

class ClassicBatch implements OrderedBatch {
  readonly #operations: PackedBatch;
  readonly #write: (operations: PackedBatch) => Promise<void>;

  constructor(operations: PackedBatch, write: (operations: PackedBatch) => Promise<void>) {
    this.#operations = operations;
    this.#write = write;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#operations.put(key, value);
  }

  putRecord(words: Int32Array, at: number, keyLength: number, valueLength: number): void {
    this.#operations.putRecord(words, at, keyLength, valueLength);
  }

  delete(key: Uint8Array): void {
    this.#operations.delete(key);
  }

  write(): Promise<void> {
    return this.#write(this.#operations);
  }

  async discard(): Promise<void> {}
}

interface EntryIterator {
  nextv(count: number): Promise<[Uint8Array, Uint8Array][]>;
  close(): Promise<void>;
}

interface OpenRange {
  readonly db: Db;
  readonly iterator: EntryIterator;
}

interface RangeSource {
  /** Later, where the store is being opened anew. */
  open(first: Uint8Array): OpenRange | Promise<OpenRange>;
  /** Whether the store has another database by now. */
  isReplaced(db: Db): Promise<boolean>;
}

/** Goes on behind its last entry where the store is opened anew, which ends what is open. */
class ClassicRange implements OrderedRange {
  readonly #path: string;
  readonly #source: RangeSource;
  #first: Uint8Array;
  #opened: OpenRange | Promise<OpenRange>;

  constructor(path: string, first: Uint8Array, source: RangeSource) {
    this.#path = path;
    this.#source = source;
    this.#first = first;
    this.#opened = this.#open();
  }

  #open(): OpenRange | Promise<OpenRange> {
    const opened = this.#source.open(this.#first);
    // Who asks for entries is told.
    if (opened instanceof Promise) opened.catch(() => {});
    return opened;
  }

  async next(count: number): Promise<[Uint8Array, Uint8Array][]> {
    try {
      const { db, iterator } = await this.#opened;
      try {
        return this.#passed(await iterator.nextv(count));
      } catch (error) {
        if (!(await this.#source.isReplaced(db))) throw error;
      }
      this.#opened = this.#open();
    } catch (error) {
      throw asKvError(error, this.#path);
    }
    return this.next(count);
  }

  #passed(entries: [Uint8Array, Uint8Array][]): [Uint8Array, Uint8Array][] {
    const last = entries.at(-1);
    if (last !== undefined) this.#first = Buffer.concat([last[0], Buffer.alloc(1)]);
    return entries;
  }

  async close(): Promise<void> {
    const opened = await Promise.resolve(this.#opened).catch(() => null);
    await opened?.iterator.close();
  }
}

async function openDb(path: string): Promise<Db> {
  await refuseRemains(path);
  try {
    return await openOnce(path);
  } catch (error) {
    if ((error as KvError).code === 'LOCKED' || !(await mend(path).catch(() => false))) throw error;
    return openOnce(path);
  }
}

async function openOnce(path: string): Promise<Db> {
  // Here, as it brings native code: whoever keeps everything in memory starts without it.
  const { Level } = await import('level');
  const db = new Level(path, { ...openOptions, cacheSize: blockCacheBytes }) as Db;
  try {
    await db.open();
    return db;
  } catch (error) {
    throw asKvError(error, path);
  }
}

function asKvError(error: unknown, path: string): KvError {
  if (error instanceof KvError) return error;
  const { code, cause, message } = error as {
    code?: string;
    cause?: { code?: string; message?: string };
    message?: string;
  };
  const reason = cause?.code ?? code;
  const text = cause?.message ?? message ?? String(error);
  if (reason === 'LEVEL_LOCKED')
    return new KvError('LOCKED', `${path} is in use by another process: ${text}`, { cause: error });
  if (reason === 'LEVEL_CORRUPTION')
    return new KvError('CORRUPT', `${path} is damaged: ${text}. Restore it from a backup.`, { cause: error });
  if (reason === 'LEVEL_DATABASE_NOT_OPEN' || reason === 'LEVEL_ITERATOR_NOT_OPEN')
    return new KvError('CLOSED', `${path} is closed`, { cause: error });
  return new KvError('DISK', `${path}: ${text}`, { cause: error });
}
