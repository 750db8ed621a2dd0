/** What the reads of a request promise: see `Freshness` in kv.proto. */
import { KvError } from '@holdfast/common';
import type { ReadMode, Session } from '@holdfast/coord';

export const unknownFreshness = 'freshness must be 0 to 3';

/** By the numbers of `kv.Freshness`; null for what the session began with. */
const modes: readonly (ReadMode | null)[] = [null, 'linearizable', 'lease', 'stale'];

export function isFreshness(n: number): boolean {
  return n >= 0 && n < modes.length;
}

/** For the session's next request. Throws KvError INVALID. */
export function setFreshness(session: Session, freshness: number): void {
  if (!isFreshness(freshness)) throw new KvError('INVALID', unknownFreshness);
  session.readMode = modes[freshness] ?? session.usualReadMode;
}
