/** Calls that their caller gives up by an AbortSignal. */
import { KvError } from '@holdfast/common';

/** What is to be given up by each signal: one listener for all of its calls, or Node warns of a leak at the eleventh. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Of a call that was given up: `code` says whether it may have been done. */
export function abortedError(signal: AbortSignal, code: 'UNAVAILABLE' | 'UNDETERMINED'): KvError {
  return new KvError(code, 'the call was aborted', { cause: signal.reason });
}

/** Calls `giveUp` when `signal` aborts, until what is returned is called. */
export function onAbort(signal: AbortSignal, giveUp: () => void): () => void {
  let calls = waiting.get(signal);
  if (calls === undefined) {
    calls = new Set();
    waiting.set(signal, calls);
    signal.addEventListener('abort', abortAll);
  }
  const those = calls;
  those.add(giveUp);
  return () => {
    those.delete(giveUp);
    if (those.size > 0 || waiting.get(signal) !== those) return;
    waiting.delete(signal);
    signal.removeEventListener('abort', abortAll);
  };
}

function abortAll(this: AbortSignal): void {
  for (const giveUp of [...(waiting.get(this) ?? [])]) giveUp();
}

/** What `call` settles with; `giveUp` is called when `signal` aborts before, and must make it settle. */
export async function untilAborted<R>(call: Promise<R>, signal: AbortSignal, giveUp: () => void): Promise<R> {
  const stop = onAbort(signal, giveUp);
  try {
    return await call;
  } catch (error) {
    const isGivenUp =
      signal.aborted &&
      error instanceof KvError &&
      (error.code === 'UNAVAILABLE' || error.code === 'UNDETERMINED');
    throw isGivenUp ? abortedError(signal, error.code as 'UNAVAILABLE' | 'UNDETERMINED') : error;
  } finally {
    stop();
  }
}
