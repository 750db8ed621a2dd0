/** Replies as messages of kv.proto. */
import {
  DoubleReply,
  ErrorReply,
  KvError,
  MapReply,
  type ReplyValue,
  SetReply,
  StatusReply,
} from '@holdfast/common';
import type { kv } from '@holdfast/rpc';
import { failureOf, messageOf } from './errors.js';

/**
 * Messages within each other below a value. Decoders of protobuf give up at 100, those around the value counted, and
 * with the reply the whole stream would be lost.
 */
const nestingMax = 90;

/** Throws KvError LIMIT for a value that is nested too deeply. */
export function valueMessage(value: ReplyValue, left = nestingMax): kv.Value {
  if (left < 0) throw new KvError('LIMIT', 'the reply is nested too deeply for gRPC');
  return { kind: kindOf(value, left) };
}

/** As `valueMessage`, for one of several values: an error in its place. */
export function valueOrErrorMessage(value: ReplyValue): kv.Value {
  try {
    return valueMessage(value);
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    return { kind: { $case: 'error', value: failureOf(messageOf(error), 0) } };
  }
}

function kindOf(value: ReplyValue, left: number): kv.Value['kind'] {
  if (value === null) return { $case: 'null', value: {} };
  if (Buffer.isBuffer(value)) return { $case: 'bytes', value };
  if (Array.isArray(value)) return { $case: 'array', value: { items: itemMessages(value, left) } };
  if (value instanceof StatusReply) return { $case: 'status', value: value.text };
  if (value instanceof ErrorReply) return { $case: 'error', value: failureOf(value.message, 0) };
  if (value instanceof DoubleReply) return { $case: 'double', value: value.value };
  if (value instanceof MapReply) {
    return { $case: 'map', value: { pairs: value.entries.map((pair) => pairMessage(pair, left - 3)) } };
  }
  if (value instanceof SetReply) {
    return { $case: 'set', value: { members: itemMessages(value.members, left) } };
  }
  if (typeof value === 'boolean') return { $case: 'boolean', value };
  if (typeof value === 'bigint') return { $case: 'bigInteger', value: String(value) };
  return { $case: 'integer', value };
}

function itemMessages(items: readonly ReplyValue[], left: number): kv.Value[] {
  return items.map((each) => valueMessage(each, left - 2));
}

function pairMessage([key, value]: [ReplyValue, ReplyValue], left: number): kv.Pair {
  return { key: valueMessage(key, left), value: valueMessage(value, left) };
}
