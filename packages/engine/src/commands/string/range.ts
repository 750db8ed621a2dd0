/** GETRANGE and its old name SUBSTR. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';

/** Replies the bytes from `start` to `end`, both included; negative ones count from the end. */
export function replyRange(ctx: Context, key: number, start: number, end: number, reply: Reply): void {
  const { db } = ctx;
  const ref = ctx.string(key);
  if (ref < 0) return;
  if (ref === 0) return reply.byteString('');
  db.readString(ref);
  const length = db.valueLength;
  if (start < 0 && end < 0 && start > end) return reply.byteString('');
  const first = Math.max(start < 0 ? start + length : start, 0);
  const last = Math.min(Math.max(end < 0 ? end + length : end, 0), length - 1);
  if (first > last || length === 0) return reply.byteString('');
  reply.bulk(db.valueBytes, db.valueStart + first, last - first + 1);
}
