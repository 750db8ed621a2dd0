// @hot-path
import { bytesEqual, type Reply } from '@holdfast/common';
import type { Context } from '../../context.js';

/** Replies the string at a record, or null for record 0. */
export function replyString({ db }: Context, ref: number, reply: Reply): void {
  if (ref === 0) return reply.null();
  db.readString(ref);
  reply.bulk(db.valueBytes, db.valueStart, db.valueLength);
}

/** Whether the string at a record equals argument `i`; record 0 equals nothing. */
export function holds({ db, request }: Context, ref: number, i: number): boolean {
  if (ref === 0) return false;
  const length = request.length(i);
  db.readString(ref);
  if (db.valueLength !== length) return false;
  return bytesEqual(db.valueBytes, db.valueStart, request.bytes, request.start(i), length);
}
