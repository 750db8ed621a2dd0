/**
 * One instance's hold on the mark: from when it has taken it until it can't be sure of it any more.
 *
 *     sent      written    answered                          over
 *      |-----------|----------|--------- isValid -------------|        holdMs from when the write was sent
 *                                   another one may take it: |....    not before the hold and a quarter more
 *                                                                      after it saw the last write
 *
 * The time begins before the write is sent, and goes by the monotonic clock; and by the wall clock, because the
 * monotonic one may stand still while a machine sleeps. No lease of the store comes into it, only that clocks run
 * at about the same speed: a quarter is far more than they differ by.
 */
import { type Env, KvError } from '@holdfast/common';
import type { HighWaterMark } from './high-water-mark.js';
import type { MarkRecord, MarkState, MarkStore } from './mark-store.js';

export interface HoldOptions {
  readonly env: Env;
  readonly store: MarkStore;
  /** Where clients find this instance. */
  readonly address: string;
  readonly holdMs: number;
}

export class Hold implements HighWaterMark {
  readonly #options: HoldOptions;
  readonly #owner: string;
  /** The mark when it was taken: everything handed out before is not above it. */
  readonly #taken: number;
  #revision: number;
  #sequence = 0;
  /** What the next write stores, at least. */
  #mark: number;
  #isReleased = false;
  #isLost = false;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #sinceWallMs = 0;
  /** One write at a time; who asks during one waits for the next. */
  #writing: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  /** Null when somebody else was faster. Throws KvError UNAVAILABLE. */
  static async take(options: HoldOptions, { revision, record }: MarkState): Promise<Hold | null> {
    const hold = new Hold(options, revision, record?.mark ?? 0);
    await hold.renew();
    return hold.#isLost ? null : hold;
  }

  private constructor(options: HoldOptions, revision: number, mark: number) {
    this.#options = options;
    this.#owner = Buffer.from(options.env.random.fill(new Uint8Array(8))).toString('hex');
    this.#revision = revision;
    this.#taken = mark;
    this.#mark = mark;
  }

  /** Whether what is handed out at this moment is before whatever anybody else hands out later. */
  get isValid(): boolean {
    const { clock } = this.#options.env;
    const { holdMs } = this.#options;
    if (this.#isLost || this.#isReleased) return false;
    return clock.monotonic() - this.#sinceMs < holdMs && clock.now() - this.#sinceWallMs < holdMs;
  }

  /** Somebody else has the mark now, or it was given back. */
  get isOver(): boolean {
    return this.#isLost || this.#isReleased;
  }

  async load(): Promise<number> {
    return this.#taken;
  }

  /** Throws KvError UNAVAILABLE when it may not be stored, REFUSED when the mark is somebody else's. */
  async store(value: number): Promise<void> {
    this.#mark = Math.max(this.#mark, value);
    await this.renew();
    if (this.#isLost) throw new KvError('REFUSED', 'another instance leads');
  }

  /** Writes the mark once more. Throws KvError UNAVAILABLE when that may not have been done. */
  renew(): Promise<void> {
    if (this.#writing === null) return this.#begin();
    this.#next ??= this.#writing
      .catch(() => {})
      .then(() => {
        this.#next = null;
        return this.#begin();
      });
    return this.#next;
  }

  /** Gives the mark back: another instance may take it at once. Nothing may be handed out any more. */
  async release(): Promise<void> {
    this.#isReleased = true;
    await this.renew();
  }

  #begin(): Promise<void> {
    this.#writing = this.#write().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    if (this.#isLost) return;
    const { env, store, address, holdMs } = this.#options;
    const sinceMs = env.clock.monotonic();
    const sinceWallMs = env.clock.now();
    const record: MarkRecord = {
      mark: this.#mark,
      owner: this.#owner,
      address,
      sequence: ++this.#sequence,
      holdMs,
      isReleased: this.#isReleased,
    };
    const revision = await store.write(this.#revision, record).catch(nullWhenUndetermined);
    if (revision !== null) this.#revision = revision;
    else if (!(await this.#hasWritten(record))) return;
    this.#sinceMs = sinceMs;
    this.#sinceWallMs = sinceWallMs;
  }

  /** Whether a write was done that was not answered, or found another one. */
  async #hasWritten({ sequence }: MarkRecord): Promise<boolean> {
    const { record, revision } = await this.#options.store.read();
    if (record?.owner === this.#owner) {
      this.#revision = revision;
      if (record.sequence === sequence) return true;
      throw new KvError('UNAVAILABLE', 'whether the mark was stored is not known');
    }
    // Before the first write of ours that was done, the record is that of somebody else, or there is none.
    const isUntouched = revision === this.#revision;
    if (isUntouched) throw new KvError('UNAVAILABLE', 'the mark was not stored');
    this.#isLost = true;
    return false;
  }
}

/** What can't be known is looked for. */
function nullWhenUndetermined(error: unknown): null {
  if (error instanceof KvError && error.code === 'UNDETERMINED') return null;
  throw error;
}
