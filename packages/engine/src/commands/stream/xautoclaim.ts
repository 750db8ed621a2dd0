import type { Reply } from '@holdfast/common';
import { StreamId, StreamIds } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes, integer, key, option, syntaxError, token, unparsed } from '../../grammar.js';
import { Claim, claimNames, findClaimGroup, namesBytes, readMinIdle } from './claiming.js';
import { IdRange, replyId } from './ids.js';
import { passClaim } from './propagating.js';
import { nameProblem, readStream, takeConsumer } from './streams.js';

const countDefault = 100;
/** So many pending entries are looked at for each that may be claimed. */
const looksPerClaim = 10;
const countMax = Math.floor(2 ** 63 / 16);

const range = new IdRange();
const id = new StreamId();

export const xautoclaim = defineCommand({
  id: 712,
  name: 'XAUTOCLAIM',
  group: 'stream',
  since: '6.2.0',
  complexity: 'O(1) if COUNT is small.',
  summary:
    'Changes, or acquires, ownership of messages in a consumer group, as if the messages were delivered to as consumer group member.',
  flags: ['write', 'fast'],
  tips: ['nondeterministic_output'],
  args: {
    key: key('RW', 'delete'),
    ...claimNames(),
    start: bytes(),
    count: unparsed(option('COUNT', { count: integer() })),
    justid: unparsed(token('JUSTID')),
  },
  run(ctx, args, reply) {
    const idleMs = readMinIdle(ctx);
    if (Number.isNaN(idleMs)) return;
    const problem = range.readStart(ctx.request, args.start) ?? nameProblem(ctx, args.consumer);
    if (problem !== null) return reply.error(problem);
    const options = readOptions(ctx, args.start + 1);
    if (typeof options === 'string') return reply.error(options);
    const stream = readStream(ctx, args.key);
    if (stream === undefined) return;
    const group = findClaimGroup(ctx, stream);
    if (stream === null || group === null) return;
    ctx.admitEach(args.key, Math.min(options.count, group.pending.size), namesBytes(ctx));
    ctx.propagation?.nothing();
    const consumer = takeConsumer(ctx, args.key, stream, group, args.consumer, false);
    const claim = new Claim(stream, group, consumer, ctx.nowMs);
    const deleted = new StreamIds();
    const next = claimIdle(ctx, claim, idleMs, options, deleted);
    claim.passOn(ctx, args.key);
    reply.array(3);
    replyId(reply, next);
    claim.finish(options.isJustId, reply);
    replyIds(deleted, reply);
  },
});

interface AutoClaimOptions {
  readonly count: number;
  readonly isJustId: boolean;
}

function readOptions({ request }: Context, first: number): AutoClaimOptions | string {
  let count = countDefault;
  let isJustId = false;
  for (let at = first; at < request.count; at++) {
    if (request.is(at, 'JUSTID')) {
      isJustId = true;
    } else if (request.is(at, 'COUNT') && at + 1 < request.count) {
      count = request.integer(++at);
      if (!(count >= 1 && count <= countMax)) return 'ERR COUNT must be > 0';
    } else {
      return syntaxError;
    }
  }
  return { count, isJustId };
}

/**
 * Claims what has been idle for long enough, from the start of the range on, and takes from the pending entries
 * those that are gone from the stream: these go to `deleted`. Returns the id where the next call may go on.
 */
function claimIdle(
  ctx: Context,
  claim: Claim,
  idleMs: number,
  { count, isJustId }: AutoClaimOptions,
  deleted: StreamIds,
): StreamId {
  const { nowMs } = ctx;
  const { group, stream } = claim;
  const { pending } = group;
  let ref = pending.seek(range.start);
  for (let looks = count * looksPerClaim; looks > 0 && ref !== 0; looks--) {
    if (claim.count + deleted.count === count) break;
    pending.readId(ref, id);
    if (!stream.has(id)) {
      deleted.push(id);
      passClaim(ctx, 1, group, id);
      stream.acknowledge(group, StreamIds.of(id));
      ref = pending.seek(id);
      continue;
    }
    if (idleMs === 0 || nowMs - group.timeOf(ref) >= idleMs) {
      claim.take(id, nowMs, group.countOf(ref) + (isJustId ? 0 : 1));
      // Claiming looked the entry up: the walk stands at it again.
      pending.seek(id);
    }
    ref = pending.next();
  }
  return ref === 0 ? id.toZero() : pending.readId(ref, id);
}

function replyIds(deleted: StreamIds, reply: Reply): void {
  reply.array(deleted.count);
  for (let i = 0; i < deleted.count; i++) replyId(reply, deleted.read(i, id));
}
