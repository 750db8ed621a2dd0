/** How much of the past is kept. */
import type { Clock } from '@holdfast/common';
import { oracleEpochMs, timestampsPerMs } from '@holdfast/tso';

/** How much is kept: what is beyond either is dropped. */
export interface HistoryBounds {
  /** 0: no history. */
  readonly bytes: number;
  /** 0: of any age. */
  readonly seconds: number;
}

/** Versions up to this one are older than `seconds`; 0 when these don't matter. */
export function versionOfAge(clock: Clock, seconds: number): number {
  if (seconds === 0) return 0;
  return Math.max(0, (Math.floor(clock.now()) - seconds * 1000 - oracleEpochMs) * timestampsPerMs);
}
