/**
 * The writing half of `EtcdLog`.
 *
 *     compare   meta/head is "41 7 <writer> 9", meta/open exists
 *     success   put entries/42, entries/43, meta/head "43 7 <writer> 11"
 *     failure   get meta/head, meta/open            refused: by whom, and where the log ends
 *
 * No answer means unknown. `resolve` then asks with a transaction that changes the head if it is still the
 * old one (so the append was not done, and can't be any more) and reads the place of the append if not. Both
 * go through consensus: nothing here rests on a read, which an old etcd may answer with old data.
 *
 * A put that goes over etcd's quota is done and answered with an error all the same, so that error too is
 * looked into before anything is called refused.
 */
import { type Env, KvError } from '@holdfast/common';
import { type EtcdStore, exists, get, type Operation, put, remove, valueIs } from '@holdfast/etcd';
import { type AppendGroup, AppendLine } from './append-line.js';
import { BatchDeflater } from './batch-deflater.js';
import { EtcdBatchStore, StoredBatch } from './etcd-batch-store.js';
import {
  decodeEntry,
  encodeChunkedEntry,
  encodeEntry,
  encodeHead,
  type Head,
  type LogKeys,
  type Origin,
} from './etcd-log-layout.js';
import { type KnownMeta, pairsIn, throwUnavailable } from './etcd-log-meta.js';
import { etcdChunkBytes, etcdGroupCountMax, stagedEntriesMax } from './limits.js';
import type { AppendOutcome, Committed, Position, Refused, Staged } from './log.js';

/** A group as it was sent. */
interface Sent {
  readonly group: AppendGroup;
  /** The only batch of the group, if it is in chunks. */
  readonly stored: StoredBatch | null;
  readonly expected: Head;
  /** Of its first batch. */
  readonly origin: Origin;
  /** Whether etcd has dealt with it, though it did not say how. */
  readonly isAnswered: boolean;
}

export class EtcdLogWriter {
  readonly #etcd: EtcdStore;
  readonly #keys: LogKeys;
  readonly #known: KnownMeta;
  readonly #writer: string;
  readonly #line: AppendLine;
  readonly #batches: EtcdBatchStore;
  readonly #deflater = new BatchDeflater();
  #sequence = 0;
  /** What the line is in doubt about. */
  #sent: Sent | null = null;

  /** `writer`: 8 bytes in hexadecimal that no other writer has. */
  constructor(etcd: EtcdStore, env: Env, keys: LogKeys, known: KnownMeta, writer: string) {
    this.#etcd = etcd;
    this.#keys = keys;
    this.#known = known;
    this.#writer = writer;
    this.#batches = new EtcdBatchStore(etcd, env, keys, known);
    this.#line = new AppendLine({
      send: (group) => this.#send(group),
      groupBytesMax: etcdChunkBytes,
      groupCountMax: etcdGroupCountMax,
    });
  }

  append(batch: Uint8Array, after: Position, epoch: number, staged?: Staged): Promise<AppendOutcome> {
    return this.#line.append(batch, after, epoch, staged);
  }

  /** Throws KvError DISK, UNAVAILABLE when aborted, INVALID when the log is sealed or gone. */
  async stage(batch: Uint8Array, signal: AbortSignal): Promise<Staged> {
    const stored = new StoredBatch(batch, this.#known.tail + 1 + stagedEntriesMax, this.#nextOrigin());
    await this.#batches.store(stored, signal);
    return stored;
  }

  /** Never rejects. */
  async unstage(staged: Staged): Promise<void> {
    if (staged instanceof StoredBatch && this.#isMine(staged)) await this.#batches.remove(staged);
  }

  settled(): Promise<void> {
    return this.#line.settled();
  }

  async resolve(): Promise<(Committed | Refused)[]> {
    await this.#line.settled();
    const { doubt } = this.#line;
    if (doubt === null) return [];
    return this.#line.settle(doubt, await this.#settle(this.#sent!));
  }

  /** Never rejects. */
  async #send(group: AppendGroup): Promise<AppendOutcome> {
    let isFresh = false;
    for (;;) {
      const refusal = refusalOf(group, this.#known.head, this.#known.isSealed);
      if (refusal === null) {
        const outcome = await this.#attempt(group);
        if (outcome !== null) return outcome;
      } else if (isFresh) {
        return refusal;
      } else {
        // What is known may be old.
        const failure = await this.#known.refresh().then(
          () => null,
          (cause: unknown) => refused('unavailable', this.#known.head.tail, cause),
        );
        if (failure !== null) return failure;
      }
      isFresh = true;
    }
  }

  /** Null when the head was not the one that was known, which it is then. */
  async #attempt(group: AppendGroup): Promise<AppendOutcome | null> {
    const { after, epoch, batches } = group;
    const { head: expected } = this.#known;
    let stored: StoredBatch | null = null;
    try {
      if (batches[0].length > etcdChunkBytes) stored = await this.#storedOf(group);
    } catch (cause) {
      return this.#notStored(after, cause);
    }
    const first = { writer: this.#writer, sequence: this.#sequence + 1 };
    this.#sequence += batches.length;
    const origin = stored?.origin ?? first;
    const sent: Sent = { group, stored, expected, origin, isAnswered: false };
    const value = encodeHead(after + batches.length, epoch, { ...first, sequence: this.#sequence });
    return this.#commit(sent, [...this.#entriesOf(sent), put(this.#keys.head, value)], value);
  }

  /** As it was staged, if it can be appended so; else stored now. */
  async #storedOf({ after, batches, staged }: AppendGroup): Promise<StoredBatch> {
    const position = after + 1;
    if (staged instanceof StoredBatch && this.#isMine(staged) && position <= staged.position) return staged;
    const stored = new StoredBatch(batches[0], position, this.#nextOrigin());
    await this.#batches.store(stored, null);
    return stored;
  }

  /** A log is written by one writer, and a writer writes one log. */
  #isMine({ origin }: StoredBatch): boolean {
    return origin.writer === this.#writer;
  }

  #notStored(after: Position, cause: unknown): Refused {
    if (this.#known.isSealed || this.#known.isGone) return refused('sealed', this.#known.head.tail, cause);
    const isFull = cause instanceof KvError && cause.code === 'DISK';
    return refused(isFull ? 'disk' : 'unavailable', after, cause);
  }

  #nextOrigin(): Origin {
    return { writer: this.#writer, sequence: ++this.#sequence };
  }

  #entriesOf({ group, origin, stored }: Sent): Operation[] {
    const { after, epoch, batches } = group;
    const entries = batches.map((batch, i) => {
      const position = after + 1 + i;
      const own = { ...origin, sequence: origin.sequence + i };
      const entry =
        stored === null
          ? encodeEntry(batch, this.#deflater.deflate(batch), epoch, own)
          : encodeChunkedEntry(stored, position, epoch);
      return put(this.#keys.entry(position), entry);
    });
    if (stored === null || stored.position === after + 1) return entries;
    const chunks = this.#keys.chunksOf(stored.position, stored.origin);
    return [...entries, put(this.#keys.staged(after + 1), chunks)];
  }

  async #commit(sent: Sent, success: Operation[], value: Buffer): Promise<AppendOutcome | null> {
    const { after, epoch, batches } = sent.group;
    const committed: Committed = { kind: 'committed', position: after + batches.length };
    this.#sent = sent;
    try {
      const { succeeded, header, responses } = await this.#etcd.transact(this.#ifHeadIs(sent, success));
      if (succeeded) {
        const head = { value, tail: committed.position, epoch, revision: header!.revision };
        this.#known.note({ head, isSealed: false });
        return committed;
      }
      const { head } = this.#known.noteAnswer(responses.flatMap(pairsIn));
      return head.value.equals(value) ? committed : null;
    } catch (error) {
      return this.#failed(sent, error);
    }
  }

  #ifHeadIs({ expected }: Sent, success: Operation[]) {
    const { head, open } = this.#keys;
    return {
      compare: [valueIs(head, expected.value), exists(open)],
      success,
      failure: [get(head), get(open)],
    };
  }

  async #failed(sent: Sent, cause: unknown): Promise<AppendOutcome> {
    const code = cause instanceof KvError ? cause.code : null;
    if (code === 'DISK') {
      // Full: the transaction may have been done all the same, but is not on its way any more.
      this.#sent = { ...sent, isAnswered: true };
      try {
        return await this.#find(this.#sent, null, cause);
      } catch {
        return { kind: 'unknown', cause };
      }
    }
    if (code === 'UNDETERMINED' || code === null) return { kind: 'unknown', cause };
    // What was dropped takes nothing any more.
    if (this.#known.isGone) return refused('sealed', sent.group.after, cause);
    return refused('unavailable', sent.group.after, cause);
  }

  /** What became of a group: first with a fence, which a full etcd can't take. */
  async #settle(sent: Sent): Promise<Committed | Refused> {
    const { tail, epoch } = sent.expected;
    const value = encodeHead(tail, epoch, { writer: this.#writer, sequence: ++this.#sequence });
    try {
      return await this.#find(sent, value);
    } catch (error) {
      const isFull = error instanceof KvError && error.code === 'DISK';
      if (!isFull || !sent.isAnswered) return throwUnavailable(error);
      return this.#find(sent, null, error).catch(throwUnavailable);
    }
  }

  /**
   * Looks for a group through consensus. When it is not there `fence` becomes the head, so that it can't come
   * any more; null when it can't anyway.
   */
  async #find(sent: Sent, fence: Buffer | null, cause?: unknown): Promise<Committed | Refused> {
    const { group, expected, origin } = sent;
    const { all, head: headKey, open } = this.#keys;
    const { succeeded, header, responses } = await this.#etcd.transact({
      compare: [valueIs(headKey, expected.value)],
      // There is no key of that name. Removing nothing makes it more than a read.
      success: [fence === null ? remove(all) : put(headKey, fence), get(open)],
      failure: [get(headKey), get(open), get(this.#keys.entry(group.after + 1))],
    });
    if (succeeded) {
      const isSealed = pairsIn(responses[1]).length === 0;
      if (fence !== null) {
        this.#known.note({ head: { ...expected, value: fence, revision: header!.revision }, isSealed });
      }
      if (isSealed) return refused('sealed', expected.tail);
      return refused(fence === null ? 'disk' : 'unavailable', expected.tail, cause);
    }
    const { head, isSealed } = this.#known.noteAnswer([...pairsIn(responses[0]), ...pairsIn(responses[1])]);
    const [pair] = pairsIn(responses[2]);
    if (pair === undefined && head.tail > group.after) {
      throw new KvError(
        'UNDETERMINED',
        `position ${group.after + 1} was trimmed before it could be looked at`,
      );
    }
    if (pair !== undefined) {
      const { writer, sequence } = decodeEntry(pair);
      if (writer === origin.writer && sequence === origin.sequence) {
        return { kind: 'committed', position: group.after + group.batches.length };
      }
    }
    return refusalOf(group, head, isSealed) ?? refused('unavailable', head.tail, cause);
  }
}

/** Why a log with this head does not take the group; null when it does. */
function refusalOf({ after, epoch }: AppendGroup, head: Head, isSealed: boolean): Refused | null {
  if (isSealed) return refused('sealed', head.tail);
  if (epoch < head.epoch) return refused('epoch', head.tail);
  return after === head.tail ? null : refused('position', head.tail);
}

function refused(reason: Refused['reason'], tail: Position, cause?: unknown): Refused {
  return { kind: 'refused', reason, tail, ...(cause === undefined ? {} : { cause }) };
}
