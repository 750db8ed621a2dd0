/**
 * What a process knows of a log in etcd without asking: its head record and whether it is sealed, the newest
 * of all that it was ever told, by answers, refusals and watches, in whatever order they came.
 */
import { KvError } from '@holdfast/common';
import type { EtcdStore } from '@holdfast/etcd';
import type { etcdserverpb, mvccpb } from '@holdfast/rpc';
import { decodeHead, type Head, type LogKeys } from './etcd-log-layout.js';
import { PositionWaiters } from './position-waiters.js';

/** Head and seal of one moment. */
export interface Meta {
  readonly head: Head;
  readonly isSealed: boolean;
}

export class KnownMeta implements Meta {
  readonly followers = new PositionWaiters();
  readonly #etcd: EtcdStore;
  readonly #keys: LogKeys;
  #head: Head;
  #isSealed: boolean;

  /** Asks. Throws KvError UNAVAILABLE, INVALID when there is no such log. */
  static async ask(etcd: EtcdStore, keys: LogKeys): Promise<KnownMeta> {
    return new KnownMeta(etcd, keys, await askMeta(etcd, keys));
  }

  private constructor(etcd: EtcdStore, keys: LogKeys, { head, isSealed }: Meta) {
    this.#etcd = etcd;
    this.#keys = keys;
    this.#head = head;
    this.#isSealed = isSealed;
  }

  get head(): Head {
    return this.#head;
  }

  get isSealed(): boolean {
    return this.#isSealed;
  }

  async refresh(): Promise<void> {
    this.note(await askMeta(this.#etcd, this.#keys));
  }

  note({ head, isSealed }: Meta): void {
    if (head.revision > this.#head.revision) this.#head = head;
    this.#isSealed ||= isSealed;
    if (this.#isSealed) this.followers.wakeAll();
    else this.followers.wake(this.#head.tail);
  }

  /** What an answer with the pairs of head and open says. Throws KvError INVALID when the log is gone. */
  notePairs(pairs: readonly mvccpb.KeyValue[]): Meta {
    const meta = metaOf(pairs, this.#keys);
    this.note(meta);
    return meta;
  }
}

async function askMeta(etcd: EtcdStore, keys: LogKeys): Promise<Meta> {
  return metaOf((await etcd.range({ key: keys.meta, rangeEnd: keys.metaEnd })).kvs, keys);
}

function metaOf(pairs: readonly mvccpb.KeyValue[], keys: LogKeys): Meta {
  const head = pairs.find(({ key }) => key.equals(keys.head));
  if (head === undefined) throw new KvError('INVALID', `there is no log at ${keys.all} in etcd`);
  return { head: decodeHead(head), isSealed: !pairs.some(({ key }) => key.equals(keys.open)) };
}

/** What a `get` in a transaction gave. */
export function pairsIn({ response }: etcdserverpb.ResponseOp): mvccpb.KeyValue[] {
  return response?.$case === 'responseRange' ? response.value.kvs : [];
}

/** For what may be done again without harm. */
export function throwUnavailable(error: unknown): never {
  if (!(error instanceof KvError) || error.code !== 'UNDETERMINED') throw error;
  throw new KvError('UNAVAILABLE', error.message, { cause: error });
}
