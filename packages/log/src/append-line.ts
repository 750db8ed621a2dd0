/**
 * The order of appends to a log that is far away: one group is on its way, the next one gathers meanwhile.
 *
 *     append   1 2 3 4 5 6 7 8 9
 *     sent    [1]  [2 3 4 5]  [6 7 8 ...        each group follows the one before, all of it or nothing
 *
 * When the outcome of a group is unknown the line is in doubt: what waited behind it is refused, and so is
 * everything else until `settle` says what became of the group.
 */
import { KvError } from '@holdfast/common';
import { waitingBytesMax } from './limits.js';
import type { AppendOutcome, Committed, Position, Refused, Staged } from './log.js';

/** Batches that follow each other, sent as one. */
export interface AppendGroup {
  readonly after: Position;
  readonly epoch: number;
  readonly batches: readonly Uint8Array[];
  /** Of the first batch, when it was stored before. */
  readonly staged?: Staged;
}

export interface AppendLineOptions {
  /** Never rejects. `committed` names the position of the last batch. */
  readonly send: (group: AppendGroup) => Promise<AppendOutcome>;
  /** A group takes no further batch beyond these. */
  readonly groupBytesMax: number;
  readonly groupCountMax: number;
}

interface Append {
  readonly batch: Uint8Array;
  readonly after: Position;
  readonly epoch: number;
  readonly staged: Staged | undefined;
  readonly resolve: (outcome: AppendOutcome) => void;
}

export class AppendLine {
  readonly #options: AppendLineOptions;
  #waiting: Append[] = [];
  #waitingBytes = 0;
  #isSending = false;
  #last: Promise<AppendOutcome> | null = null;
  #doubt: AppendGroup | null = null;

  constructor(options: AppendLineOptions) {
    this.#options = options;
  }

  /** The group whose outcome is unknown; null while there is no doubt. */
  get doubt(): AppendGroup | null {
    return this.#doubt;
  }

  /**
   * Takes a copy of `batch`, unless it is staged. Resolves in the order of the calls. Throws KvError LIMIT when too
   * much waits.
   */
  append(batch: Uint8Array, after: Position, epoch: number, staged?: Staged): Promise<AppendOutcome> {
    if (this.#doubt !== null) return Promise.resolve(refusedInDoubt(this.#doubt));
    checkWaiting(this.#waitingBytes, batch.length);
    this.#waitingBytes += batch.length;
    const appended = new Promise<AppendOutcome>((resolve) => {
      const own = staged === undefined ? Uint8Array.from(batch) : batch;
      this.#waiting.push({ batch: own, after, epoch, staged, resolve });
    });
    this.#last = appended;
    // Not at once: the appends that are about to be made in this turn belong to the same group.
    if (!this.#isSending) {
      this.#isSending = true;
      void Promise.resolve().then(() => this.#sendAll());
    }
    return appended;
  }

  /** Resolves when everything that was issued before has its outcome, whatever is issued meanwhile. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** Ends the doubt: `outcome` is that of the group. What it means for each of its appends. */
  settle(group: AppendGroup, outcome: Committed | Refused): (Committed | Refused)[] {
    if (this.#doubt !== group) return [];
    this.#doubt = null;
    return group.batches.map((_, i) => outcomeOf(group, i, outcome));
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const appends = this.#nextGroup();
      const { after, epoch, staged } = appends[0];
      const batches = appends.map(({ batch }) => batch);
      const group = { after, epoch, batches, ...(staged !== undefined && { staged }) };
      const outcome = await this.#options.send(group);
      appends.forEach(({ resolve }, i) => {
        resolve(outcome.kind === 'unknown' ? outcome : outcomeOf(group, i, outcome));
      });
      if (outcome.kind === 'unknown') this.#enterDoubt(group);
    }
    this.#isSending = false;
  }

  #nextGroup(): Append[] {
    const { groupBytesMax, groupCountMax } = this.#options;
    const [first] = this.#waiting;
    let bytes = first.batch.length;
    let count = 1;
    for (; count < Math.min(groupCountMax, this.#waiting.length); count++) {
      const { batch, after, epoch } = this.#waiting[count];
      bytes += batch.length;
      if (after !== first.after + count || epoch !== first.epoch || bytes > groupBytesMax) break;
    }
    const group = this.#waiting.splice(0, count);
    for (const { batch } of group) this.#waitingBytes -= batch.length;
    return group;
  }

  #enterDoubt(group: AppendGroup): void {
    this.#doubt = group;
    const refused = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { resolve } of refused) resolve(refusedInDoubt(group));
  }
}

/** Throws KvError LIMIT when there is no room for one more batch among those that wait. */
export function checkWaiting(waitingBytes: number, batchBytes: number): void {
  if (waitingBytes === 0 || waitingBytes + batchBytes <= waitingBytesMax) return;
  throw new KvError('LIMIT', `${waitingBytes} bytes of appends wait already: at most ${waitingBytesMax} may`);
}

function outcomeOf(group: AppendGroup, index: number, outcome: Committed | Refused): Committed | Refused {
  return outcome.kind === 'committed' ? { kind: 'committed', position: group.after + 1 + index } : outcome;
}

function refusedInDoubt({ after }: AppendGroup): Refused {
  return { kind: 'refused', reason: 'unavailable', tail: after };
}
