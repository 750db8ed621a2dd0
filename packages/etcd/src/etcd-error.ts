/**
 * What an error of a call says about the call. etcd gives no details beside status and text, so its texts are
 * looked at here, and nowhere else.
 */
import { status } from '@grpc/grpc-js';
import { type ErrorCode, KvError } from '@holdfast/common';

/** A call that did not succeed. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

/** Statuses with which etcd refuses a request before or while it is applied, without having changed anything. */
const refusals: Partial<Record<status, ErrorCode>> = {
  [status.INVALID_ARGUMENT]: 'INVALID',
  [status.NOT_FOUND]: 'INVALID',
  [status.FAILED_PRECONDITION]: 'INVALID',
  [status.OUT_OF_RANGE]: 'INVALID',
  [status.UNIMPLEMENTED]: 'INVALID',
  [status.PERMISSION_DENIED]: 'DENIED',
  [status.UNAUTHENTICATED]: 'DENIED',
};

/** The quota is used up. The request may have been applied all the same: see `errorOf`. */
const noSpace = 'database space exceeded';
const requestTooLarge = 'request is too large';
/** Refused before it was proposed: too much is waiting. */
const tooManyRequests = 'too many requests';
/** Bad credentials, or none, which etcd counts among bad arguments. */
const denials = ['authentication failed', 'user name is empty', 'permission denied'];

/**
 * The error to throw for a call.
 * - DISK: the quota is used up. Whether the request was applied is not known, because the request that goes
 *   over the quota is applied and answered with this; but it is not on its way any more.
 * - INVALID, DENIED, LIMIT: refused, nothing was changed.
 * - UNAVAILABLE: a read that was not answered, or refused before anything was done.
 * - UNDETERMINED: a change that may have been made, or may yet be made.
 */
export function errorOf(error: CallError, endpoint: string, isChange: boolean): KvError {
  const code = codeOf(error, isChange);
  return new KvError(code, `etcd at ${endpoint}: ${error.message}`, { cause: error });
}

function codeOf({ code, message }: CallError, isChange: boolean): ErrorCode {
  if (code === status.RESOURCE_EXHAUSTED) {
    if (message.includes(noSpace)) return 'DISK';
    if (message.includes(tooManyRequests)) return 'UNAVAILABLE';
  }
  if (message.includes(requestTooLarge)) return 'LIMIT';
  if (denials.some((text) => message.includes(text))) return 'DENIED';
  return refusals[code] ?? (isChange ? 'UNDETERMINED' : 'UNAVAILABLE');
}

/** Whether another endpoint may do better. */
export function isEndpointError(error: KvError): boolean {
  return error.code === 'UNAVAILABLE' || error.code === 'UNDETERMINED';
}

/** Whether a read failed because the history it was to read is compacted. */
export function isCompacted(error: unknown): boolean {
  if (!(error instanceof KvError)) return false;
  return (error.cause as CallError | undefined)?.code === status.OUT_OF_RANGE;
}

/** Whether the token of a user is no longer taken. */
export function isTokenError({ cause }: KvError): boolean {
  return (cause as CallError | undefined)?.code === status.UNAUTHENTICATED;
}
