/**
 * Timestamps for writes. A timestamp is a positive safe integer: milliseconds since 2024-01-01 UTC
 * times 4,096, plus a counter (41 + 12 bits). The timestamp of a write is the version of the keys it
 * touched.
 */

/** 2024-01-01T00:00:00Z in milliseconds since 1970. */
export const oracleEpochMs = 1_704_067_200_000;

/** Timestamps within one millisecond: the counter's 12 bits. */
export const timestampsPerMs = 4096;

export interface Oracle {
  /**
   * Takes `count` timestamps and returns the first; the others follow it without a gap. Strictly
   * greater than every timestamp that this oracle ever returned, over restarts and backward clocks. Synchronous:
   * implementations that must ask elsewhere hold a range ahead, so that another client of theirs may have been
   * given greater ones before.
   * Throws KvError UNAVAILABLE when no range is held and none can be had yet.
   */
  next(count: number): number;
  /**
   * As `next`, and greater than every timestamp that anybody was given before this call: for writes that must be
   * ordered with those of other processes. Calls that are made while one is under way are gathered.
   * Rejects with KvError UNAVAILABLE when there is nobody to ask, after a time; LIMIT for too many; CLOSED.
   */
  fetch(count: number): Promise<number>;
  /** Resolves once `next` can be called and every timestamp it gives is covered by what is persisted. */
  ready(): Promise<void>;
  close(): Promise<void>;
}
