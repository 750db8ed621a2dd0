import { expiryMsMax } from '../../expiry-options.js';

/**
 * Remaining milliseconds, at most `expiryMsMax`, however far away Redis' commands set it; -1 for a key that does not
 * expire. `expiryMs` as the database has it.
 */
export function ttlOf(expiryMs: number, nowMs: number): number {
  return expiryMs === 0 ? -1 : Math.min(expiryMs - nowMs, expiryMsMax);
}
