/**
 * What a process knows of a log in etcd without asking: its head record and whether it is sealed, the newest
 * of all that it was ever told, by answers, refusals and watches, in whatever order they came.
 */
import { KvError } from '@holdfast/common';
import { type EtcdStore, get, remove } from '@holdfast/etcd';
import type { etcdserverpb, mvccpb } from '@holdfast/rpc';
import { decodeHead, type Head, type LogKeys } from './etcd-log-layout.js';
import type { Position } from './log.js';
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
  #tail: Position;
  #isSealed: boolean;
  #isGone = false;

  /** Asks. Throws KvError UNAVAILABLE, INVALID when there is no such log. */
  static async ask(etcd: EtcdStore, keys: LogKeys): Promise<KnownMeta> {
    const { kvs } = await etcd.range({ key: keys.meta, rangeEnd: keys.metaEnd });
    const meta = metaOf(kvs, keys);
    if (meta === null) throw gone(keys);
    return new KnownMeta(etcd, keys, meta);
  }

  private constructor(etcd: EtcdStore, keys: LogKeys, { head, isSealed }: Meta) {
    this.#etcd = etcd;
    this.#keys = keys;
    this.#head = head;
    this.#tail = head.tail;
    this.#isSealed = isSealed;
  }

  get head(): Head {
    return this.#head;
  }

  /** Of the last entry, which may be newer than the head. */
  get tail(): Position {
    return this.#tail;
  }

  get isSealed(): boolean {
    return this.#isSealed;
  }

  /** Somebody has dropped the log. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Asks. Throws KvError UNAVAILABLE, INVALID when the log is gone. */
  async refresh(): Promise<void> {
    const { all, meta, metaEnd, head, open } = this.#keys;
    const { kvs } = await this.#etcd.range({ key: meta, rangeEnd: metaEnd });
    const found = metaOf(kvs, this.#keys);
    if (found !== null) return this.note(found);
    // Through consensus: a mere read may be older than the log.
    const { responses } = await this.#etcd
      .transact({ compare: [], success: [remove(all), get(head), get(open)] })
      .catch(throwUnavailable);
    this.noteAnswer(responses.flatMap(pairsIn));
  }

  note({ head, isSealed }: Meta): void {
    if (head.revision > this.#head.revision) this.#head = head;
    this.#isSealed ||= isSealed;
    this.noteEntry(head.tail);
  }

  /** There is an entry at this position. */
  noteEntry(position: Position): void {
    this.#tail = Math.max(this.#tail, position);
    if (this.#isSealed) this.followers.wakeAll();
    else this.followers.wake(this.#tail);
  }

  /**
   * What the pairs of head and open say, of a transaction that went through consensus. Throws KvError INVALID when
   * the log is gone.
   */
  noteAnswer(pairs: readonly mvccpb.KeyValue[]): Meta {
    const meta = metaOf(pairs, this.#keys);
    if (meta !== null) {
      this.note(meta);
      return meta;
    }
    this.#isGone = true;
    this.followers.wakeAll();
    throw gone(this.#keys);
  }

  /** The same of a mere read, which may be old: nothing is gone because of it. */
  noteRead(pairs: readonly mvccpb.KeyValue[]): Meta {
    const meta = metaOf(pairs, this.#keys);
    if (meta === null) throw gone(this.#keys);
    this.note(meta);
    return meta;
  }
}

/** Null when there is no head. */
function metaOf(pairs: readonly mvccpb.KeyValue[], keys: LogKeys): Meta | null {
  const head = pairs.find(({ key }) => key.equals(keys.head));
  if (head === undefined) return null;
  return { head: decodeHead(head), isSealed: !pairs.some(({ key }) => key.equals(keys.open)) };
}

function gone({ all }: LogKeys): KvError {
  return new KvError('INVALID', `there is no log at ${all} in etcd`);
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
