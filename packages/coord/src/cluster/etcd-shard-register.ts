/** How far each replica's own disk reaches, in etcd: one key a replica, whose value is a position. */
import { type EtcdStore, endOfPrefix, put } from '@holdfast/etcd';
import type { Position } from '@holdfast/log';
import type { ShardRegister } from '../replicated/shard-register.js';
import type { EtcdLayout } from './etcd-layout.js';

export class EtcdShardRegister implements ShardRegister {
  readonly #etcd: EtcdStore;
  readonly #layout: EtcdLayout;

  constructor(etcd: EtcdStore, layout: EtcdLayout) {
    this.#etcd = etcd;
    this.#layout = layout;
  }

  async report(shard: string, node: string, position: Position): Promise<void> {
    const key = Buffer.from(`${this.#layout.positions(shard)}${node}`);
    await this.#etcd.transact({ compare: [], success: [put(key, Buffer.from(String(position)))] });
  }

  async positions(shard: string): Promise<ReadonlyMap<string, Position>> {
    const prefix = Buffer.from(this.#layout.positions(shard));
    const { kvs } = await this.#etcd.range({ key: prefix, rangeEnd: endOfPrefix(prefix) });
    return new Map(kvs.map(({ key, value }) => [key.subarray(prefix.length).toString(), Number(value)]));
  }
}
