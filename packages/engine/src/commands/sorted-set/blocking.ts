/** Waiting for sorted sets, and BZPOPMIN and BZPOPMAX. */
import type { Reply } from '@holdfast/common';
import { valueTypes } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { key, type Repeated, repeat, timeout } from '../../grammar.js';
import { popOne } from './multi-pop.js';

const replyNullArray = (reply: Reply): void => reply.nullArray();

/** Waits until one of the keys has a sorted set. */
export function awaitZSet(ctx: Context, keys: Repeated, timeoutMs: number): void {
  ctx.block(keys.first, keys.count, { type: valueTypes.zset, timeoutMs, onTimeout: replyNullArray });
}

export const blockingPopArgs = () => ({
  key: repeat(key('RW', 'access', 'delete'), { followedBy: 1 }),
  timeout: timeout(),
});

export function blockingPop(
  ctx: Context,
  { key, timeout }: { key: Repeated; timeout: number },
  isMax: boolean,
  reply: Reply,
): void {
  if (!popOne(ctx, key, isMax, reply)) awaitZSet(ctx, key, timeout);
}
