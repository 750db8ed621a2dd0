/** How a stream between gateway and node ends, in gRPC's terms. The replies of commands pass as they are. */
import { status as codes, type StatusObject } from '@grpc/grpc-js';
import { KvError } from '@holdfast/common';
import { statusOf } from '@holdfast/rpc';

const statusByCode: Readonly<Record<string, number>> = {
  CLOSED: codes.UNAVAILABLE,
  LIMIT: codes.RESOURCE_EXHAUSTED,
};

/** The status that ends a stream. */
export function streamStatus(error: KvError): StatusObject {
  const status = statusByCode[error.code] ?? codes.INVALID_ARGUMENT;
  return statusOf(status, `${error.code} ${error.message}`, { reason: error.code, metadata: {} });
}

/** What was sent is no message of this protocol, or contradicts itself. */
export function invalidMessage(what: string): KvError {
  return new KvError('INVALID', what);
}
