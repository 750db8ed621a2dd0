/**
 * Brings appends to the active segment of a virtual log, and those that a seal has cut off to the next one.
 *
 *     issued     a b c d        to the active segment, which is sealed under them
 *     cut off        c d        refused as sealed
 *     later              e f    came since: they wait behind
 *     issued         c d e f    to the next segment, once nothing is on its way to the old one
 */
import { type Env, KvError, pause } from '@holdfast/common';
import { checkWaiting } from './append-line.js';
import type { Segment } from './chain.js';
import { reconfigureTimeoutMs, switchRetryMs } from './limits.js';
import type { AppendOutcome, Committed, Log, Position, Refused, Staged } from './log.js';

/** The segment that takes the appends, and its log. */
export interface Active {
  readonly segment: Segment;
  readonly log: Log;
}

/** What it needs of the virtual log. */
export interface AppendSwitchOptions {
  readonly env: Env;
  readonly active: () => Active;
  /** Whether nothing follows the active segment any more. */
  readonly isFinal: () => boolean;
  /** Looks for the segment after a sealed one; may throw. */
  readonly follow: () => Promise<void>;
}

interface Append {
  readonly batch: Uint8Array;
  readonly after: Position;
  readonly epoch: number;
  readonly staged: Staged | undefined;
  readonly resolve: (outcome: AppendOutcome) => void;
  readonly reject: (error: unknown) => void;
}

export class AppendSwitch {
  readonly #options: AppendSwitchOptions;
  #inFlight = 0;
  #wakeIdle: (() => void) | null = null;
  #cutOff: Append[] = [];
  #later: Append[] = [];
  #laterBytes = 0;
  #switching: Promise<void> | null = null;
  /** The segment with an append whose outcome is unknown. */
  #doubtful: Log | null = null;

  constructor(options: AppendSwitchOptions) {
    this.#options = options;
  }

  /** Takes a copy of `batch`, because it may have to be sent twice; not of a staged one, which stays as it is. */
  append(batch: Uint8Array, after: Position, epoch: number, staged?: Staged): Promise<AppendOutcome> {
    return new Promise((resolve, reject) => {
      if (this.#switching !== null) checkWaiting(this.#laterBytes, batch.length);
      const own = staged === undefined ? Uint8Array.from(batch) : batch;
      const append = { batch: own, after, epoch, staged, resolve, reject };
      if (this.#switching === null) return this.#issue(append);
      this.#later.push(append);
      this.#laterBytes += batch.length;
    });
  }

  appendSync(batch: Uint8Array, after: Position, epoch: number): AppendOutcome | null {
    if (this.#switching !== null || this.#inFlight > 0 || this.#doubtful !== null) return null;
    const { log } = this.#options.active();
    const outcome = log.appendSync?.(batch, after, epoch) ?? null;
    if (outcome?.kind === 'unknown') this.#doubtful = log;
    // Cut off: `append` waits for the next segment.
    return outcome !== null && this.#isCutOff(outcome) ? null : outcome;
  }

  async resolve(): Promise<(Committed | Refused)[]> {
    const outcomes = await (this.#doubtful ?? this.#options.active().log).resolve();
    this.#doubtful = null;
    return outcomes;
  }

  /** The active segment is another one. What is still on its way to `old` must end before anything follows it. */
  hasMoved(old: Segment): void {
    if (this.#inFlight > 0) this.#switching ??= this.#switch(old);
  }

  /** Resolves when every append has its outcome. */
  async idle(): Promise<void> {
    while (this.#switching !== null || this.#inFlight > 0) {
      await this.#switching;
      await this.#landing();
    }
  }

  #issue(append: Append): void {
    const { segment, log: activeLog } = this.#options.active();
    // A log in doubt refuses for itself.
    const log = this.#doubtful ?? activeLog;
    const settle = (outcome: AppendOutcome): void => {
      if (outcome.kind === 'unknown') this.#doubtful = log;
      if (this.#isCutOff(outcome)) {
        this.#cutOff.push(append);
        this.#switching ??= this.#switch(segment);
      } else {
        append.resolve(outcome);
      }
      this.#landed();
    };
    this.#inFlight++;
    log.append(append.batch, append.after, append.epoch, append.staged).then(settle, (error: unknown) => {
      append.reject(error);
      this.#landed();
    });
  }

  #landed(): void {
    if (--this.#inFlight === 0) this.#wakeIdle?.();
  }

  async #landing(): Promise<void> {
    if (this.#inFlight === 0) return;
    const before = this.#wakeIdle;
    await new Promise<void>((resolve) => {
      this.#wakeIdle = () => {
        before?.();
        resolve();
      };
    });
    this.#wakeIdle = null;
  }

  /** Whether an append met a seal that another segment follows, as far as is known. */
  #isCutOff(outcome: AppendOutcome): boolean {
    return outcome.kind === 'refused' && outcome.reason === 'sealed' && !this.#options.isFinal();
  }

  async #switch(sealed: Segment): Promise<void> {
    const { env, active, isFinal, follow } = this.#options;
    const untilMs = env.clock.monotonic() + reconfigureTimeoutMs;
    await this.#landing();
    let failure: unknown = null;
    while (active().segment === sealed && !isFinal() && env.clock.monotonic() < untilMs) {
      await follow().catch((error: unknown) => {
        failure = error;
      });
      if (failure instanceof KvError && failure.code === 'CLOSED') break;
      if (active().segment === sealed && !isFinal()) await this.#pause();
    }
    const appends = [...this.#cutOff, ...this.#later];
    this.#cutOff = [];
    this.#later = [];
    this.#laterBytes = 0;
    this.#switching = null;
    const { segment, log } = active();
    const reason = isFinal() ? 'sealed' : 'unavailable';
    for (const append of appends) {
      if (segment !== sealed) this.#issue(append);
      else append.resolve({ kind: 'refused', reason, tail: log.committedPosition });
    }
  }

  #pause(): Promise<void> {
    return pause(this.#options.env.timers, switchRetryMs);
  }
}
