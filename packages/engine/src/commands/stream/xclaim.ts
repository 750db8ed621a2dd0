import { StreamId, StreamIds } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes, integer, key, option, repeat, token, unixTime, unparsed } from '../../grammar.js';
import { Claim, claimNames, findClaimGroup, namesBytes, readMinIdle } from './claiming.js';
import { invalidId, readId } from './ids.js';
import { passClaim, passPosition } from './propagating.js';
import { ids, nameProblem, readStream, takeConsumer } from './streams.js';

/** The options behind the ids: to be filled by each call. */
class ClaimOptions {
  /** When the entries were delivered, as is said; NaN when it is not said. */
  timeMs = Number.NaN;
  /** How often they were; -1 when it is not said. */
  deliveries = -1;
  isForced = false;
  isJustId = false;
  readonly lastId = new StreamId();

  /** Reads from an argument to the end; what is wrong, or null. */
  read({ nowMs, request }: Context, first: number): string | null {
    for (let at = first; at < request.count; at++) {
      const hasMore = at + 1 < request.count;
      if (request.is(at, 'FORCE')) this.isForced = true;
      else if (request.is(at, 'JUSTID')) this.isJustId = true;
      else if (hasMore && request.is(at, 'LASTID')) {
        if (!readId(request, ++at, this.lastId)) return invalidId;
      } else {
        const word = hasMore ? numbered.find((each) => request.is(at, each)) : undefined;
        if (word === undefined) return `ERR Unrecognized XCLAIM option '${request.quoted(at)}'`;
        const n = request.integer(++at);
        if (Number.isNaN(n)) return `ERR Invalid ${word} option argument for XCLAIM`;
        if (word === 'RETRYCOUNT') this.deliveries = n;
        else this.timeMs = word === 'IDLE' ? nowMs - n : n;
      }
    }
    return null;
  }
}

const numbered = ['IDLE', 'TIME', 'RETRYCOUNT'] as const;
const id = new StreamId();

export const xclaim = defineCommand({
  id: 711,
  name: 'XCLAIM',
  group: 'stream',
  since: '5.0.0',
  complexity: 'O(log N) with N being the number of messages in the PEL of the consumer group.',
  summary:
    'Changes, or acquires, ownership of a message in a consumer group, as if the message was delivered a consumer group member.',
  flags: ['write', 'fast'],
  tips: ['nondeterministic_output'],
  args: {
    key: key('RW', 'update'),
    ...claimNames(),
    ID: unparsed(repeat(bytes())),
    ms: unparsed(option('IDLE', { ms: integer() })),
    'unix-time-milliseconds': unparsed(option('TIME', { time: unixTime() })),
    count: unparsed(option('RETRYCOUNT', { count: integer() })),
    force: unparsed(token('FORCE')),
    justid: unparsed(token('JUSTID')),
    lastid: unparsed(option('LASTID', { lastid: bytes() })),
  },
  run(ctx, args, reply) {
    const stream = readStream(ctx, args.key);
    if (stream === undefined) return;
    const group = findClaimGroup(ctx, stream);
    if (stream === null || group === null) return;
    const idleMs = readMinIdle(ctx);
    if (Number.isNaN(idleMs)) return;
    const options = new ClaimOptions();
    const problem = options.read(ctx, readLeadingIds(ctx)) ?? nameProblem(ctx, args.consumer);
    if (problem !== null) return reply.error(problem);
    ctx.admitEach(args.key, ids.count, namesBytes(ctx));
    const isAhead = options.lastId.compare(group.lastId) > 0;
    if (isAhead) stream.setGroup(group, options.lastId, group.entriesRead);
    ctx.propagation?.nothing();
    const consumer = takeConsumer(ctx, args.key, stream, group, args.consumer, false);
    const claim = new Claim(stream, group, consumer, ctx.nowMs);
    for (let i = 0; i < ids.count; i++) claimOne(ctx, claim, ids.read(i, id), idleMs, options);
    claim.passOn(ctx, args.key);
    if (claim.count === 0 && isAhead) passPosition(ctx, args.key, group);
    claim.finish(options.isJustId, reply);
  },
});

/** Reads the ids from argument 5 on into `ids`, up to the first that is none; its position. */
function readLeadingIds({ request }: Context): number {
  let at = 5;
  for (ids.clear(); at < request.count && readId(request, at, id); at++) ids.push(id);
  return at;
}

function claimOne(ctx: Context, claim: Claim, id: StreamId, idleMs: number, options: ClaimOptions): void {
  const { nowMs } = ctx;
  const { group, stream } = claim;
  const ref = group.pending.find(id);
  if (!stream.has(id)) {
    // What is gone from the stream can't be processed by anybody.
    if (ref === 0) return;
    passClaim(ctx, 1, group, id);
    stream.acknowledge(group, StreamIds.of(id));
    return;
  }
  if (ref === 0 && !options.isForced) return;
  if (ref !== 0 && idleMs > 0 && nowMs - group.timeOf(ref) < idleMs) return;
  const { isJustId, timeMs } = options;
  const before = ref === 0 ? 1 : group.countOf(ref);
  const deliveries = options.deliveries >= 0 ? options.deliveries : before + (isJustId ? 0 : 1);
  claim.take(id, timeMs >= 0 && timeMs <= nowMs ? timeMs : nowMs, deliveries);
}
