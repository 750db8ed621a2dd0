/** What the stream commands share: finding and making streams and groups, entries on their way out. */
// @hot-path
import { keyBytesMax, type Reply } from '@holdfast/common';
import {
  type StreamConsumer,
  StreamCursor,
  type StreamGroup,
  StreamId,
  StreamIds,
  StreamValue,
  valueTypes,
} from '@holdfast/storage';
import { type Context, wrongType } from '../../context.js';
import { invalidId, readId, replyId } from './ids.js';

/** For walks within one call. */
export const cursor: StreamCursor = new StreamCursor();
/** Ids given to one call. */
export const ids: StreamIds = new StreamIds();

const id = new StreamId();

export const noSuchKey = 'ERR no such key';

/** What is said of a group that is not there, perhaps because its stream is not. */
export function noSuchGroup({ request }: Context, key: number, group: number): string {
  return `NOGROUP No such key '${request.quoted(key)}' or consumer group '${request.quoted(group)}'`;
}

/** The stream at argument `i`: null when there is none, undefined after replying WRONGTYPE. */
export function findStream(ctx: Context, i: number): StreamValue | null | undefined {
  return ctx.collection<StreamValue>(i, valueTypes.stream);
}

/** As `findStream`, where Redis looks the key up as one that is only read, even to write. */
export function readStream(ctx: Context, i: number): StreamValue | null | undefined {
  const ref = ctx.read(i);
  if (ref === 0) return null;
  if (ctx.db.type(ref) === valueTypes.stream) return ctx.db.collection(ref) as StreamValue;
  ctx.reply.error(wrongType);
  return undefined;
}

/** A new stream for the key at argument `i`, which was just looked for in vain. */
export function createStream({ db, request }: Context, i: number): StreamValue {
  const stream = new StreamValue(db);
  db.putCollection(request.bytes, request.start(i), request.length(i), stream);
  return stream;
}

/** The group named at argument `i`. */
export function findGroup({ request }: Context, stream: StreamValue, i: number): StreamGroup | null {
  return stream.group(request.bytes, request.start(i), request.length(i));
}

export function findConsumer({ request }: Context, group: StreamGroup, i: number): StreamConsumer | null {
  return group.consumer(request.bytes, request.start(i), request.length(i));
}

/**
 * The consumer named at argument `i`, made when there is none. `key` is the argument of the stream. Replicas are told that
 * it was made if `isTold`: otherwise they make it when they are told of its first entry.
 */
export function takeConsumer(
  ctx: Context,
  key: number,
  stream: StreamValue,
  group: StreamGroup,
  i: number,
  isTold: boolean,
): StreamConsumer {
  const found = findConsumer(ctx, group, i);
  if (found !== null) return found;
  const consumer = stream.createConsumer(group, ctx.request.byteString(i), ctx.nowMs);
  if (isTold)
    ctx.propagation?.instead('XGROUP', 'CREATECONSUMER', ctx.request.view(key), group.name, consumer.name);
  ctx.notify('t', 'xgroup-createconsumer', key);
  return consumer;
}

/** What is wrong with the name of a group or consumer that is to be made, or null. */
export function nameProblem({ request }: Context, i: number): string | null {
  if (request.length(i) <= keyBytesMax) return null;
  return `ERR argument ${i} has ${request.length(i)} bytes, the name of a group or consumer at most ${keyBytesMax}`;
}

/** Reads the ids at arguments `first` to the end into `ids`; false after replying that one is none. */
export function readIds({ request }: Context, first: number, reply: Reply): boolean {
  ids.clear();
  for (let i = first; i < request.count; i++) {
    if (!readId(request, i, id)) {
      reply.error(invalidId);
      return false;
    }
    ids.push(id);
  }
  return true;
}

/** Replies the entry at a cursor: its id, names and values. */
export function replyEntry(reply: Reply, at: StreamCursor): void {
  reply.array(2);
  replyId(reply, at.id);
  const { name, value } = at;
  reply.array(at.fieldCount * 2);
  for (let left = at.fieldCount; left > 0; left--) {
    at.nextField();
    reply.bulk(name.bytes, name.start, name.length);
    reply.bulk(value.bytes, value.start, value.length);
  }
}

/** Replies `count` entries from the one at a cursor on: they are there. */
export function replyEntries(reply: Reply, at: StreamCursor, count: number): void {
  reply.array(count);
  for (let left = count; left > 0; left--) {
    replyEntry(reply, at);
    at.next();
  }
}

/** Replies the entries of a range, at most `countMax`, from the end that is asked for. */
export function replyRange(
  reply: Reply,
  stream: StreamValue,
  start: StreamId,
  end: StreamId,
  countMax: number,
  isReverse: boolean,
): void {
  if (!cursor.seekFrom(stream, start)) return reply.array(0);
  const count = cursor.countTo(end, countMax);
  if (!isReverse || count === 0) return replyEntries(reply, cursor, count);
  cursor.seekTo(stream, end);
  reply.array(count);
  for (let left = count; left > 0; left--) {
    replyEntry(reply, cursor);
    cursor.previous();
  }
}

/** An integer that may be beyond those that a double holds. */
export function replyInteger(reply: Reply, n: number): void {
  if (Number.isSafeInteger(n)) reply.integer(n);
  else reply.bigInteger(BigInt.asIntN(64, BigInt(n) > maxInteger ? maxInteger : BigInt(n)));
}

const maxInteger = 2n ** 63n - 1n;
