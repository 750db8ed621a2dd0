/** Waiting for lists, and BLPOP and BRPOP. */
import type { Reply } from '@holdfast/common';
import { type Side, valueTypes } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { key, type Repeated, repeat, timeout } from '../../grammar.js';
import { popOne } from './multi-pop.js';

const replyNullArray = (reply: Reply): void => reply.nullArray();

/** Waits until one of the keys at arguments `first` and on has a list. */
export function awaitList(ctx: Context, first: number, count: number, timeoutMs: number): void {
  ctx.block(first, count, { type: valueTypes.list, timeoutMs, onTimeout: replyNullArray });
}

export const blockingPopArgs = () => ({
  key: repeat(key('RW', 'access', 'delete'), { followedBy: 1 }),
  timeout: timeout(),
});

export function blockingPop(
  ctx: Context,
  args: { key: Repeated; timeout: number },
  side: Side,
  reply: Reply,
): void {
  if (!popOne(ctx, args.key, side, reply)) awaitList(ctx, args.key.first, args.key.count, args.timeout);
}
