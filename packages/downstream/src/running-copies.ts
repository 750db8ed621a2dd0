/**
 * The copies of all data that are being taken, for replicas and for files: each is told of what is about to change, since
 * it is as of the moment at which it began.
 */
import { type Env, KvError } from '@holdfast/common';
import type { KV, Session } from '@holdfast/engine';
import type { Database } from '@holdfast/storage';
import { DataCopy } from './data-copy.js';
import type { Replica } from './replica.js';

export class RunningCopies {
  readonly #kv: KV;
  readonly #env: Env;
  readonly #replicas: ReadonlyMap<Session, Replica>;
  readonly #files = new Set<DataCopy>();

  constructor(kv: KV, env: Env, replicas: ReadonlyMap<Session, Replica>) {
    this.#kv = kv;
    this.#env = env;
    this.#replicas = replicas;
  }

  get isAny(): boolean {
    for (const { copy } of this.#replicas.values()) if (copy !== null) return true;
    return this.isForFile;
  }

  get isForFile(): boolean {
    return this.#files.size > 0;
  }

  aboutToChange(db: Database, bytes: Uint8Array, start: number, length: number): void {
    for (const { copy } of this.#replicas.values()) copy?.aboutToChange(db, bytes, start, length);
    for (const copy of this.#files) copy.aboutToChange(db, bytes, start, length);
  }

  aboutToReplace(): void {
    const problem = new KvError('INVALID', 'whole databases were replaced meanwhile');
    for (const { copy } of this.#replicas.values()) copy?.end(problem);
    this.endFiles(new KvError('UNAVAILABLE', problem.message));
  }

  endFiles(problem: KvError): void {
    for (const copy of this.#files) copy.end(problem);
  }

  /** See `RedisDownstream.copy`. `onBegin`: it is to be told of changes from now on; `onEnd`: no more. */
  async toFile(
    version: number,
    onPiece: (piece: Buffer) => void,
    isFull: () => boolean,
    { onBegin, onEnd }: { readonly onBegin: () => void; readonly onEnd: () => void },
  ): Promise<void> {
    const copy = new DataCopy({
      kv: this.#kv,
      env: this.#env,
      wantsData: true,
      wantsFunctions: true,
      version,
      isFull,
      onPiece,
    });
    this.#files.add(copy);
    onBegin();
    try {
      await copy.run();
    } finally {
      this.#files.delete(copy);
      onEnd();
    }
  }
}
