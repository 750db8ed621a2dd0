/** EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT: one rule, four units. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import { isTooFar, readExpiry } from '../../expiry-options.js';
import { Argument, type ArgumentDoc, type ArgumentParser, notAnInteger } from '../../grammar.js';

/** NX: only without an expiry; XX: only with one; GT, LT: only to a later or an earlier one. */
const words = ['NX', 'XX', 'GT', 'LT'] as const;
const [nx, xx, gt, lt] = [1, 2, 4, 8];

/** Everything after the time; bit i of the value is word i. Its errors come before those of the time. */
class ExpiryConditions extends Argument<number> {
  readonly countMin = 0;
  readonly isFixed = false;

  initial(): number {
    return 0;
  }

  parse(parser: ArgumentParser, at: number): number {
    const { request } = parser;
    let bits = 0;
    for (let i = at; i < request.count; i++) {
      const word = words.findIndex((each) => request.is(i, each));
      if (word < 0) return parser.fail(`ERR Unsupported option ${request.quoted(i)}`);
      bits |= 1 << word;
    }
    if ((bits & nx) !== 0 && bits !== nx) {
      return parser.fail('ERR NX and XX, GT or LT options at the same time are not compatible');
    }
    if ((bits & gt) !== 0 && (bits & lt) !== 0) {
      return parser.fail('ERR GT and LT options at the same time are not compatible');
    }
    this.store(parser, bits);
    return request.count;
  }

  describe(): ArgumentDoc {
    const parts = words.map(
      (word): ArgumentDoc => ({ name: word.toLowerCase(), type: 'pure-token', token: word, flags: [] }),
    );
    return { name: this.name, type: 'oneof', flags: ['optional'], arguments: parts };
  }
}

export function expiryConditions(): Argument<number> {
  return new ExpiryConditions();
}

function isRefused(conditions: number, expiryMs: number, presentMs: number): boolean {
  if ((conditions & nx) !== 0 && presentMs !== 0) return true;
  if ((conditions & xx) !== 0 && presentMs === 0) return true;
  // A key without an expiry is kept for ever: nothing is later, everything is earlier.
  if ((conditions & gt) !== 0 && (presentMs === 0 || expiryMs <= presentMs)) return true;
  return (conditions & lt) !== 0 && presentMs !== 0 && expiryMs >= presentMs;
}

/** Sets the expiry of a key to as many units after `baseMs` as argument `time` says. One in the past removes the key. */
export function expireKey(
  ctx: Context,
  key: number,
  time: number,
  unitMs: number,
  baseMs: number,
  conditions: number,
  reply: Reply,
): void {
  const { db } = ctx;
  const expiryMs = readExpiry(ctx.request, time, unitMs, baseMs);
  if (expiryMs !== expiryMs) return reply.error(notAnInteger);
  if (expiryMs === isTooFar) {
    return reply.error(`ERR invalid expire time in '${ctx.command.fullName}' command`);
  }
  const ref = ctx.find(key);
  if (ref === 0) return reply.integer(0);
  const presentMs = db.expiry(ref);
  if (isRefused(conditions, expiryMs, presentMs)) return reply.integer(0);
  if (expiryMs <= ctx.nowMs) {
    db.remove(ref);
    ctx.propagation?.insteadRemoved(ctx.request.view(key), 'lazyfree-lazy-expire');
    ctx.notify('g', 'del', key);
  } else {
    if (expiryMs !== presentMs) db.setExpiry(ref, expiryMs);
    ctx.propagation?.instead('PEXPIREAT', ctx.request.view(key), expiryMs, ...ctx.request.views(time + 1));
    ctx.notify('g', 'expire', key);
  }
  reply.integer(1);
}
