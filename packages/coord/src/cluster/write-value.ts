/** Writes a reply that came as a value: what shards replied is put together and passed on. */
import {
  DoubleReply,
  ErrorReply,
  MapReply,
  type Reply,
  type ReplyValue,
  SetReply,
  StatusReply,
} from '@holdfast/common';

export function writeValue(reply: Reply, value: ReplyValue): void {
  if (value === null) reply.null();
  else if (Buffer.isBuffer(value)) reply.bulk(value, 0, value.length);
  else if (typeof value === 'number') reply.integer(value);
  else if (typeof value === 'bigint') reply.bigInteger(value);
  else if (typeof value === 'boolean') reply.boolean(value);
  else if (value instanceof StatusReply) reply.simple(value.text);
  else if (value instanceof ErrorReply) reply.error(value.message);
  else if (value instanceof DoubleReply) reply.double(value.value);
  else writeAggregate(reply, value);
}

function writeAggregate(reply: Reply, value: MapReply | SetReply | ReplyValue[]): void {
  if (value instanceof MapReply) {
    reply.map(value.entries.length);
    for (const pair of value.entries) for (const each of pair) writeValue(reply, each);
    return;
  }
  const items = value instanceof SetReply ? value.members : value;
  if (value instanceof SetReply) reply.set(items.length);
  else reply.array(items.length);
  for (const each of items) writeValue(reply, each);
}
