/**
 * Writes to LevelDB from a thread of its own: what that costs for each key (putting them in order, the calls
 * into LevelDB) is not taken from the time of those who wait for replies. The thread shares the database with the one
 * that opened it, starts with the first batch, and keeps no process alive while nothing is being written.
 *
 * Once something could not be written, nothing is until the writer was closed, and the database opened anew: what LevelDB
 * appends behind a record that is there in part is not found again.
 */
import { Worker } from 'node:worker_threads';
import { KvError } from '@holdfast/common';
import type { KeyRange } from './ordered-store.js';
import { PackedBatch } from './packed-batch.js';

/** What the thread is sent: a batch (see `PackedBatch`), whose memory is not written to until it answers. */
export interface BatchMessage {
  readonly id: number;
  readonly memories: readonly SharedArrayBuffer[];
  readonly entries: readonly SharedArrayBuffer[];
  readonly count: number;
}

/** Or ranges: their entries are removed, some at a time. */
export interface ClearMessage {
  readonly id: number;
  readonly ranges: readonly KeyRange[];
}

export type ThreadMessage = BatchMessage | ClearMessage | 'close';

/** What it answers; `error` has what LevelDB's error had. */
interface BatchAnswer {
  readonly id: number;
  readonly error: object | null;
}

interface Waiting {
  /** Memory that is of no use any more then, for the next batch. */
  readonly chunks: readonly SharedArrayBuffer[];
  resolve(): void;
  reject(error: unknown): void;
}

const threadFile = new URL('./batch-thread.js', import.meta.url);
/** Chunks that are kept for the next batch: as many as the entries of one of the usual size need. The collector gets others late. */
const spareMax = 8;

export class BatchWriter {
  readonly #path: string;
  readonly #options: object;
  #worker: Worker | null = null;
  #exited: Promise<void> = Promise.resolve();
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  readonly #spare: SharedArrayBuffer[] = [];

  /** `options`: with which the thread opens the database, which must be open, and to several threads. */
  constructor(path: string, options: object) {
    this.#path = path;
    this.#options = options;
  }

  batch(): PackedBatch {
    return new PackedBatch(this.#spare);
  }

  /** Resolves when all of it is on the disk. Rejects with LevelDB's error, or KvError DISK when the thread ended. */
  write({ memories, entries, count, reusable }: PackedBatch): Promise<void> {
    return this.#send({ id: ++this.#lastId, memories, entries, count }, reusable);
  }

  /** Resolves when no entry of the ranges is on the disk. Rejects as `write` does. */
  clear(ranges: readonly KeyRange[]): Promise<void> {
    return this.#send({ id: ++this.#lastId, ranges }, []);
  }

  /** Ends the thread once it has written what it was given; the next batch starts another. */
  async close(): Promise<void> {
    this.#worker?.ref();
    this.#worker?.postMessage('close');
    this.#worker = null;
    await this.#exited;
  }

  #send(message: BatchMessage | ClearMessage, chunks: readonly SharedArrayBuffer[]): Promise<void> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      this.#waiting.set(message.id, { chunks, resolve, reject });
      worker.ref();
      worker.postMessage(message);
    });
  }

  #start(): Worker {
    const workerData = { isBatchThread: true, path: this.#path, options: this.#options };
    const worker = new Worker(threadFile, { workerData, execArgv: [] });
    worker.unref();
    worker.on('message', (answer: BatchAnswer) => this.#answered(worker, answer));
    let failure: Error | null = null;
    worker.on('error', (error) => {
      failure = error;
    });
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        if (this.#worker === worker) this.#worker = null;
        this.#abandon(
          new KvError('DISK', 'the thread that writes to the disk has ended', { cause: failure }),
        );
        resolve();
      });
    });
    return worker;
  }

  #answered(worker: Worker, { id, error }: BatchAnswer): void {
    const waiting = this.#waiting.get(id)!;
    this.#waiting.delete(id);
    if (this.#waiting.size === 0 && this.#worker === worker) worker.unref();
    for (const chunk of waiting.chunks) if (this.#spare.length < spareMax) this.#spare.push(chunk);
    if (error === null) waiting.resolve();
    else waiting.reject(error);
  }

  #abandon(error: KvError): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}
