/**
 * Writes to the disk what the log already has, behind everybody's back.
 *
 *     staged     | set 4: batches 90, 91, 92 | set 5: batches 93, 94 ...
 *                  frozen, waits until         being filled
 *                  92 is committed and the
 *                  log synced, then written,
 *                  then the next one is frozen
 *
 * A set is written as a whole, with the position of its last batch, in one LevelDB batch: what is on the disk is always the
 * state at one position. Only the pieces of large strings that no head names yet go before, some at a time: LevelDB keeps a
 * batch in memory twice, and these may be half a gigabyte. A set is frozen only when nothing is journaled that was not
 * staged, since freezing reads from memory. Sets are written one at a time and in order.
 *
 * When the disk fails, the set is written again, to a store that was opened anew, until it succeeds, or is found there:
 * LevelDB may have had all of it before it failed.
 */
import { type Env, KvError, type Timer } from '@holdfast/common';
import { Arena } from '../arena.js';
import type { MemoryStorage } from '../memory-storage.js';
import { numberKey64, prefixes } from './disk-keys.js';
import { emptyRecord, readState, type State, writeState } from './disk-records.js';
import type { Keyspaces } from './keyspaces.js';
import { moveMark, stateKey } from './opening.js';
import type { OrderedBatch, OrderedStore } from './ordered-store.js';
import type { Stager } from './stager.js';
import { aheadBytesMin } from './string-pieces.js';
import { WritePace } from './write-pace.js';
import { WriteSet } from './write-set.js';

/**
 * A set is written when it has this many bytes, or after this many ms: with a log on this machine, when nothing came for
 * that long. The larger it is, the more is written once that changed twice, the fewer syncs hold up those of the log on the
 * same disk, and the less LevelDB has to merge. CPU of a SET of one of a million keys that is spent beside the main thread, in us:
 *
 *     MiB    32     64     96     128    256
 *     us     1.9    1.6    1.1    1.0    0.5
 *
 * But the log is longer by so much when the process is killed: about as long as the sets that wait, of which the next start
 * reads 90 MB in a second, and 25 MB where it looks for each key on the disk (see `formerStates`). And memory holds two sets, and
 * what LevelDB makes of one. A little less than the arena of a set at first.
 */
const setBytesMax = 60 * 1024 * 1024;
/** What the log has of a set may be so many times as much: a key that is written again and again is in the set once. */
const loggedShare = 2;
const setDelayMs = 10_000;
/**
 * A set with fewer bytes stays in such a log while nothing comes, and when the server ends: it is read
 * again in a third of a second. In LevelDB it would be a small file of keys from everywhere, which each read of another key
 * passes over, and for which LevelDB soon merges all there is: 20 M keys are written again for 5 MB, and for 12 s reads
 * have half of a processor.
 */
const restBytesMax = 4 * 1024 * 1024;
/** A set is at most this share of what may wait for the disk: one is written while the next one is filled. */
const setShare = 1 / 3;
/** What a set takes at first: more than it needs unless the disk is far behind. Address space, until it is touched. */
const arenaBytes = 64 * 1024 * 1024;
const retryDelayMs = 500;
/** With more than this waiting to be written, in bytes, writes wait, unless another bound is set. */
export const pendingBytesMax: number = 256 * 1024 * 1024;
/** So many operations, or bytes of values, are handed to LevelDB before others get their turn: a quarter of a millisecond. */
const operationsPerTurn = 1000;
const bytesPerTurn = 256 * 1024;
/** Of pieces that go before: so many turns fill a batch of as much as they are at least. */
const turnsPerBatch: number = aheadBytesMin / bytesPerTurn;

export interface WriteBehindOptions {
  readonly store: OrderedStore;
  readonly env: Env;
  readonly memory: MemoryStorage;
  readonly keyspaces: Keyspaces;
  readonly stager: Stager;
  readonly seed: number;
  /** What the disk has. */
  readonly state: State;
  /** A set is on the disk. */
  readonly onWritten: (set: WriteSet) => void;
}

export class WriteBehind {
  readonly #options: WriteBehindOptions;
  /** Everything up to this position of the log is on the disk. */
  durablePosition: number;
  /** Number of the last set that is on the disk. */
  writtenSet = 0;
  failure: KvError | null = null;
  #pendingBytesMax = pendingBytesMax;
  #filling: WriteSet;
  /** What was staged into it, in bytes: what a log has of it. */
  #stagedBytes = 0;
  #frozen: WriteSet | null = null;
  /** State as of the frozen set, but for its position. */
  #state!: State;
  /** Batches, counted from 1: staged, committed, and on the disk. */
  #stagedBatch = 0;
  #committedBatch = 0;
  #writtenBatch = 0;
  #committedPosition: number;
  /** What the disk has. */
  #onDisk: State;
  /** What the last batch with a state said, which may be there though its write failed; whether it made the set whole. */
  #handed: { readonly state: State; readonly isWhole: boolean };
  /** Position of the frozen set's last batch, once that is committed. */
  #frozenPosition = 0;
  #timer: Timer | null = null;
  #isWriting = false;
  #isClosed = false;
  #waiting: (() => void)[] = [];
  readonly #spareArenas: Arena[] = [];
  /** How many arenas there are, and the most that a set had in one: they keep it. */
  #arenaCount = 0;
  #arenaBytesUsed = 0;
  readonly #pace: WritePace;

  constructor(options: WriteBehindOptions) {
    this.#options = options;
    const { state } = options;
    this.durablePosition = state.position;
    this.#committedPosition = state.position;
    this.#onDisk = state;
    this.#handed = { state, isWhole: false };
    this.#pace = new WritePace(options.env);
    this.#filling = this.#nextSet(1);
  }

  /** Bytes that may wait to be written. */
  get pendingBytesMax(): number {
    return this.#pendingBytesMax;
  }

  set pendingBytesMax(bytes: number) {
    this.#pendingBytesMax = bytes;
    // More than that may be there: whoever waits to write would wait for the timer.
    if (this.#isFull) this.#freeze();
  }

  get pendingBytes(): number {
    return this.#filling.usedBytes + (this.#frozen?.usedBytes ?? 0);
  }

  /** What is pending, or what sets before it took of the system, if that is more: their memory is used again, and not given back. */
  get heldBytes(): number {
    return Math.max(this.pendingBytes, this.#arenaCount * this.#arenaBytesUsed);
  }

  /** Null when a write may come. Otherwise the disk is behind: asking again makes sense when it resolves. */
  admit(): Promise<void> | null {
    if (this.failure !== null) return null;
    return this.#pace.admit(this.#waitingBytes, this.pendingBytesMax);
  }

  get isStuck(): boolean {
    return this.failure !== null && this.#waitingBytes >= this.pendingBytesMax;
  }

  /** What is pending, and what memory can't let go of before it is written. */
  get #waitingBytes(): number {
    return this.pendingBytes + this.#filling.restatedBytes;
  }

  get #setBytes(): number {
    return Math.min(setBytesMax, this.pendingBytesMax * setShare);
  }

  /** The set that is being filled has enough: of its own, of strings that will be read from memory all at once, or of the log. */
  get #isFull(): boolean {
    const { restatedBytes, usedBytes } = this.#filling;
    const isLong = this.#stagedBytes >= this.#setBytes * loggedShare;
    return isLong || usedBytes >= this.#setBytes || restatedBytes >= this.pendingBytesMax / 2;
  }

  /** Memory is full, and nothing can leave before it is written: the set that is being filled ends if it has so much already. */
  hurry(bytesMin: number): void {
    const { restatedBytes, usedBytes } = this.#filling;
    if (usedBytes + restatedBytes >= bytesMin) this.#freeze();
  }

  /** How many batches were written, in all lives. */
  get batches(): number {
    return this.#onDisk.batches;
  }

  /** Nothing is being written, and all is on the disk, or in a log. */
  get isAtRest(): boolean {
    const { journal } = this.#options.memory;
    const isStaged = journal === null || journal.length === 0;
    return (
      isStaged && this.failure === null && this.#frozen === null && (this.#filling.isEmpty || this.#isRest)
    );
  }

  /** What is not on the disk is little, and in a log. */
  get #isRest(): boolean {
    const { restatedBytes, usedBytes } = this.#filling;
    const bytes = Math.max(usedBytes + restatedBytes, this.#stagedBytes);
    return bytes < restBytesMax && this.#isLogged;
  }

  /** What was committed is in a log on this machine. */
  get #isLogged(): boolean {
    return this.#options.memory.syncLog !== null;
  }

  /** A key with a lower version has no change that is not on the disk yet. */
  get lowestPendingVersion(): number {
    const { lowestVersion } = this.#filling;
    return this.#frozen === null ? lowestVersion : Math.min(lowestVersion, this.#frozen.lowestVersion);
  }

  /** Whether a set that is not on the disk yet has the disk's `key[0, keyLength)`. */
  isPending(key: Uint8Array, keyLength: number): boolean {
    return this.#filling.has(key, keyLength) || this.#frozen?.has(key, keyLength) === true;
  }

  /** The sets that are not on the disk yet, oldest first. */
  get pendingSets(): readonly WriteSet[] {
    return this.#frozen === null ? [this.#filling] : [this.#frozen, this.#filling];
  }

  staged(batch: Uint8Array): void {
    this.#options.stager.stage(batch);
    this.#filling.lastBatch = ++this.#stagedBatch;
    this.#stagedBytes += batch.length;
    // Who waits for a flush that came within a turn need not wait for the timer.
    if (this.#isFull || this.#waiting.length > 0) this.#freezeNow();
    else this.#startTimer();
  }

  committed(position: number): void {
    if (position > this.#committedPosition) this.#committedPosition = position;
    this.#committedBatch++;
    if (this.#frozen?.lastBatch === this.#committedBatch) this.#startWriting();
  }

  /** Resolves when what was committed before the call is on the disk; rejects with `failure`. */
  async flush(): Promise<void> {
    await this.#writtenUpTo(this.#committedBatch);
  }

  /** As `flush`, for what was staged before the call: waits until that is committed, too. */
  async flushStaged(): Promise<void> {
    await this.#writtenUpTo(this.#stagedBatch);
  }

  /** As `flush`, of what no log keeps for the next life, or too much of. */
  async finish(): Promise<void> {
    if (this.#frozen !== null) await this.#writtenUpTo(this.#frozen.lastBatch);
    if (!this.#isRest) await this.flush();
  }

  async #writtenUpTo(target: number): Promise<void> {
    while (this.#writtenBatch < target) {
      if (this.#isClosed) throw new KvError('CLOSED', 'the storage is closed');
      this.#freeze();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (this.failure !== null) throw this.failure;
    }
  }

  /** Writes what `finish` does; what can't be written now, or within a write that never ended, is only in the log. */
  async close(): Promise<void> {
    const { journal } = this.#options.memory;
    const isComplete =
      this.#committedBatch === this.#stagedBatch && (journal === null || journal.length === 0);
    if (this.failure === null && isComplete) await this.finish().catch(() => {});
    this.#isClosed = true;
    if (this.#timer !== null) this.#options.env.timers.clearTimeout(this.#timer);
    while (this.#isWriting) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#wake();
  }

  #startTimer(): void {
    const since = this.#stagedBatch;
    this.#timer ??= this.#options.env.timers.setTimeout(() => {
      this.#timer = null;
      if (!this.#isClosed) this.#timeIsOver(since);
    }, setDelayMs);
  }

  #timeIsOver(since: number): void {
    if (this.#isLogged && this.#stagedBatch > since) this.#startTimer();
    else if (!this.#isRest) this.#freeze();
  }

  /** Ends the set that is being filled, unless a turn is under way: what that stages will start the timer again. */
  #freeze(): void {
    const { journal } = this.#options.memory;
    if (journal === null || journal.length === 0) this.#freezeNow();
  }

  /** As `freeze`, at the end of a batch: memory holds what was staged, and nothing else. */
  #freezeNow(): void {
    const { stager } = this.#options;
    const set = this.#filling;
    if (this.#frozen !== null || set.isEmpty) return;
    stager.freeze();
    this.#state = this.#stateNow();
    this.#frozen = set;
    this.#filling = this.#nextSet(set.sequence + 1);
    this.#stagedBytes = 0;
    if (this.#committedBatch >= set.lastBatch) this.#startWriting();
  }

  #nextSet(sequence: number): WriteSet {
    const { stager, seed } = this.#options;
    const arena = this.#spareArenas.pop() ?? this.#newArena();
    const set = new WriteSet(sequence, stager.nextIncarnation, arena, seed);
    stager.fill(set);
    return set;
  }

  #newArena(): Arena {
    this.#arenaCount++;
    return new Arena(arenaBytes, true);
  }

  #stateNow(): State {
    const { stager, keyspaces } = this.#options;
    const all = keyspaces.all();
    return {
      position: 0,
      lastVersion: stager.lastVersion,
      batches: 0,
      nextIncarnation: stager.nextIncarnation,
      nextGeneration: keyspaces.nextGeneration,
      generations: all.map(({ generation }) => generation),
      keyCounts: all.map(({ keyCount }) => keyCount),
    };
  }

  #startWriting(): void {
    this.#frozenPosition = this.#committedPosition;
    this.#isWriting = true;
    this.#pace.begin();
    void this.#write(this.#frozen as WriteSet);
  }

  async #write(set: WriteSet): Promise<void> {
    const { memory } = this.#options;
    try {
      await memory.syncLog?.();
      if (this.failure === null || !(await this.#isThere())) await this.#writeOnce(set);
      this.failure = null;
      this.#isWriting = false;
      this.#written(set);
    } catch (error) {
      this.failure = error instanceof KvError ? error : new KvError('DISK', String(error), { cause: error });
      this.#isWriting = false;
      if (!this.#isClosed) this.#retryLater(set);
    }
    this.#wake();
  }

  /**
   * Opens the store anew; whether it has the set, whose write failed. Beginning again, with its pieces, would list as nobody's
   * what a head names by now.
   */
  async #isThere(): Promise<boolean> {
    const { store } = this.#options;
    await store.reopen();
    const [stored] = await store.getMany([stateKey]);
    if (readState(stateKey, stored!).batches === this.#onDisk.batches) return false;
    this.#onDisk = this.#handed.state;
    return this.#handed.isWhole;
  }

  async #writeOnce(set: WriteSet): Promise<void> {
    const isAhead = set.unseenBytes > aheadBytesMin;
    if (isAhead) await this.#writeUnseen(set);
    const batch = this.#options.store.batch();
    set.rewind(isAhead ? 'seen' : 'all');
    await this.#addTurns(batch, set, Number.POSITIVE_INFINITY);
    if (isAhead)
      for (const incarnation of set.unseen) batch.delete(numberKey64(prefixes.orphan, incarnation));
    await this.#writeBatch(batch, { ...this.#state, position: this.#frozenPosition }, true);
  }

  /** Pieces that belong to no key before the set is written: they are listed as such, so that a crash leaves none. */
  async #writeUnseen(set: WriteSet): Promise<void> {
    const { store } = this.#options;
    const list = store.batch();
    for (const incarnation of set.unseen) {
      const key = numberKey64(prefixes.orphan, incarnation);
      list.put(key, emptyRecord(key));
    }
    await this.#writeBatch(list, { ...this.#onDisk, nextIncarnation: this.#state.nextIncarnation }, false);
    set.rewind('unseen');
    for (let isMore = true; isMore; ) {
      const batch = store.batch();
      isMore = await this.#addTurns(batch, set, turnsPerBatch);
      await batch.write();
    }
  }

  /** Adds to a batch what is added in so many turns; whether there is more. */
  async #addTurns(batch: OrderedBatch, set: WriteSet, turns: number): Promise<boolean> {
    const { timers } = this.#options.env;
    for (let left = turns; left > 0; left--) {
      if (!set.writeSome(batch, operationsPerTurn, bytesPerTurn)) return false;
      await new Promise<void>((resolve) => timers.setImmediate(resolve));
    }
    return true;
  }

  /** Writes a batch, after which the disk has a state, but for the number of its batches. */
  async #writeBatch(batch: OrderedBatch, state: State, isWhole: boolean): Promise<void> {
    const batches = this.#onDisk.batches + 1;
    const written = { ...state, batches };
    this.#handed = { state: written, isWhole };
    moveMark(batch, batches);
    batch.put(stateKey, writeState(stateKey, written));
    await batch.write();
    this.#onDisk = written;
  }

  #written(set: WriteSet): void {
    this.#pace.written(set.usedBytes, this.#setBytes);
    this.durablePosition = this.#frozenPosition;
    this.writtenSet = set.sequence;
    this.#writtenBatch = set.lastBatch;
    this.#frozen = null;
    this.#arenaBytesUsed = Math.max(this.#arenaBytesUsed, Math.min(set.arenaBytes, arenaBytes));
    this.#spareArenas.push(set.retire());
    this.#options.onWritten(set);
    if (this.#isClosed || this.#filling.isEmpty) return;
    if (this.#isFull) this.#freeze();
    this.#startTimer();
  }

  #retryLater(set: WriteSet): void {
    this.#options.env.timers.setTimeout(() => {
      if (this.#isClosed) return;
      this.#isWriting = true;
      void this.#write(set);
    }, retryDelayMs);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
