/**
 * Makes what was written durable, and knows up to which version it is.
 *
 *     execution   ... | turn 7 | turn 8 | turn 9 |
 *     log                append 7, append 8 ...        in order
 *     committed   ........^ version of turn 6           replies up to here may leave
 *
 * Each turn's mutations are one batch, those of a turn that writes a lot a few: each is kept or lost as a whole, so a
 * transaction or an MSET is never half there. How it is made durable is the strategy: `LocalCommitter`, `ReplicatedCommitter`.
 */
import { KvError, pause, type Timers } from '@holdfast/common';
import type { Fate } from './coordinator.js';

export interface Committer {
  /** See `Coordinator.committedVersion`. */
  readonly committedVersion: number;
  /** Why writes are refused now, as the error that they get; null while they are accepted. */
  readonly refusal: string | null;
  /** Of these, why the log takes nothing, so that what was handed to it waits. Where a log may refuse. */
  readonly logRefusal?: string | null;
  /** Position of the last batch that was handed to the log. */
  readonly position: number;
  /** Hands the turn's mutations to the log. */
  settle(): void;
  /** A command ran, or a transaction, and is complete: a turn that writes a lot is handed over in several batches. */
  executed(): void;
  /** Calls `listener` whenever `committedVersion` has grown outside of `settle`. */
  onCommitted(listener: () => void): void;
  /** The write that is going on takes more than this turn: nothing is handed over before it is complete. */
  hold(): void;
  /** It is complete. */
  release(): void;
  /** One is going on. */
  readonly isHeld: boolean;
  /** It never will be: neither it is handed over, nor what came before it in its turn. */
  abandon(): void;
  readonly isAbandoned: boolean;
  /**
   * Resolves when everything is committed that was written before, but for a write that was abandoned. Throws
   * KvError UNDETERMINED when it can't be any more, DISK after `giveUp`.
   */
  drained(): Promise<void>;
  /** What a log refuses now or next is waited for no longer: nobody was told that it is kept. Where a log may refuse. */
  giveUp?(): void;
  /** See `Coordinator.fateOf`. */
  fateOf(version: number): Fate;
}

/** Of writes, by a storage whose own disk does not take what was committed. */
export function refusalByDisk(failure: Error): string {
  return `MISCONF Errors writing to the disk: ${failure.message}`;
}

/** How often is looked whether a log that is waited for refuses. */
const refusalLookMs = 250;

/** As `drained`, for who had better not wait until a disk has room. Throws KvError DISK while the log refuses. */
export async function drainedUnlessRefused(committer: Committer, timers: Timers): Promise<void> {
  let isDrained = false;
  const drained = committer.drained().finally(() => {
    isDrained = true;
  });
  drained.catch(() => {});
  while (!isDrained) {
    const { logRefusal = null } = committer;
    if (logRefusal !== null)
      throw new KvError('DISK', `what was written last is not in the log: ${logRefusal}`);
    await Promise.race([drained, pause(timers, refusalLookMs)]);
  }
  await drained;
}
