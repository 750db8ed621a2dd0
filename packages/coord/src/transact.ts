/** Several commands as one, guarded by the versions of keys: WATCH, MULTI and EXEC on behalf of one call. */
import { ErrorReply, type ReplyValue } from '@holdfast/common';
import type { Answer, Caller } from './caller.js';

export interface Comparison {
  readonly key: Uint8Array;
  /** 0: there is no such key. */
  readonly expectedVersion: number;
}

/** What EXEC says before why nothing was done: which no caller of `transact` wants to hear first, or instead. */
export const discardedBecause = 'EXECABORT Transaction discarded because of: ';

/** The replies as an array; or an error reply, and nothing was done. */
export async function transact(
  caller: Caller,
  comparisons: readonly Comparison[],
  commands: readonly (readonly Uint8Array[])[],
): Promise<Answer> {
  if (comparisons.length > 0) {
    const refusal = await compare(caller, comparisons);
    if (refusal !== null) return refusal;
  }
  const begun = await caller.run(['MULTI']);
  if (begun.value instanceof ErrorReply) return begun;
  for (const args of commands) {
    const answer = await caller.run(args);
    if (!(answer.value instanceof ErrorReply)) continue;
    await caller.run(['DISCARD']);
    return answer;
  }
  const answer = await caller.run(['EXEC']);
  return answer.value === null ? mismatch('a compared key was changed meanwhile', 0) : withCause(answer);
}

/** Of a transaction that was refused as a whole, the reason why: servers of a cluster are asked when all is queued. */
function withCause({ value, version }: Answer): Answer {
  if (!(value instanceof ErrorReply) || !value.message.startsWith(discardedBecause))
    return { value, version };
  return { value: new ErrorReply(value.message.slice(discardedBecause.length)), version };
}

/** Watches the keys and looks at their versions; null when all are as expected. */
async function compare(caller: Caller, comparisons: readonly Comparison[]): Promise<Answer | null> {
  const keys = comparisons.map(({ key }) => key);
  const watched = await caller.run(['WATCH', ...keys]);
  if (watched.value instanceof ErrorReply) return watched;
  const { value } = await caller.run(['KV.MGET', ...keys]);
  if (value instanceof ErrorReply) return { value, version: 0 };
  for (const [i, item] of (value as ReplyValue[]).entries()) {
    const version = item === null ? 0 : (item as [number, number])[1];
    const expected = comparisons[i].expectedVersion;
    if (version === expected) continue;
    await caller.run(['UNWATCH']);
    return mismatch(`compared key ${i} is at version ${version}, not ${expected}`, version);
  }
  return null;
}

function mismatch(text: string, version: number): Answer {
  return { value: new ErrorReply(`VERSION_MISMATCH ${text}`), version };
}
