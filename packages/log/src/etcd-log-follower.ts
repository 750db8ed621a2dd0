/**
 * How a follower of a log in etcd hears of appends: by a watch of meta/ while they are rare, by asking for entries while
 * they are many.
 *
 *     appends   |           |       | ||| | ||| || | ||| | |
 *     watch     '-- told ---'- told '-                           ,--- begins with a look at what is there
 *     asking                             ?   ?   ?   ?   ?   ?  /
 *                                        3   4   2   4   2   none
 *
 * They are many when there is something beyond a position before anybody waits for it, or several came since somebody
 * waited last. To be told of each then takes a follower 0.1 to 0.4 ms of CPU, and etcd a message to each, though whoever
 * follows lets entries gather anyway: of two followers that was an eighth of the work that a SET of one client is.
 *
 * Neither is the truth: a watch may be cut off, and whoever is asked may be behind. So a watch that is silent is doubted
 * every few seconds, and an answer without entries leads back to a watch.
 */
import { type Env, KvError } from '@holdfast/common';
import type { EtcdStore, Watch } from '@holdfast/etcd';
import type { mvccpb } from '@holdfast/rpc';
import { decodeHead, type LogKeys } from './etcd-log-layout.js';
import type { KnownMeta } from './etcd-log-meta.js';
import { followIntervalMs, gatheredEntriesMax, gatherIntervalMs } from './limits.js';
import type { Position } from './log.js';
import type { Asking } from './position-waiters.js';

export class EtcdLogFollower implements Asking {
  /** Entries as they are stored that the last answer brought, and nobody has read yet. */
  readonly found = new Map<Position, Buffer>();
  readonly timers: Env['timers'];
  readonly #etcd: EtcdStore;
  readonly #keys: LogKeys;
  readonly #known: KnownMeta;
  #watch: Watch | null = null;
  #areMany = false;
  /** Where somebody waited last. */
  #waitedBeyond: Position;
  #isClosed = false;

  constructor(etcd: EtcdStore, { timers }: Env, keys: LogKeys, known: KnownMeta) {
    this.#etcd = etcd;
    this.timers = timers;
    this.#keys = keys;
    this.#known = known;
    this.#waitedBeyond = known.tail;
  }

  get intervalMs(): number {
    return this.#areMany ? gatherIntervalMs : followIntervalMs;
  }

  /** Resolves as `Log.waitBeyond` does. Throws KvError CLOSED, INVALID when the log is gone. */
  async waitBeyond(position: Position, signal?: AbortSignal): Promise<void> {
    const known = this.#known;
    const isOver = (): boolean => known.tail > position || known.isSealed || known.isGone;
    this.#areMany ||= known.tail > position || position > this.#waitedBeyond + 1;
    this.#waitedBeyond = position;
    if (this.#areMany) this.rest();
    else this.#watch ??= this.#startWatch();
    await known.followers.waitOrAsk(position, isOver, this, signal);
    if (known.isGone) await known.refresh();
  }

  /** Ends the watch, unless somebody waits for what it tells. */
  rest(): void {
    if (this.#known.followers.isEmpty) this.#endWatch();
  }

  close(): void {
    this.#isClosed = true;
    this.#endWatch();
    this.#known.followers.close();
  }

  /** What can't be asked now is asked again. Throws KvError CLOSED. */
  async ask(): Promise<void> {
    const asking = this.#areMany ? this.#askForEntries() : this.#known.refresh().then(() => false);
    this.#areMany = await asking.catch(() => false);
    if (this.#isClosed) throw new KvError('CLOSED', 'the log is closed');
    if (!this.#areMany) this.#watch ??= this.#startWatch();
  }

  /** Whether there are any. Of one member, without a round among all of them: what it has is committed. */
  async #askForEntries(): Promise<boolean> {
    const { entriesEnd } = this.#keys;
    const first = this.#known.tail + 1;
    const { kvs, more } = await this.#etcd.range({
      key: this.#keys.entry(first),
      rangeEnd: entriesEnd,
      limit: gatheredEntriesMax,
      serializable: true,
    });
    const gap = kvs.findIndex(({ key }, i) => this.#keys.positionOf(key) !== first + i);
    const entries = gap < 0 ? kvs : kvs.slice(0, gap);
    this.found.clear();
    for (const [i, { value }] of entries.entries()) this.found.set(first + i, value);
    this.#known.noteEntry(first + entries.length - 1);
    // This follower is far behind, or what it lacks is trimmed.
    if (more || gap >= 0) await this.#known.refresh();
    return entries.length > 0;
  }

  #startWatch(): Watch {
    const { meta, metaEnd } = this.#keys;
    return this.#etcd.watch(meta, metaEnd, {
      onStart: () => this.#look(),
      onEvents: (events) => {
        for (const event of events) this.#take(event);
      },
    });
  }

  #endWatch(): void {
    this.#watch?.close();
    this.#watch = null;
  }

  #take({ type, kv }: mvccpb.Event): void {
    if (type !== 0) this.#look();
    else if (kv!.key.equals(this.#keys.head)) this.#known.note({ head: decodeHead(kv!), isSealed: false });
  }

  #look(): void {
    void this.#known.refresh().catch(() => {});
  }
}
