/** JavaScript values as shapes of replies, for the conformance suite. */
import { formatDouble } from '../bytes.js';
import {
  DoubleReply,
  ErrorReply,
  MapReply,
  type ReplyValue,
  SetReply,
  StatusReply,
  ValueReply,
} from '../value-reply.js';
import { type ReplyMedium, type ReplyShape, showAsValue } from './reply-conformance.js';

/** A ValueReply as a medium. */
export function valueMedium(reply: ValueReply = new ValueReply(3)): ReplyMedium {
  return {
    reply,
    show: showAsValue,
    read() {
      const shapes: ReplyShape[] = [];
      for (let value = reply.take(); value !== undefined; value = reply.take()) shapes.push(shapeOf(value));
      return shapes;
    },
  };
}

/** The shape of a JavaScript value. */
export function shapeOf(value: ReplyValue): ReplyShape {
  if (value === null) return { kind: 'null' };
  if (typeof value === 'boolean') return { kind: 'boolean', text: String(value) };
  if (typeof value === 'number' || typeof value === 'bigint') return { kind: 'integer', text: String(value) };
  if (Buffer.isBuffer(value)) return { kind: 'bytes', text: value.toString('latin1') };
  if (value instanceof StatusReply) return { kind: 'status', text: value.text };
  if (value instanceof ErrorReply) return { kind: 'error', text: value.message };
  if (value instanceof DoubleReply) return { kind: 'double', text: formatDouble(value.value) };
  if (value instanceof MapReply) return { kind: 'map', items: value.entries.flat().map(shapeOf) };
  if (value instanceof SetReply) return { kind: 'set', items: value.members.map(shapeOf) };
  return { kind: 'array', items: value.map(shapeOf) };
}
