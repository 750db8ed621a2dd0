import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';

/** Replies the string at a record, or null for record 0. */
export function replyString({ db }: Context, ref: number, reply: Reply): void {
  if (ref === 0) return reply.null();
  db.readString(ref);
  reply.bulk(db.valueBytes, db.valueStart, db.valueLength);
}
