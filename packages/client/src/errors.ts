/** Error replies, and answers that did not come, as KvError. */
import { type ErrorCode, KvError } from '@holdfast/common';

/** First word of an error reply -> code. Others are COMMAND. */
const codeByReason = new Map<string, ErrorCode>([
  ['WRONGTYPE', 'WRONGTYPE'],
  ['VERSION_MISMATCH', 'VERSION_MISMATCH'],
  ['NOAUTH', 'DENIED'],
  ['WRONGPASS', 'DENIED'],
  ['NOPERM', 'DENIED'],
  ['DENIED', 'DENIED'],
  ['INVALID', 'INVALID'],
  ['LIMIT', 'LIMIT'],
  ['MISCONF', 'UNAVAILABLE'],
  ['LOADING', 'UNAVAILABLE'],
  ['BUSY', 'UNAVAILABLE'],
  ['TRYAGAIN', 'UNAVAILABLE'],
  ['CLUSTERDOWN', 'UNAVAILABLE'],
  ['MASTERDOWN', 'UNAVAILABLE'],
  ['NOREPLICAS', 'UNAVAILABLE'],
  ['UNDETERMINED', 'UNDETERMINED'],
]);

/** An error reply. `version` is the key's, with VERSION_MISMATCH. */
export function replyError(message: string, version: number): KvError {
  const reply = message.split(' ', 1)[0];
  return new KvError(codeByReason.get(reply) ?? 'COMMAND', message, { reply, version });
}

/** Nobody answered. A write that was sent may have been done. */
export function noAnswer(isHarmless: boolean, message: string, cause?: unknown): KvError {
  return new KvError(isHarmless ? 'UNAVAILABLE' : 'UNDETERMINED', message, { cause });
}

export function closedError(): KvError {
  return new KvError('CLOSED', 'the store was closed');
}
