// @hot-path
import type { Reply } from '@holdfast/common';
import {
  type StreamConsumer,
  type StreamGroup,
  StreamId,
  StreamIds,
  type StreamValue,
} from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes, option, token, unparsed } from '../../grammar.js';
import { invalidId, readId, replyId } from './ids.js';
import { readsAfter } from './lag.js';
import { passClaim, passPosition } from './propagating.js';
import { readBlock, readCount, readStreams, type StreamPlan, StreamRead, streamKeys } from './reading.js';
import { cursor, findGroup, nameProblem, readStream, replyEntry, takeConsumer } from './streams.js';

/** What is logged of a delivery beside names and ids, and of each id. */
const deliveryBytes = 128;
const idBytes = 16;

const meaninglessDollar =
  'ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.';

const call = new StreamRead();
const start = new StreamId();
const id = new StreamId();
const delivered = new StreamIds();
/** The last plan of each group, where a call names several streams: one may be there more than once. */
const planned = new Map<StreamGroup, StreamPlan>();

export const xreadgroup = defineCommand({
  id: 708,
  name: 'XREADGROUP',
  group: 'stream',
  since: '5.0.0',
  complexity:
    'For each stream mentioned: O(M) with M being the number of elements returned. If M is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1). On the other side when XREADGROUP blocks, XADD will pay the O(N) time in order to serve the N clients blocked on the stream getting new data.',
  summary:
    'Returns new or historical messages from a stream for a consumer in a group. Blocks until a message is available otherwise.',
  flags: ['blocking', 'write'],
  keySpecs: streamKeys(4),
  args: {
    'group-block': unparsed(option('GROUP', { group: bytes(), consumer: bytes() }, { required: true })),
    count: readCount(),
    milliseconds: readBlock(),
    noack: unparsed(token('NOACK')),
    streams: readStreams(),
  },
  run(ctx, _, reply) {
    // It leaves more behind than the same words would leave elsewhere: see `plan` and `deliver`.
    ctx.propagation?.nothing();
    const problem =
      call.read(ctx, true) ?? nameProblem(ctx, call.consumerAt) ?? look(ctx) ?? refusalByLog(ctx);
    if (problem !== null) {
      if (problem !== '') reply.error(problem);
      return call.clear();
    }
    plan(ctx);
    const { served } = call;
    if (served === 0) {
      call.wait(ctx, true, reply);
      return call.clear();
    }
    if (reply.dialect === 3) reply.map(served);
    else reply.array(served);
    for (let i = 0; i < call.streams; i++) {
      const each = call.plans[i];
      if (each.count === 0 && !each.isHistory) continue;
      call.replyKey(ctx, i, reply);
      if (each.isHistory) replyHistory(ctx, i, reply);
      else deliver(ctx, i, reply);
    }
    call.clear();
  },
});

/**
 * Why the log does not take what is delivered at most: the ids of what is new, and a record for each entry that is delivered
 * once more; null when it does.
 */
function refusalByLog({ request, storage }: Context): string | null {
  const { journal } = storage;
  if (journal === null) return null;
  const names = request.length(call.groupAt) + request.length(call.consumerAt);
  let bytes = 0;
  for (let i = 0; i < call.streams; i++) {
    const { isHistory, stream, group } = call.plans[i];
    const once = request.length(call.keyAt(i)) + names + deliveryBytes;
    const there = isHistory ? (group as StreamGroup).pending.size : (stream as StreamValue).size;
    const entries = Math.min(call.countMax, there);
    bytes += isHistory ? entries * once : entries * idBytes + once;
  }
  return journal.takes(bytes) ? null : `ERR ${journal.refusal}`;
}

/** Looks at all streams, groups and ids; what is wrong, '' when that was replied, or null. */
function look(ctx: Context): string | null {
  const { request } = ctx;
  for (let i = 0; i < call.streams; i++) {
    const stream = readStream(ctx, call.keyAt(i));
    if (stream === undefined) return '';
    const group = stream === null ? null : findGroup(ctx, stream, call.groupAt);
    if (stream === null || group === null) {
      const [key, name] = [request.quoted(call.keyAt(i)), request.quoted(call.groupAt)];
      return `NOGROUP No such key '${key}' or consumer group '${name}' in XREADGROUP with GROUP option`;
    }
    const each = call.plans[i];
    each.stream = stream;
    each.group = group;
    each.isResolved = false;
    const problem = readStart(ctx, each, call.idAt(i));
    if (problem !== null) return problem;
  }
  return null;
}

function readStart({ request }: Context, each: StreamPlan, at: number): string | null {
  const byte = request.length(at) === 1 ? request.bytes[request.start(at)] : 0;
  if (byte === 36) return meaninglessDollar;
  each.isHistory = byte !== 62;
  if (!each.isHistory) return null;
  if (!readId(request, at, each.after)) return invalidId;
  // The greatest id of all has always meant what is new.
  if (each.after.isMax) each.isHistory = false;
  return null;
}

/** Works out what each stream gives. The consumer has asked, whether there is something or not. */
function plan(ctx: Context): void {
  for (let i = 0; i < call.streams; i++) {
    const each = call.plans[i];
    const stream = each.stream as StreamValue;
    const group = each.group as StreamGroup;
    // As in XREAD.
    ctx.kv.stats.hits++;
    each.consumer = takeConsumer(ctx, call.keyAt(i), stream, group, call.consumerAt, !call.isKept);
    each.consumer.seenMs = ctx.nowMs;
    each.count = each.isHistory ? 0 : newEntries(each, group);
  }
  planned.clear();
}

/** How many new entries there are for the group, behind those that the same call reads before. */
function newEntries(each: StreamPlan, group: StreamGroup): number {
  if (call.streams === 1) return each.find(group.lastId, call.countMax);
  const before = planned.get(group);
  planned.set(group, each);
  if (before === undefined) each.after.copy(group.lastId);
  else if (before.count < call.countMax) return 0;
  else each.after.copy(lastOf(before));
  return each.find(each.after, call.countMax);
}

/** The id of the last entry that a plan gives; it gives some. */
function lastOf({ after, count, stream }: StreamPlan): StreamId {
  cursor.seekBehind(stream as StreamValue, after);
  for (let left = count; left > 1; left--) cursor.next();
  return cursor.id;
}

function deliver(ctx: Context, i: number, reply: Reply): void {
  const each = call.plans[i];
  const stream = each.stream as StreamValue;
  const group = each.group as StreamGroup;
  const { cursor } = each;
  let { entriesRead } = group;
  reply.array(each.count);
  delivered.clear();
  for (let left = each.count; left > 0; left--, cursor.next()) {
    entriesRead = readsAfter(stream, entriesRead, cursor.id);
    delivered.push(cursor.id);
    replyEntry(reply, cursor);
  }
  stream.deliver(group, each.consumer as StreamConsumer, delivered, ctx.nowMs, entriesRead, call.isKept);
  if (ctx.propagation === null) return;
  const key = call.keyAt(i);
  // As Redis 7.2 does: who is told of each entry knows how far the group is, though not how much it has read.
  if (!call.isKept) return passPosition(ctx, key, group);
  for (let n = 0; n < delivered.count; n++) passClaim(ctx, key, group, delivered.read(n, id));
}

/** Replies what is pending for the consumer behind an id: delivered once more, if the entry is still there. */
function replyHistory(ctx: Context, i: number, reply: Reply): void {
  const { nowMs } = ctx;
  const each = call.plans[i];
  const stream = each.stream as StreamValue;
  const group = each.group as StreamGroup;
  const consumer = each.consumer as StreamConsumer;
  const { pending } = consumer;
  start.copy(each.after).increment();
  reply.array(Math.min(pending.countFrom(start), call.countMax));
  let ref = pending.seek(start);
  for (let left = call.countMax; left > 0 && ref !== 0; left--, ref = pending.next()) {
    pending.readId(ref, id);
    if (cursor.seekTo(stream, id) && cursor.id.compare(id) === 0) {
      replyEntry(reply, cursor);
      stream.claim(group, consumer, id, nowMs, group.countOf(ref) + 1);
      passClaim(ctx, call.keyAt(i), group, id);
    } else {
      reply.array(2);
      replyId(reply, id);
      reply.nullArray();
    }
  }
}
