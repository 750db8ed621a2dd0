/**
 * etcd's store in memory: revisions, history, transactions, watches and a quota, as a real member has them. The twin
 * of the real one for tests on virtual time; a spec holds the two together over random transactions.
 */
import { KvError } from '@holdfast/common';
import { etcdserverpb, mvccpb } from '@holdfast/rpc';
import type { Transaction } from '../etcd-store.js';
import type { Compare, Operation } from '../operations.js';

const { RangeResponse, TxnResponse, ResponseOp, Compare_CompareResult, Compare_CompareTarget } = etcdserverpb;

/** What a key was from a revision on. */
interface Version {
  readonly pair: mvccpb.KeyValue;
  readonly isDeleted: boolean;
}

interface Watcher {
  readonly key: Buffer;
  readonly end: Buffer;
  readonly onEvents: (events: mvccpb.Event[]) => void;
}

/** What a pair takes beyond its bytes, about. */
const pairOverheadBytes = 256;

export class MemoryEtcd {
  /** Bytes of values and keys, with their history, beyond which nothing can be put; none unless set. */
  quotaBytes = Number.POSITIVE_INFINITY;
  /** Whether the alarm is on that a full quota sets off. */
  isFull = false;
  #revision = 1;
  #compacted = 0;
  /** By the key as a latin1 string: the order of those is that of the bytes. */
  readonly #keys = new Map<string, Version[]>();
  readonly #watchers = new Set<Watcher>();

  get revision(): number {
    return this.#revision;
  }

  /** Throws KvError INVALID when the revision is compacted or not there yet. */
  range(request: Partial<etcdserverpb.RangeRequest>): etcdserverpb.RangeResponse {
    const { key, rangeEnd, limit, revision, keysOnly } = etcdserverpb.RangeRequest.create(request);
    if (revision > this.#revision) throw outOfRange('future revision');
    if (revision > 0 && revision < this.#compacted) throw outOfRange('compacted');
    const all = this.#pairsIn(key, rangeEnd, revision || this.#revision);
    const kvs = limit > 0 ? all.slice(0, limit) : all;
    return RangeResponse.create({
      header: this.#header(),
      kvs: this.#answer(kvs, keysOnly),
      more: kvs.length < all.length,
      count: all.length,
    });
  }

  /** Throws KvError INVALID, DISK (the one that goes over the quota is done all the same). */
  transact({ compare, success, failure = [] }: Transaction): etcdserverpb.TxnResponse {
    for (const operations of [success, failure]) checkKeys(operations);
    const costBytes = Math.max(bytesOf(success), bytesOf(failure));
    if (this.isFull && costBytes > 0) throw noSpace();
    const isOver = costBytes > 0 && this.#usedBytes() + costBytes >= this.quotaBytes;
    const succeeded = compare.every((comparison) => this.#holds(comparison));
    const next = this.#revision + 1;
    const events: mvccpb.Event[] = [];
    const responses = (succeeded ? success : failure).map((operation) => this.#do(operation, next, events));
    if (events.length > 0) this.#revision = next;
    this.#tell(events);
    if (isOver) {
      this.isFull = true;
      throw noSpace();
    }
    return TxnResponse.create({ header: this.#header(), succeeded, responses });
  }

  /** Throws KvError INVALID when it was done before. */
  compact(revision: number): void {
    if (revision <= this.#compacted || revision > this.#revision) throw outOfRange('compacted');
    this.#compacted = revision;
    for (const [key, versions] of this.#keys) {
      const last = versions.findLastIndex(({ pair }) => pair.modRevision <= revision);
      const kept = versions.slice(Math.max(0, versions[last]?.isDeleted ? last + 1 : last));
      if (kept.length > 0) this.#keys.set(key, kept);
      else this.#keys.delete(key);
    }
  }

  watch(key: Buffer, end: Buffer, onEvents: (events: mvccpb.Event[]) => void): { close(): void } {
    const watcher = { key, end, onEvents };
    this.#watchers.add(watcher);
    return { close: () => this.#watchers.delete(watcher) };
  }

  #header(): etcdserverpb.ResponseHeader {
    return etcdserverpb.ResponseHeader.create({ revision: this.#revision });
  }

  #usedBytes(): number {
    let bytes = 0;
    for (const versions of this.#keys.values()) {
      for (const { pair } of versions) bytes += pair.key.length + pair.value.length + pairOverheadBytes;
    }
    return bytes;
  }

  #versionAt(name: string, revision: number): mvccpb.KeyValue | null {
    const version = this.#keys.get(name)?.findLast(({ pair }) => pair.modRevision <= revision);
    return version === undefined || version.isDeleted ? null : version.pair;
  }

  /** For an answer: whoever asked owns it. */
  #answer(pairs: readonly mvccpb.KeyValue[], keysOnly: boolean): mvccpb.KeyValue[] {
    return pairs.map((pair) => ({ ...pair, value: keysOnly ? Buffer.alloc(0) : Buffer.from(pair.value) }));
  }

  #pairsIn(key: Buffer, end: Buffer, revision: number): mvccpb.KeyValue[] {
    const names =
      end.length === 0 ? [nameOf(key)] : [...this.#keys.keys()].filter((name) => isIn(name, key, end));
    return names.sort().flatMap((name) => this.#versionAt(name, revision) ?? []);
  }

  #holds({ key, target, result, targetUnion }: Compare): boolean {
    const pair = this.#versionAt(nameOf(key), this.#revision);
    let order: number;
    if (target === Compare_CompareTarget.VALUE) {
      if (pair === null) return false;
      order = Buffer.compare(
        pair.value,
        targetUnion?.$case === 'value' ? targetUnion.value : Buffer.alloc(0),
      );
    } else {
      const field =
        target === Compare_CompareTarget.VERSION
          ? 'version'
          : target === Compare_CompareTarget.CREATE
            ? 'createRevision'
            : 'modRevision';
      order = (pair?.[field] ?? 0) - Number(targetUnion?.$case === 'value' ? 0 : (targetUnion?.value ?? 0));
    }
    if (result === Compare_CompareResult.GREATER) return order > 0;
    if (result === Compare_CompareResult.LESS) return order < 0;
    return result === Compare_CompareResult.EQUAL ? order === 0 : order !== 0;
  }

  #do({ request }: Operation, revision: number, events: mvccpb.Event[]): etcdserverpb.ResponseOp {
    if (request?.$case === 'requestPut') {
      const { key, value } = request.value;
      const before = this.#versionAt(nameOf(key), revision);
      this.#add(
        mvccpb.KeyValue.create({
          key: Buffer.from(key),
          value: Buffer.from(value),
          createRevision: before?.createRevision ?? revision,
          modRevision: revision,
          version: (before?.version ?? 0) + 1,
        }),
        false,
        events,
      );
      return ResponseOp.create({ response: { $case: 'responsePut', value: { header: this.#header() } } });
    }
    if (request?.$case === 'requestDeleteRange') {
      const pairs = this.#pairsIn(request.value.key, request.value.rangeEnd, revision);
      for (const { key } of pairs) {
        this.#add(mvccpb.KeyValue.create({ key, modRevision: revision }), true, events);
      }
      const value = { header: this.#header(), deleted: pairs.length };
      return ResponseOp.create({ response: { $case: 'responseDeleteRange', value } });
    }
    if (request?.$case !== 'requestRange') throw new KvError('INVALID', 'an operation without a request');
    const { key, rangeEnd, limit, keysOnly } = request.value;
    const all = this.#pairsIn(key, rangeEnd, revision);
    const kvs = this.#answer(limit > 0 ? all.slice(0, limit) : all, keysOnly);
    const value = RangeResponse.create({ header: this.#header(), kvs, count: all.length });
    return ResponseOp.create({ response: { $case: 'responseRange', value } });
  }

  #add(pair: mvccpb.KeyValue, isDeleted: boolean, events: mvccpb.Event[]): void {
    const name = nameOf(pair.key);
    this.#keys.set(name, [...(this.#keys.get(name) ?? []), { pair, isDeleted }]);
    events.push({ type: isDeleted ? mvccpb.Event_EventType.DELETE : mvccpb.Event_EventType.PUT, kv: pair });
  }

  #tell(events: readonly mvccpb.Event[]): void {
    for (const { key, end, onEvents } of this.#watchers) {
      const own = events.filter(({ kv }) => isIn(nameOf(kv!.key), key, end));
      if (own.length > 0) onEvents(own);
    }
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}

function isIn(name: string, key: Buffer, end: Buffer): boolean {
  if (end.length === 0) return name === nameOf(key);
  return name >= nameOf(key) && (end.equals(Buffer.from([0])) || name < nameOf(end));
}

function bytesOf(operations: readonly Operation[]): number {
  let bytes = 0;
  for (const { request } of operations) {
    if (request?.$case === 'requestPut') {
      bytes += request.value.key.length + request.value.value.length + pairOverheadBytes;
    }
  }
  return bytes;
}

/** No key may be put twice, nor put and removed. */
function checkKeys(operations: readonly Operation[]): void {
  const puts = new Set<string>();
  for (const { request } of operations) {
    if (request?.$case !== 'requestPut') continue;
    const name = nameOf(request.value.key);
    if (puts.has(name)) throw new KvError('INVALID', 'duplicate key given in txn request');
    puts.add(name);
  }
  for (const { request } of operations) {
    if (request?.$case !== 'requestDeleteRange') continue;
    const { key, rangeEnd } = request.value;
    if ([...puts].some((name) => isIn(name, key, rangeEnd))) {
      throw new KvError('INVALID', 'duplicate key given in txn request');
    }
  }
}

function noSpace(): KvError {
  return new KvError('DISK', 'mvcc: database space exceeded');
}

function outOfRange(what: string): KvError {
  const cause = { code: 11 };
  return new KvError('INVALID', `mvcc: required revision is ${what}`, { cause });
}
