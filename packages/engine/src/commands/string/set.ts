import type { Request } from '@holdfast/common';
import { valueTypes } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { wrongType } from '../../context.js';
import { expiryOptions, readExpiryOption } from '../../expiry-options.js';
import { bytes, choice, key, token } from '../../grammar.js';
import { putArgument, putExpiring } from './put-bytes.js';
import { holds, replyString } from './reply-string.js';

/** `IFEQ` is newer than Redis 7.2: it sets the key only if it holds a string that equals the one given. */
export const set = defineCommand({
  id: 101,
  name: 'SET',
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Sets the string value of a key, ignoring its type. The key is created if it does not exist.',
  flags: ['write', 'denyoom'],
  args: {
    key: key('RW', 'access', 'update', 'variable_flags').noted(
      'RW and ACCESS due to the optional `GET` argument',
    ),
    value: bytes(),
    condition: choice({ NX: true, XX: true, IFEQ: bytes() }),
    get: token('GET'),
    expiry: choice({ ...expiryOptions, KEEPTTL: true }),
  },
  usageOf(request) {
    for (let i = 3; i < request.count; i++) {
      if (request.is(i, 'GET')) return { access: 'RW', uses: ['access', 'update'] };
    }
    return { access: 'OW', uses: ['update'] };
  },
  run(ctx, { key, value, condition, get, expiry }, reply) {
    const { db, request } = ctx;
    let expiryMs = 0;
    const isExpiring = expiry.word !== null && expiry.word !== 'KEEPTTL';
    if (isExpiring) {
      expiryMs = readExpiryOption(request, expiry, ctx.nowMs, 'set', reply);
      if (expiryMs < 0) return;
    }
    const ref = get ? ctx.read(key) : ctx.find(key);
    const mustBeString = get || condition.word === 'IFEQ';
    if (mustBeString && ref !== 0 && db.type(ref) !== valueTypes.string) return reply.error(wrongType);
    if (get) replyString(ctx, ref, reply);
    let isMet = true;
    if (condition.word === 'IFEQ') isMet = holds(ctx, ref, condition.value);
    else if (condition.word !== null) isMet = (condition.word === 'XX') === (ref !== 0);
    if (!isMet) {
      if (!get) reply.null();
      return;
    }
    if (isExpiring) {
      const isAbsolute = expiry.word === 'PXAT' && condition.word !== 'IFEQ';
      putExpiring(ctx, ref, key, value, expiryMs, isAbsolute);
    } else {
      putArgument(ctx, ref, key, value, expiry.word === null || ref === 0 ? 0 : db.expiry(ref));
      if (mustBeString) ctx.propagation?.instead(...passedOn(request, condition.word === 'IFEQ'));
      ctx.notify('$', 'set', key);
    }
    if (!get) reply.ok();
  },
});

/** Without the words that are about the reply, or that Redis does not know. */
function passedOn(request: Request, hasComparison: boolean): Uint8Array[] {
  const words: Uint8Array[] = [];
  for (let i = 0; i < request.count; i++) {
    if (i > 2 && request.is(i, 'GET')) continue;
    if (hasComparison && i > 2 && request.is(i, 'IFEQ')) i++;
    else words.push(request.view(i));
  }
  return words;
}
