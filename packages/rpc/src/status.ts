/**
 * Errors on the wire: a google.rpc.Status with one ErrorInfo, in the trailer that gRPC reserves for it.
 * Clients tell errors apart by `reason`; nobody matches on text.
 */
import { Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { ErrorInfo } from './gen/google/rpc/error_details.js';
import { Status } from './gen/google/rpc/status.js';

const trailer = 'grpc-status-details-bin';
const errorInfoUrl = 'type.googleapis.com/google.rpc.ErrorInfo';

/** The domain of all reasons of this project. */
export const errorDomain = 'holdfast';

/** A trailer is a header: HTTP/2 peers refuse large ones. */
const messageCharactersMax = 1024;

export interface ErrorDetails {
  /** UPPER_SNAKE_CASE. */
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Half of a pair: grpc-js, which percent-encodes the text, throws at one, and nobody catches that. */
const loneSurrogates = /\p{Surrogate}/gu;

/** A status to end a call with. `code` is a google.rpc.Code. */
export function statusOf(code: number, message: string, details: ErrorDetails): StatusObject {
  const text = message.slice(0, messageCharactersMax).replace(loneSurrogates, '\ufffd');
  const info = ErrorInfo.create({ reason: details.reason, domain: errorDomain, metadata: details.metadata });
  const any = { typeUrl: errorInfoUrl, value: Buffer.from(ErrorInfo.encode(info).finish()) };
  const metadata = new Metadata();
  const status = Status.encode({ code, message: text, details: [any] }).finish();
  metadata.set(trailer, Buffer.from(status));
  return { code, details: text, metadata };
}

/** The details that a server of this project gave; null for errors of others, or of the transport. */
export function errorDetailsOf(error: Pick<ServiceError, 'metadata'>): ErrorDetails | null {
  const [bytes] = error.metadata?.get(trailer) ?? [];
  if (!Buffer.isBuffer(bytes)) return null;
  try {
    for (const { typeUrl, value } of Status.decode(bytes).details) {
      if (typeUrl !== errorInfoUrl) continue;
      const { reason, domain, metadata } = ErrorInfo.decode(value);
      if (domain === errorDomain) return { reason, metadata };
    }
  } catch {
    // Not protobuf: somebody else's trailer.
  }
  return null;
}
