/** A moment that a restore goes to: a version, or a time, which is the last version that can be of its millisecond. */
import { type Clock, KvError } from '@holdfast/common';
import { oracleEpochMs, timestampsPerMs } from '@holdfast/tso';
import { UsageError } from '../exit-codes.js';

/** Throws KvError INVALID when it is neither, or has not come yet. */
export function versionAsOf(text: string, clock: Clock): number {
  const version = /^\d+$/.test(text) ? Number(text) : lastVersionAt(Date.parse(text));
  if (!(version > 0))
    throw new UsageError(`'${text}' is neither a version nor a time such as 2026-11-26T15:00:00Z`);
  if (version > lastVersionAt(clock.now())) throw new KvError('INVALID', `${text} has not come yet`);
  return version;
}

function lastVersionAt(ms: number): number {
  return (Math.floor(ms) - oracleEpochMs + 1) * timestampsPerMs - 1;
}
