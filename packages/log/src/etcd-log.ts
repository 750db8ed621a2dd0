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
 * Followers are woken by a watch of meta/, which brings small entries along, and ask every few seconds in case it is
 * silent. What is larger they read at their own pace: etcd would keep what a watch can't deliver in its memory. A writer
 * need not be told of what it wrote, so it watches nothing.
 */
import { type Env, KvError } from '@holdfast/common';
import { type EtcdStore, endOfPrefix, get, put, remove, versionIs, type Watch } from '@holdfast/etcd';
import type { mvccpb } from '@holdfast/rpc';
import { decodeHead, decodeLast, encodeHead, LogKeys } from './etcd-log-layout.js';
import { KnownMeta, pairsIn, throwUnavailable } from './etcd-log-meta.js';
import { EtcdLogReader } from './etcd-log-reader.js';
import { EtcdLogWriter } from './etcd-log-writer.js';
import { etcdBatchBytesMax, followIntervalMs, trimStep } from './limits.js';
import type { AppendOutcome, Committed, Log, LogEntry, LogState, Position, Refused } from './log.js';
import { ToldEntries } from './told-entries.js';

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
  readonly batchBytesMax: number = etcdBatchBytesMax;
  readonly #etcd: EtcdStore;
  readonly #env: Env;
  readonly #keys: LogKeys;
  readonly #known: KnownMeta;
  readonly #writer: EtcdLogWriter;
  readonly #told = new ToldEntries();
  #watch: Watch | null = null;
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
    this.#env = env;
    this.#keys = keys;
    this.#known = known;
    this.#writer = new EtcdLogWriter(etcd, keys, known, writer);
  }

  get committedPosition(): Position {
    return this.#known.head.tail;
  }

  async append(batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome> {
    this.#throwWhenClosed();
    if (batch.length > this.batchBytesMax) {
      throw new KvError('LIMIT', `a batch of ${batch.length} bytes is longer than ${this.batchBytesMax}`);
    }
    if (this.#known.followers.isEmpty) this.#endWatch();
    return this.#writer.append(batch, after, epoch);
  }

  async resolve(): Promise<(Committed | Refused)[]> {
    this.#throwWhenClosed();
    return this.#writer.resolve();
  }

  read(from: Position): AsyncIterable<LogEntry> {
    this.#throwWhenClosed();
    return new EtcdLogReader(this.#etcd, this.#keys, this.#told).read(from, this.committedPosition);
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
    this.#watch ??= this.#startWatch();
    const { followers } = this.#known;
    const isOver = (): boolean =>
      this.committedPosition > position || this.#known.isSealed || this.#known.isGone;
    const asking = { timers: this.#env.timers, intervalMs: followIntervalMs, ask: () => this.#ask() };
    await followers.waitOrAsk(position, isOver, asking, signal);
    if (this.#known.isGone) await this.#known.refresh();
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
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writer.settled();
    this.#endWatch();
    this.#known.followers.close();
  }

  /** What can't be asked now is asked again. */
  async #ask(): Promise<void> {
    await this.#known.refresh().catch(() => {});
    this.#throwWhenClosed();
  }

  #startWatch(): Watch {
    const { meta, metaEnd, head, last } = this.#keys;
    const refresh = (): void => void this.#known.refresh().catch(() => {});
    return this.#etcd.watch(meta, metaEnd, {
      onStart: refresh,
      onEvents: (events) => {
        for (const { type, kv } of events) {
          if (type === 0 && kv!.key.equals(head))
            this.#known.note({ head: decodeHead(kv!), isSealed: false });
          else if (type === 0 && kv!.key.equals(last)) this.#noteLast(kv!);
          else refresh();
        }
      },
    });
  }

  #endWatch(): void {
    this.#watch?.close();
    this.#watch = null;
  }

  #noteLast(pair: mvccpb.KeyValue): void {
    const { position, entry } = decodeLast(pair);
    this.#told.note(position, entry);
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
