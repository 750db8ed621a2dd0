/** XINFO STREAM ... FULL: entries, groups, consumers and what is pending, `count` of each at most. */
import type { Reply } from '@holdfast/common';
import { type StreamConsumer, type StreamGroup, StreamId, type StreamValue } from '@holdfast/storage';
import { replyId } from './ids.js';
import { replyLag, replyReads } from './lag.js';
import { replyRange } from './streams.js';

const least = new StreamId();
const greatest = new StreamId().toMax();
const id = new StreamId();

export function replyFullDetails(stream: StreamValue, count: number, reply: Reply): void {
  reply.text('entries');
  replyRange(reply, stream, least, greatest, count, false);
  reply.text('groups');
  reply.array(stream.groups.length);
  for (const group of stream.groups) replyGroup(stream, group, count, reply);
}

function replyGroup(stream: StreamValue, group: StreamGroup, count: number, reply: Reply): void {
  reply.map(7);
  reply.text('name');
  reply.byteString(group.name);
  reply.text('last-delivered-id');
  replyId(reply, group.lastId);
  replyReads(group, reply);
  replyLag(stream, group, reply);
  replyPending(group, group, count, true, reply);
  reply.text('consumers');
  reply.array(group.consumers.length);
  for (const consumer of group.consumers) {
    reply.map(5);
    reply.text('name');
    reply.byteString(consumer.name);
    reply.text('seen-time');
    reply.integer(consumer.seenMs);
    reply.text('active-time');
    reply.integer(consumer.activeMs);
    replyPending(group, consumer, count, false, reply);
  }
}

/** How many entries are pending for a group or one of its consumers, and the first of them. */
function replyPending(
  group: StreamGroup,
  { pending }: StreamGroup | StreamConsumer,
  count: number,
  namesConsumer: boolean,
  reply: Reply,
): void {
  reply.text('pel-count');
  reply.integer(pending.size);
  reply.text('pending');
  const shown = Math.min(pending.size, count);
  reply.array(shown);
  let ref = pending.first();
  for (let i = 0; i < shown; i++, ref = pending.next()) {
    reply.array(namesConsumer ? 4 : 3);
    replyId(reply, pending.readId(ref, id));
    if (namesConsumer) reply.byteString(group.ownerOf(ref).name);
    reply.integer(group.timeOf(ref));
    reply.integer(group.countOf(ref));
  }
}
