/** Replies as messages of kv.proto. */
import { DoubleReply, ErrorReply, MapReply, type ReplyValue, SetReply, StatusReply } from '@holdfast/common';
import type { kv } from '@holdfast/rpc';
import { failureOf } from './errors.js';

export function valueMessage(value: ReplyValue): kv.Value {
  return { kind: kindOf(value) };
}

function kindOf(value: ReplyValue): kv.Value['kind'] {
  if (value === null) return { $case: 'null', value: {} };
  if (Buffer.isBuffer(value)) return { $case: 'bytes', value };
  if (Array.isArray(value)) return { $case: 'array', value: { items: value.map(valueMessage) } };
  if (value instanceof StatusReply) return { $case: 'status', value: value.text };
  if (value instanceof ErrorReply) return { $case: 'error', value: failureOf(value.message, 0) };
  if (value instanceof DoubleReply) return { $case: 'double', value: value.value };
  if (value instanceof MapReply) return { $case: 'map', value: { pairs: value.entries.map(pairMessage) } };
  if (value instanceof SetReply) return { $case: 'set', value: { members: value.members.map(valueMessage) } };
  if (typeof value === 'boolean') return { $case: 'boolean', value };
  if (typeof value === 'bigint') return { $case: 'bigInteger', value: String(value) };
  return { $case: 'integer', value };
}

function pairMessage([key, value]: [ReplyValue, ReplyValue]): kv.Pair {
  return { key: valueMessage(key), value: valueMessage(value) };
}
