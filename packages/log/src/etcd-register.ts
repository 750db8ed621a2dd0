/** A register in one key of etcd; its version is the revision of the key's last change. */
import { KvError } from '@holdfast/common';
import { type EtcdStore, put, revisionIs } from '@holdfast/etcd';
import type { Register, RegisterState } from './register.js';

export class EtcdRegister implements Register {
  readonly #etcd: EtcdStore;
  readonly #key: Buffer;

  constructor(options: { etcd: EtcdStore; key: string }) {
    this.#etcd = options.etcd;
    this.#key = Buffer.from(options.key);
  }

  async read(): Promise<RegisterState> {
    const [pair] = (await this.#etcd.range({ key: this.#key })).kvs;
    return pair === undefined
      ? { version: 0, value: new Uint8Array(0) }
      : { version: pair.modRevision, value: pair.value };
  }

  async compareAndSet(version: number, value: Uint8Array): Promise<boolean> {
    try {
      const { succeeded } = await this.#etcd.transact({
        compare: [revisionIs(this.#key, version)],
        success: [put(this.#key, Buffer.from(value))],
      });
      return succeeded;
    } catch (error) {
      // The put that goes over the quota is done, and answered with this.
      if (!(error instanceof KvError) || error.code !== 'DISK') throw error;
      throw new KvError('UNDETERMINED', error.message, { cause: error });
    }
  }
}
