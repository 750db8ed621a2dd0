/** XRANGE and XREVRANGE. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import { bytes, integer, key, notAnInteger, option, syntaxError, unparsed } from '../../grammar.js';
import { IdRange } from './ids.js';
import { findStream, replyRange } from './streams.js';

const range = new IdRange();

export const rangeKey = () => ({ key: key('RO', 'access') });
export const rangeCount = () => ({ count: unparsed(option('COUNT', { count: integer() })) });
export const rangeEnd = bytes;

/** Replies a range whose least and greatest id are at these arguments. */
export function replyIdRange(
  ctx: Context,
  startAt: number,
  endAt: number,
  isReverse: boolean,
  reply: Reply,
): void {
  const problem = range.read(ctx.request, startAt, endAt);
  if (problem !== null) return reply.error(problem);
  const count = readCount(ctx, 4, reply);
  if (count < 0) return;
  const stream = findStream(ctx, 1);
  if (stream === undefined) return;
  if (stream === null) return reply.array(0);
  if (count === 0) return reply.nullArray();
  replyRange(reply, stream, range.start, range.end, count, isReverse);
}

/** `COUNT n` from an argument on, given any number of times: Infinity when it is not, -1 after replying an error. */
function readCount({ request }: Context, first: number, reply: Reply): number {
  let count = Number.POSITIVE_INFINITY;
  for (let at = first; at < request.count; at += 2) {
    if (!request.is(at, 'COUNT') || at + 1 === request.count) {
      reply.error(syntaxError);
      return -1;
    }
    count = Math.max(0, request.integer(at + 1));
    if (Number.isNaN(count)) {
      reply.error(notAnInteger);
      return -1;
    }
  }
  return count;
}
