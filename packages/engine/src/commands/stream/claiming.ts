/** What XCLAIM and XAUTOCLAIM share: entries that change hands. */
import type { Reply } from '@holdfast/common';
import {
  type StreamConsumer,
  type StreamGroup,
  StreamId,
  StreamIds,
  type StreamValue,
} from '@holdfast/storage';
import type { Context } from '../../context.js';
import { bytes } from '../../grammar.js';
import { replyId } from './ids.js';
import { passClaim } from './propagating.js';
import { cursor, findGroup, noSuchGroup, replyEntry } from './streams.js';

export const claimNames = () => ({ group: bytes(), consumer: bytes(), 'min-idle-time': bytes() });

/** One call: whom entries go to, and which did. */
export class Claim {
  readonly stream: StreamValue;
  readonly group: StreamGroup;
  readonly consumer: StreamConsumer;
  readonly #nowMs: number;
  readonly #claimed = new StreamIds();
  readonly #id = new StreamId();

  constructor(stream: StreamValue, group: StreamGroup, consumer: StreamConsumer, nowMs: number) {
    this.stream = stream;
    this.group = group;
    this.consumer = consumer;
    this.#nowMs = nowMs;
    consumer.seenMs = nowMs;
  }

  get count(): number {
    return this.#claimed.count;
  }

  take(id: StreamId, timeMs: number, deliveries: number): void {
    this.stream.claim(this.group, this.consumer, id, timeMs, deliveries);
    this.#claimed.push(id);
  }

  /** Passes on what was taken. */
  passOn(ctx: Context, key: number): void {
    if (ctx.propagation === null) return;
    for (let i = 0; i < this.count; i++) passClaim(ctx, key, this.group, this.#claimed.read(i, this.#id));
  }

  /** Replies what was taken: ids, or whole entries. */
  finish(isJustId: boolean, reply: Reply): void {
    const { consumer, group, stream } = this;
    if (this.count > 0) stream.setActive(group, consumer, this.#nowMs);
    reply.array(this.count);
    for (let i = 0; i < this.count; i++) {
      const id = this.#claimed.read(i, this.#id);
      if (isJustId) {
        replyId(reply, id);
      } else {
        cursor.seekTo(stream, id);
        replyEntry(reply, cursor);
      }
    }
  }
}

/** The group named at argument 2 of the stream at argument 1; null after replying that there is none. */
export function findClaimGroup(ctx: Context, stream: StreamValue | null): StreamGroup | null {
  const group = stream === null ? null : findGroup(ctx, stream, 2);
  if (group === null) ctx.reply.error(noSuchGroup(ctx, 1, 2));
  return group;
}

/** The least idle time at argument 4; NaN after replying that it is none. */
export function readMinIdle({ command, reply, request }: Context): number {
  const idleMs = request.integer(4);
  if (Number.isNaN(idleMs)) reply.error(`ERR Invalid min-idle-time argument for ${command.name}`);
  return Math.max(0, idleMs);
}

/** What each record of a claim has of the names of group and consumer, in bytes. */
export function namesBytes({ request }: Context): number {
  return request.length(2) + request.length(3);
}
