/** How what can't be done is said in `kv.v1.Admin`: the one table. */
import { status as codes, type StatusObject } from '@grpc/grpc-js';
import { type ErrorCode, KvError } from '@holdfast/common';
import { statusOf } from '@holdfast/rpc';

interface Said {
  readonly status: number;
  readonly reason: string;
}

const invalid: Said = { status: codes.INVALID_ARGUMENT, reason: 'INVALID' };
const unavailable: Said = { status: codes.UNAVAILABLE, reason: 'UNAVAILABLE' };
const undetermined: Said = { status: codes.UNKNOWN, reason: 'UNDETERMINED' };

const saidByCode: Partial<Record<ErrorCode, Said>> = {
  INVALID: invalid,
  LIMIT: invalid,
  COMPACTED: { status: codes.OUT_OF_RANGE, reason: 'COMPACTED' },
  REFUSED: { status: codes.FAILED_PRECONDITION, reason: 'NOT_LEADER' },
  UNDETERMINED: undetermined,
  UNAVAILABLE: unavailable,
  CLOSED: unavailable,
  DISK: unavailable,
};

export function callStatus(error: unknown): StatusObject {
  const { status, reason } = (error instanceof KvError && saidByCode[error.code]) || undetermined;
  const message = error instanceof KvError ? error.message : 'the process failed; its log says why';
  return statusOf(status, message, { reason, metadata: {} });
}

export function unsupported(what: string): StatusObject {
  return statusOf(codes.UNIMPLEMENTED, what, { reason: 'UNSUPPORTED', metadata: {} });
}
