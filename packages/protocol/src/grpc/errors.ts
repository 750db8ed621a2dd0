/** How replies of an error, and errors of this side, are said in gRPC: the one table. */
import { status as codes, type StatusObject } from '@grpc/grpc-js';
import { type ErrorReply, KvError } from '@holdfast/common';
import { statusOf } from '@holdfast/rpc';

/** First word of an error reply -> status. Words that are not here are INVALID_ARGUMENT. */
const statusByReason = new Map<string, number>([
  ['WRONGTYPE', codes.FAILED_PRECONDITION],
  ['VERSION_MISMATCH', codes.ABORTED],
  ['NOAUTH', codes.UNAUTHENTICATED],
  ['WRONGPASS', codes.UNAUTHENTICATED],
  ['NOPERM', codes.PERMISSION_DENIED],
  ['DENIED', codes.PERMISSION_DENIED],
  ['OOM', codes.RESOURCE_EXHAUSTED],
  ['LIMIT', codes.RESOURCE_EXHAUSTED],
  ['MISCONF', codes.UNAVAILABLE],
  ['LOADING', codes.UNAVAILABLE],
  ['BUSY', codes.UNAVAILABLE],
  ['TRYAGAIN', codes.UNAVAILABLE],
  ['CLUSTERDOWN', codes.UNAVAILABLE],
  ['MASTERDOWN', codes.UNAVAILABLE],
  ['NOREPLICAS', codes.UNAVAILABLE],
  ['READONLY', codes.FAILED_PRECONDITION],
  ['CLOSED', codes.UNAVAILABLE],
  ['UNDETERMINED', codes.UNKNOWN],
  ['NOSCRIPT', codes.NOT_FOUND],
  ['NOGROUP', codes.NOT_FOUND],
  ['BUSYGROUP', codes.ALREADY_EXISTS],
  ['BUSYKEY', codes.ALREADY_EXISTS],
  ['CANCELLED', codes.CANCELLED],
  ['UNBLOCKED', codes.CANCELLED],
  ['INTERNAL', codes.INTERNAL],
]);

export interface Failure {
  /** A google.rpc.Code. */
  readonly status: number;
  readonly reason: string;
  /** The reason included, as a Redis client sees it. */
  readonly message: string;
  /** With VERSION_MISMATCH: the version that the key is at. */
  readonly version: number;
}

/** `message` as an error reply has it; `version` of the key that the command looked at. */
export function failureOf(message: string, version: number): Failure {
  const word = message.split(' ', 1)[0];
  const reason = /^[A-Z][A-Z0-9_]*$/.test(word) ? word : 'ERR';
  return {
    status: statusByReason.get(reason) ?? codes.INVALID_ARGUMENT,
    reason,
    message,
    version: reason === 'VERSION_MISMATCH' ? version : 0,
  };
}

/** An error reply as an exception, for calls that have no other result. */
export function errorOf(reply: ErrorReply, version: number): KvError {
  return new KvError('COMMAND', reply.message, { reply: reply.code, version });
}

/** The status that ends a call. */
export function callStatus(error: unknown): StatusObject {
  const { status, reason, message, version } = failureOf(messageOf(error), versionOf(error));
  return statusOf(status, message, {
    reason,
    metadata: reason === 'VERSION_MISMATCH' ? { version: String(version) } : {},
  });
}

/** An error of this side as an error reply says it. */
export function messageOf(error: unknown): string {
  if (!(error instanceof KvError)) return 'INTERNAL the server failed';
  return error.code === 'COMMAND' ? error.message : `${error.code} ${error.message}`;
}

function versionOf(error: unknown): number {
  return error instanceof KvError ? error.version : 0;
}
