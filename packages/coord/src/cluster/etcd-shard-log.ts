/** The log of a shard, in etcd: a virtual log, so that where it is kept can be changed while it is written. */
import { type Env, KvError } from '@holdfast/common';
import type { EtcdStore } from '@holdfast/etcd';
import { type Log, type Segment, type Segments, VirtualLog } from '@holdfast/log';
import { EtcdLog, EtcdRegister } from '@holdfast/log/etcd';
import { shared as kind } from '../chain-segments.js';
import type { SharedLog } from '../consistency-switch.js';
import type { LogRoom } from '../replicated/log-room.js';
import { noSnapshots } from '../replicated/snapshot-source.js';
import type { EtcdLayout } from './etcd-layout.js';
import { EtcdShardRegister } from './etcd-shard-register.js';

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

/** Segments in etcd, as every replica of the shard has them. */
export class EtcdSegments implements Segments {
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

export interface ServerLogOptions extends ShardLogOptions {
  /** The server, as a node. */
  readonly node: string;
  readonly room?: LogRoom;
}

/** Where a server that stands alone has its log when that is in etcd: under a shard's name, which is its own. */
export function serverLogOf({ env, etcd, layout, node, room, shard }: ServerLogOptions): SharedLog {
  return {
    shard,
    node,
    addresses: { redis: '', node: '' },
    segments: new EtcdSegments(etcd, env, layout, shard),
    register: new EtcdShardRegister(etcd, layout),
    source: noSnapshots,
    ...(room && { room }),
    check: async () => {
      await etcd.range({ key: Buffer.from(layout.chain(shard)) });
    },
  };
}
