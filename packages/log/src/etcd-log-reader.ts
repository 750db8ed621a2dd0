/**
 * Reads entries out of etcd: ascending, a limited number at a time, at one revision, so that a trim does not
 * disturb it while that revision is part of etcd's history. Each entry must be the one after the last.
 */
import { checksum, KvError } from '@holdfast/common';
import { type EtcdStore, endOfPrefix, get, isCompacted, remove } from '@holdfast/etcd';
import type { etcdserverpb, mvccpb } from '@holdfast/rpc';
import { batchIn, type DecodedEntry, decodeEntry, type LogKeys } from './etcd-log-layout.js';
import { throwUnavailable } from './etcd-log-meta.js';
import { chunksReadMax, pageBytes, pageEntriesFirst, pageEntriesMax } from './limits.js';
import type { LogEntry, Position } from './log.js';

export class EtcdLogReader {
  readonly #store: EtcdStore;
  readonly #keys: LogKeys;
  /** Entries that need not be asked for again, as they are stored. Each is given away once. */
  readonly #found: Map<Position, Buffer>;
  /** Where it reads; 0 before the first page, which chooses the newest. */
  #revision = 0;
  /**
   * The first page is what the member that is asked has, without a round among all of them: entries never change, and
   * one that it lacks is asked for again.
   */
  #isLocal = true;
  #pageEntries = pageEntriesFirst;

  constructor(store: EtcdStore, keys: LogKeys, found: Map<Position, Buffer>) {
    this.#store = store;
    this.#keys = keys;
    this.#found = found;
  }

  /** Throws KvError INVALID when `from` is trimmed, CORRUPT, UNAVAILABLE. */
  async *read(from: Position, last: Position): AsyncGenerator<LogEntry, void, void> {
    for (let position = from; position <= last; ) {
      const value = this.#found.get(position);
      if (value !== undefined) {
        this.#found.delete(position);
        yield await this.#entryOf({ key: this.#keys.entry(position), value }, position++);
        continue;
      }
      const page = await this.#page(position, last);
      for (const pair of page) {
        if (this.#keys.positionOf(pair.key) !== position) break;
        yield await this.#entryOf(pair, position++);
      }
      if (page.length > 0 && this.#keys.positionOf(page[0].key) <= position) continue;
      if (this.#isLocal) this.#askAll();
      else await this.#explain(position);
    }
  }

  async #page(position: Position, last: Position): Promise<mvccpb.KeyValue[]> {
    const key = this.#keys.entry(position);
    const rangeEnd = this.#keys.entry(last + 1);
    const serializable = this.#isLocal && this.#revision === 0;
    const { kvs } = await this.#range({ key, rangeEnd, limit: this.#pageEntries, serializable });
    const bytes = kvs.reduce((sum, { value }) => sum + value.length, 0);
    const mean = bytes / Math.max(1, kvs.length);
    this.#pageEntries = Math.max(1, Math.min(pageEntriesMax, Math.floor(pageBytes / Math.max(1, mean))));
    return kvs;
  }

  /** The member that was asked may be behind. */
  #askAll(): void {
    this.#isLocal = false;
    this.#revision = 0;
  }

  /** A range at the reader's revision; at the newest when that one is no longer kept. */
  async #range(request: Partial<etcdserverpb.RangeRequest>): Promise<etcdserverpb.RangeResponse> {
    try {
      const response = await this.#store.range({ ...request, revision: this.#revision });
      if (this.#revision === 0) this.#revision = response.header!.revision;
      return response;
    } catch (error) {
      if (!isCompacted(error) || this.#revision === 0) throw error;
      this.#revision = 0;
      return this.#range(request);
    }
  }

  async #entryOf(pair: Pick<mvccpb.KeyValue, 'key' | 'value'>, position: Position): Promise<LogEntry> {
    const entry = decodeEntry(pair);
    const isChunked = entry.chunkCount > 0;
    const batch = isChunked ? await this.#chunksOf(entry, position) : batchIn(pair, entry);
    if (checksum(batch, 0, batch.length, 0) !== entry.checksum) {
      throw new KvError('CORRUPT', `the entry at position ${position} in etcd fails its checksum`);
    }
    return { position, epoch: entry.epoch, batch };
  }

  async #chunksOf(entry: DecodedEntry, position: Position): Promise<Buffer> {
    const place = entry.chunksAt || position;
    const rangeEnd = endOfPrefix(this.#keys.chunksOf(place, entry));
    const chunks: Buffer[] = [];
    while (chunks.length < entry.chunkCount) {
      const key = this.#keys.chunk(place, entry, chunks.length);
      const { kvs } = await this.#range({ key, rangeEnd, limit: chunksReadMax });
      if (kvs.length === 0) await this.#explain(position, true);
      chunks.push(...kvs.map(({ value }) => value));
    }
    const batch = Buffer.concat(chunks);
    if (batch.length === entry.batchBytes) return batch;
    throw new KvError('CORRUPT', `a chunk of the entry at position ${position} is missing in etcd`);
  }

  /** Throws why there is nothing at `position`; returns when it is there after all. */
  async #explain(position: Position, isChunk = false): Promise<void> {
    const { entries, entriesEnd } = this.#keys;
    // Through consensus: a mere read of an old etcd may be behind.
    const success = [
      remove(this.#keys.all),
      get(entries, { rangeEnd: entriesEnd, limit: 1, keysOnly: true }),
      get(this.#keys.entry(position), { keysOnly: true }),
    ];
    const { responses } = await this.#store.transact({ compare: [], success }).catch(throwUnavailable);
    const [first, here] = responses.slice(1).map(keysIn);
    if (here.length > 0 && !isChunk) {
      this.#revision = 0;
      return;
    }
    if (here.length > 0 || (first.length > 0 && this.#keys.positionOf(first[0]) < position)) {
      throw new KvError('CORRUPT', `the entry at position ${position} is missing in etcd`);
    }
    throw new KvError('INVALID', `position ${position} is no longer in the log`);
  }
}

function keysIn({ response }: etcdserverpb.ResponseOp): Buffer[] {
  return response?.$case === 'responseRange' ? response.value.kvs.map(({ key }) => key) : [];
}
