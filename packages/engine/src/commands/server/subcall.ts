/** A command that reads through another one: for what must see values as clients see them. */
import { type ReplyValue, Request, ValueReply } from '@holdfast/common';
import type { Context } from '../../context.js';

/**
 * Runs a command that only reads, in the current database; everything of the context stays as it was, and the keys
 * have not been accessed.
 */
export function read(ctx: Context, ...args: (string | Uint8Array)[]): ReplyValue {
  const { command, db, kv, reply, request, session, touches } = ctx;
  const { isOn } = kv.usage;
  kv.usage.isOn = false;
  const asked = Request.of(...args);
  const answer = new ValueReply(3);
  kv.execute(session, kv.registry.find(asked)!, asked, answer);
  kv.usage.isOn = isOn;
  Object.assign(ctx, { command, db, reply, request, session, touches });
  return answer.take()!;
}
