/** The log of a shard, in etcd: a virtual log, so that where it is kept can be changed while it is written. */
import { type Env, KvError } from '@holdfast/common';
import type { EtcdStore } from '@holdfast/etcd';
import { EtcdLog, EtcdRegister, type Log, type Segment, type Segments, VirtualLog } from '@holdfast/log';
import type { EtcdLayout } from './etcd-layout.js';

/** What a segment in etcd is called in a chain. */
const kind = 'etcd';

export interface ShardLogOptions {
  readonly etcd: EtcdStore;
  readonly env: Env;
  readonly layout: EtcdLayout;
  readonly shard: string;
}

/** Opens it, and makes it where there is none. Throws KvError UNAVAILABLE, INVALID, DISK. */
export function openShardLog({ etcd, env, layout, shard }: ShardLogOptions): Promise<Log> {
  const register = new EtcdRegister({ etcd, key: layout.chain(shard) });
  return VirtualLog.open({ env, register, segments: new EtcdSegments(etcd, env, layout, shard), kind });
}

class EtcdSegments implements Segments {
  readonly #etcd: EtcdStore;
  readonly #env: Env;
  readonly #layout: EtcdLayout;
  readonly #shard: string;

  constructor(etcd: EtcdStore, env: Env, layout: EtcdLayout, shard: string) {
    this.#etcd = etcd;
    this.#env = env;
    this.#layout = layout;
    this.#shard = shard;
  }

  create(segment: Segment): Promise<Log> {
    return this.#open(segment, true);
  }

  open(segment: Segment): Promise<Log> {
    return this.#open(segment, false);
  }

  async drop(segment: Segment): Promise<void> {
    this.#check(segment);
    await EtcdLog.drop(this.#etcd, this.#layout.segment(this.#shard, segment.name));
  }

  async #open(segment: Segment, create: boolean): Promise<Log> {
    this.#check(segment);
    return EtcdLog.open({
      etcd: this.#etcd,
      env: this.#env,
      prefix: this.#layout.segment(this.#shard, segment.name),
      startAfter: segment.after,
      startEpoch: segment.epoch,
      create,
    });
  }

  #check(segment: Segment): void {
    if (segment.kind === kind) return;
    throw new KvError('INVALID', `shard ${this.#shard}: its log has a segment of kind ${segment.kind}`);
  }
}
