/** The mark in one key of etcd, as JSON that an operator can read. */
import { KvError } from '@holdfast/common';
import { type EtcdStore, put, revisionIs } from '@holdfast/etcd';
import type { MarkRecord, MarkState, MarkStore } from './mark-store.js';

export class EtcdMarkStore implements MarkStore {
  readonly #etcd: EtcdStore;
  readonly #key: Buffer;

  constructor(options: { etcd: EtcdStore; key: string }) {
    this.#etcd = options.etcd;
    this.#key = Buffer.from(options.key);
  }

  async read(): Promise<MarkState> {
    const [pair] = (await this.#etcd.range({ key: this.#key })).kvs;
    if (pair === undefined) return { revision: 0, record: null };
    return { revision: pair.modRevision, record: this.#decode(pair.value) };
  }

  async write(revision: number, record: MarkRecord): Promise<number | null> {
    try {
      const { succeeded, header } = await this.#etcd.transact({
        compare: [revisionIs(this.#key, revision)],
        success: [put(this.#key, Buffer.from(JSON.stringify(record)))],
      });
      return succeeded ? header!.revision : null;
    } catch (error) {
      // The put that goes over etcd's quota is done, and answered with this.
      if (!(error instanceof KvError) || error.code !== 'DISK') throw error;
      throw new KvError('UNDETERMINED', error.message, { cause: error });
    }
  }

  watch(onChange: () => void): { close(): void } {
    return this.#etcd.watch(this.#key, Buffer.alloc(0), { onStart: onChange, onEvents: onChange });
  }

  /** A mark that can't be read is no mark of 0: that would repeat timestamps. */
  #decode(value: Buffer): MarkRecord {
    try {
      const record = JSON.parse(value.toString()) as MarkRecord;
      if (Number.isSafeInteger(record.mark) && record.holdMs > 0) return record;
    } catch {
      // Said below.
    }
    throw new KvError(
      'CORRUPT',
      `${this.#key} in etcd is no mark of timestamps: put one there whose mark is above every version in use`,
    );
  }
}
