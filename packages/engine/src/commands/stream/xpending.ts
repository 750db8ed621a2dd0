import type { Reply } from '@holdfast/common';
import { type StreamConsumer, type StreamGroup, StreamId } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes, described, key, notAnInteger, syntaxError } from '../../grammar.js';
import { IdRange, replyId } from './ids.js';
import { findConsumer, findGroup, noSuchGroup, readStream } from './streams.js';

const range = new IdRange();
const id = new StreamId();
const text = (name: string, flags: readonly string[] = []) => ({ name, type: 'string', flags });

/** The longer form: which of the entries are wanted. */
interface Filter {
  readonly idleMs: number;
  readonly count: number;
  /** Argument of the consumer, 0 for all. */
  readonly consumerAt: number;
}

export const xpending = defineCommand({
  id: 710,
  name: 'XPENDING',
  group: 'stream',
  since: '5.0.0',
  complexity:
    'O(N) with N being the number of elements returned, so asking for a small fixed number of entries per call is O(1). O(M), where M is the total number of entries scanned when used with the IDLE filter. When the command returns just the summary and the list of consumers is small, it runs in O(1) time; otherwise, an additional O(N) time for iterating every consumer.',
  summary: "Returns the information and entries from a stream consumer group's pending entries list.",
  flags: ['readonly'],
  tips: ['nondeterministic_output'],
  args: {
    key: key('RO', 'access'),
    group: bytes(),
    filters: described({
      type: 'block',
      arguments: [
        { name: 'min-idle-time', type: 'integer', token: 'IDLE', flags: ['optional'] },
        text('start'),
        text('end'),
        { name: 'count', type: 'integer', flags: [] },
        text('consumer', ['optional']),
      ],
    }),
  },
  run(ctx, args, reply) {
    const isSummary = ctx.request.count === 3;
    const filter = isSummary ? null : readFilter(ctx);
    if (typeof filter === 'string') return reply.error(filter);
    const stream = readStream(ctx, args.key);
    if (stream === undefined) return;
    const group = stream === null ? null : findGroup(ctx, stream, args.group);
    if (group === null) return reply.error(noSuchGroup(ctx, args.key, args.group));
    if (filter === null) return replySummary(group, reply);
    if (filter.consumerAt === 0) return replyPending(ctx, group, group, filter, reply);
    const consumer = findConsumer(ctx, group, filter.consumerAt);
    if (consumer === null) return reply.array(0);
    replyPending(ctx, group, consumer, filter, reply);
  },
});

/** `[IDLE ms] start end count [consumer]` from argument 3 on, or what is wrong with it. */
function readFilter({ request }: Context): Filter | string {
  const { count } = request;
  if (count < 6 || count > 9) return syntaxError;
  const hasIdle = request.is(3, 'IDLE');
  const idleMs = hasIdle ? request.integer(4) : 0;
  if (Number.isNaN(idleMs)) return notAnInteger;
  if (hasIdle && count < 8) return syntaxError;
  const first = hasIdle ? 5 : 3;
  const countMax = request.integer(first + 2);
  if (Number.isNaN(countMax)) return notAnInteger;
  const problem = range.read(request, first, first + 1);
  if (problem !== null) return problem;
  return { idleMs, count: Math.max(0, countMax), consumerAt: first + 3 < count ? first + 3 : 0 };
}

function replySummary({ consumers, pending }: StreamGroup, reply: Reply): void {
  reply.array(4);
  reply.integer(pending.size);
  if (pending.size === 0) {
    reply.null();
    reply.null();
    return reply.nullArray();
  }
  replyId(reply, pending.readId(pending.first(), id));
  replyId(reply, pending.readId(pending.last(), id));
  const busy = consumers.filter((consumer) => consumer.pending.size > 0);
  reply.array(busy.length);
  for (const consumer of busy) {
    reply.array(2);
    reply.byteString(consumer.name);
    reply.byteString(String(consumer.pending.size));
  }
}

/** Replies pending entries of a group, or of one of its consumers. */
function replyPending(
  { nowMs }: Context,
  group: StreamGroup,
  { pending }: StreamGroup | StreamConsumer,
  { count, idleMs }: Filter,
  reply: Reply,
): void {
  const found: number[] = [];
  for (let ref = pending.seek(range.start); ref !== 0 && found.length < count; ref = pending.next()) {
    if (pending.readId(ref, id).compare(range.end) > 0) break;
    if (idleMs === 0 || nowMs - group.timeOf(ref) >= idleMs) found.push(ref);
  }
  reply.array(found.length);
  for (const ref of found) {
    reply.array(4);
    replyId(reply, pending.readId(ref, id));
    reply.byteString(group.ownerOf(ref).name);
    reply.integer(Math.max(0, nowMs - group.timeOf(ref)));
    reply.integer(group.countOf(ref));
  }
}
