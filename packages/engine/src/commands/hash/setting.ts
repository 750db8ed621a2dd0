// @hot-path

import type { Context } from '../../context.js';
import { bytes, key, type Repeated, repeat, shortBytes } from '../../grammar.js';
import { createHash, findHash, setField } from './hashes.js';

/** The arguments of HSET and HMSET. */
export function settingArguments(command: string) {
  const incompleteError = `ERR wrong number of arguments for '${command}' command`;
  return {
    key: key('RW', 'update'),
    data: repeat({ field: shortBytes(), value: bytes() }, { incompleteError }),
  };
}

/** Sets fields; how many are new, or -1 after replying WRONGTYPE. */
export function setFields(ctx: Context, key: number, data: Repeated): number {
  const { request } = ctx;
  const found = findHash(ctx, key);
  if (found === undefined) return -1;
  const hash = found ?? createHash(ctx, key);
  hash.expect(data.count);
  let added = 0;
  for (let i = 0; i < data.count; i++) {
    const field = data.first + 2 * i;
    if (setField(hash, request, field, field + 1)) added++;
  }
  ctx.countChanges(data.count);
  ctx.notify('h', 'hset', key);
  return added;
}
