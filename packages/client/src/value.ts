/** Replies as JavaScript values. */
import {
  DoubleReply,
  ErrorReply,
  MapReply,
  type ReplyValue,
  type SetReply,
  StatusReply,
} from '@holdfast/common';
import type { kv } from '@holdfast/rpc';
import { replyError } from './errors.js';
import type { Bytes, Value, ValueType } from './key-value-store.js';

const typeNames: readonly ValueType[] = ['string', 'list', 'set', 'zset', 'hash', 'stream'];

/** The name of a type by its number: the same in the engine and in kv.proto. */
export function typeName(type: number): ValueType {
  return typeNames[type - 1];
}

/** Arguments of a command: numbers as a shell would write them. */
export function argumentOf(arg: Bytes | number): Bytes {
  return typeof arg === 'number' ? String(arg) : arg;
}

/** From an engine in this process. */
export function valueOfReply(reply: ReplyValue, encoding?: 'utf8'): Value {
  if (reply === null || typeof reply !== 'object') return reply;
  if (Buffer.isBuffer(reply)) return encoding === undefined ? reply : reply.toString(encoding);
  if (Array.isArray(reply)) return reply.map((each) => valueOfReply(each, encoding));
  if (reply instanceof StatusReply) return reply.text;
  if (reply instanceof ErrorReply) return replyError(reply.message, 0);
  if (reply instanceof DoubleReply) return reply.value;
  if (reply instanceof MapReply) {
    return new Map(reply.entries.map(([k, v]) => [valueOfReply(k, encoding), valueOfReply(v, encoding)]));
  }
  return new Set((reply as SetReply).members.map((each) => valueOfReply(each, encoding)));
}

/** From a message. */
export function valueOfMessage(message: kv.Value | undefined, encoding?: 'utf8'): Value {
  const kind = message?.kind;
  if (kind === undefined) return null;
  switch (kind.$case) {
    case 'null':
      return null;
    case 'bytes':
      return encoding === undefined ? kind.value : kind.value.toString(encoding);
    case 'error':
      return replyError(kind.value.message, kind.value.version);
    case 'bigInteger':
      return BigInt(kind.value);
    case 'array':
      return kind.value.items.map((each) => valueOfMessage(each, encoding));
    case 'map':
      return new Map(
        kind.value.pairs.map(({ key, value }) => [
          valueOfMessage(key, encoding),
          valueOfMessage(value, encoding),
        ]),
      );
    case 'set':
      return new Set(kind.value.members.map((each) => valueOfMessage(each, encoding)));
    default:
      return kind.value;
  }
}
