/**
 * A log in etcd, for a cluster: an entry is committed when a majority of etcd's members have it.
 *
 * An append is one transaction that expects the head record as it is known and changes it, so it is in the
 * log at the place that it names, with all the appends that wait with it, or not at all. The head is never
 * twice the same, so a request that arrives late, or twice, finds another head and does nothing.
 *
 * Sealing and trimming only remove keys, because a full etcd still lets keys be removed: a log can be left,
 * and room made, when nothing can be put any more.
 *
 * How followers hear of appends is said in etcd-log-follower.ts. A writer need not be told of what it wrote, so it
 * watches nothing.
 */
import { type Env, KvError } from '@holdfast/common';
import { type EtcdStore, endOfPrefix, get, put, remove, versionIs } from '@holdfast/etcd';
import { EtcdLogFollower } from './etcd-log-follower.js';
import { encodeHead, LogKeys } from './etcd-log-layout.js';
import { KnownMeta, pairsIn, throwUnavailable } from './etcd-log-meta.js';
import { EtcdLogReader } from './etcd-log-reader.js';
import { EtcdLogWriter } from './etcd-log-writer.js';
import { batchBytesMax, etcdChunkBytes, stagedTrimStep, trimStep } from './limits.js';
import type { AppendOutcome, Committed, Log, LogEntry, LogState, Position, Refused, Staged } from './log.js';

export interface EtcdLogOptions {
  readonly etcd: EtcdStore;
  readonly env: Env;
  /** Belongs to the log alone. ASCII, ends in `/`. */
  readonly prefix: string;
  /** For a log that is new: the position its first entry follows. 0 when not given. */
  readonly startAfter?: Position;
  /** For a log that is new: no writer below it is taken. 0 when not given. */
  readonly startEpoch?: number;
  /** Whether a log that is not there is made; true when not given. */
  readonly create?: boolean;
}

export class EtcdLog implements Log {
  readonly batchBytesMax: number = batchBytesMax;
  readonly #etcd: EtcdStore;
  readonly #keys: LogKeys;
  readonly #known: KnownMeta;
  readonly #writer: EtcdLogWriter;
  readonly #follower: EtcdLogFollower;
  #isClosed = false;

  /** Throws KvError UNAVAILABLE, INVALID (there is none and none is to be made), DISK (no room for a new one). */
  static async open(options: EtcdLogOptions): Promise<EtcdLog> {
    const { etcd, env, prefix, startAfter = 0, startEpoch = 0, create = true } = options;
    const keys = new LogKeys(prefix);
    const writer = Buffer.from(env.random.fill(new Uint8Array(8))).toString('hex');
    if (create) await createLog(etcd, keys, encodeHead(startAfter, startEpoch, { writer, sequence: 0 }));
    return new EtcdLog(options, keys, await KnownMeta.ask(etcd, keys), writer);
  }

  /**
   * Removes everything of a log that nobody needs any more, its head first: who has it open finds it gone. Needs no
   * room in etcd, and can be done again where it was interrupted.
   */
  static async drop(etcd: EtcdStore, prefix: string): Promise<void> {
    const { all, meta, metaEnd } = new LogKeys(prefix);
    const rangeEnd = endOfPrefix(all);
    await removeRange(etcd, meta, metaEnd);
    for (;;) {
      const { kvs, more } = await etcd.range({ key: all, rangeEnd, limit: trimStep, keysOnly: true });
      if (kvs.length > 0) await removeRange(etcd, all, more ? kvs[kvs.length - 1].key : rangeEnd);
      if (!more) return;
    }
  }

  private constructor({ etcd, env }: EtcdLogOptions, keys: LogKeys, known: KnownMeta, writer: string) {
    this.#etcd = etcd;
    this.#keys = keys;
    this.#known = known;
    this.#writer = new EtcdLogWriter(etcd, env, keys, known, writer);
    this.#follower = new EtcdLogFollower(etcd, env, keys, known);
  }

  get committedPosition(): Position {
    return this.#known.tail;
  }

  async append(batch: Uint8Array, after: Position, epoch: number, staged?: Staged): Promise<AppendOutcome> {
    this.#throwWhenClosed();
    this.#throwWhenTooLong(batch);
    this.#follower.rest();
    return this.#writer.append(batch, after, epoch, staged);
  }

  stage(batch: Uint8Array, signal: AbortSignal): Promise<Staged> | null {
    return batch.length > etcdChunkBytes ? this.#stage(batch, signal) : null;
  }

  async #stage(batch: Uint8Array, signal: AbortSignal): Promise<Staged> {
    this.#throwWhenClosed();
    this.#throwWhenTooLong(batch);
    return this.#writer.stage(batch, signal);
  }

  unstage(staged: Staged): Promise<void> {
    return this.#writer.unstage(staged);
  }

  async resolve(): Promise<(Committed | Refused)[]> {
    this.#throwWhenClosed();
    return this.#writer.resolve();
  }

  read(from: Position): AsyncIterable<LogEntry> {
    this.#throwWhenClosed();
    return new EtcdLogReader(this.#etcd, this.#keys, this.#follower.found).read(from, this.committedPosition);
  }

  async state(): Promise<LogState> {
    this.#throwWhenClosed();
    const { meta, metaEnd, entries, entriesEnd } = this.#keys;
    const { responses } = await this.#etcd.transact({
      compare: [],
      success: [
        get(meta, { rangeEnd: metaEnd }),
        get(entries, { rangeEnd: entriesEnd, limit: 1, keysOnly: true }),
      ],
    });
    const { head, isSealed } = this.#known.noteRead(pairsIn(responses[0]));
    const [first] = pairsIn(responses[1]);
    const start = first === undefined ? head.tail + 1 : this.#keys.positionOf(first.key);
    return { head: start, tail: head.tail, epoch: head.epoch, isSealed };
  }

  async tail(): Promise<Position> {
    return (await this.state()).tail;
  }

  async head(): Promise<Position> {
    return (await this.state()).head;
  }

  async waitBeyond(position: Position, signal?: AbortSignal): Promise<Position> {
    this.#throwWhenClosed();
    await this.#follower.waitBeyond(position, signal);
    return this.committedPosition;
  }

  async seal(): Promise<Position> {
    this.#throwWhenClosed();
    await this.#writer.settled();
    const { head, open } = this.#keys;
    const { responses } = await this.#etcd
      .transact({ compare: [], success: [remove(open), get(head)] })
      .catch(throwUnavailable);
    return this.#known.noteAnswer(pairsIn(responses[1])).head.tail;
  }

  async trim(before: Position): Promise<void> {
    const { head, tail } = await this.state();
    const { entries } = this.#keys;
    const end = Math.min(before, tail + 1);
    for (let from = head; from < end; from += trimStep) {
      const to = Math.min(end, from + trimStep);
      const chunks = remove(this.#keys.chunksAt(0), this.#keys.chunksAt(to));
      await this.#etcd
        .transact({ compare: [], success: [remove(entries, this.#keys.entry(to)), chunks] })
        .catch(throwUnavailable);
    }
    await this.#trimStaged(end);
  }

  /** The chunks of entries before `end` that lie further on. Those of one go together with the word of where they are. */
  async #trimStaged(end: Position): Promise<void> {
    const range = { key: this.#keys.staged(0), rangeEnd: this.#keys.staged(end), limit: stagedTrimStep };
    for (;;) {
      const { kvs, more } = await this.#etcd.range(range);
      for (const { key, value } of kvs) {
        const success = [remove(value, endOfPrefix(value)), remove(key)];
        await this.#etcd.transact({ compare: [], success }).catch(throwUnavailable);
      }
      if (!more) return;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writer.settled();
    this.#follower.close();
  }

  #throwWhenTooLong({ length }: Uint8Array): void {
    if (length <= this.batchBytesMax) return;
    throw new KvError('LIMIT', `a batch of ${length} bytes is longer than ${this.batchBytesMax}`);
  }

  #throwWhenClosed(): void {
    if (this.#isClosed) throw new KvError('CLOSED', 'the log is closed');
  }
}

async function removeRange(etcd: EtcdStore, key: Buffer, end: Buffer): Promise<void> {
  await etcd.transact({ compare: [], success: [remove(key, end)] }).catch(throwUnavailable);
}

async function createLog(etcd: EtcdStore, keys: LogKeys, head: Buffer): Promise<void> {
  const { kvs } = await etcd.range({ key: keys.head, keysOnly: true });
  if (kvs.length > 0) return;
  await etcd
    .transact({
      compare: [versionIs(keys.head, 0)],
      success: [put(keys.head, head), put(keys.open, Buffer.alloc(0))],
    })
    .catch(throwUnavailable);
}
