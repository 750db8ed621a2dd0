/** Errors of calls and of the transport as KvError. */
import { status as codes, type ServiceError } from '@grpc/grpc-js';
import { KvError } from '@holdfast/common';
import { errorDetailsOf } from '@holdfast/rpc';
import { noAnswer, replyError } from './errors.js';

/** What ended a call. `isRead`: running it again does no harm. */
export function callError(error: ServiceError, isRead: boolean): KvError {
  const details = errorDetailsOf(error);
  if (details !== null && details.reason !== 'CLOSED') {
    const { version = '0' } = details.metadata;
    return replyError(error.details, Number(version));
  }
  if (error.code === codes.RESOURCE_EXHAUSTED) return new KvError('LIMIT', error.details, { cause: error });
  if (error.code === codes.UNIMPLEMENTED) return new KvError('INVALID', error.details, { cause: error });
  return noAnswer(isRead, error.details === '' ? error.message : error.details, error);
}
