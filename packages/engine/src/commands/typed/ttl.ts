/** Remaining milliseconds; -1 for a key that does not expire. `expiryMs` as the database has it. */
export function ttlOf(expiryMs: number, nowMs: number): number {
  return expiryMs === 0 ? -1 : expiryMs - nowMs;
}
