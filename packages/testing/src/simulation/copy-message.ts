/**
 * Messages are copied when they are sent, as a wire does: no node may see what another one changes later. Faster
 * than `structuredClone` for small messages, and refuses what has no meaning elsewhere.
 */
import { KvError } from '@holdfast/common';

/** Copies plain data: primitives, arrays, plain objects, maps, sets and bytes. Throws KvError INVALID for the rest. */
export function copyMessage<T>(message: T): T {
  return copy(message) as T;
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol')
      throw new KvError('INVALID', `a message can't carry a ${typeof value}`);
    return value;
  }
  if (Array.isArray(value)) return value.map(copy);
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [copy(key), copy(item)]));
  if (value instanceof Set) return new Set([...value].map(copy));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw new KvError('INVALID', `a message can't carry a ${value.constructor.name}`);
  const source = value as Record<string, unknown>;
  const target: Record<string, unknown> = {};
  for (const name in source) target[name] = copy(source[name]);
  return target;
}
