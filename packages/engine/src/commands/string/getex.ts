import { defineCommand } from '../../command.js';
import { expiryOf, expiryOptions } from '../../expiry-options.js';
import { choice, key } from '../../grammar.js';
import { replyString } from './reply-string.js';

export const getex = defineCommand({
  id: 107,
  name: 'GETEX',
  group: 'string',
  since: '6.2.0',
  complexity: 'O(1)',
  summary: 'Returns the string value of a key after setting its expiration time.',
  flags: ['write', 'fast'],
  args: { key: key('RW', 'access', 'update'), expiry: choice({ ...expiryOptions, PERSIST: true }) },
  run(ctx, { key, expiry }, reply) {
    const ref = ctx.string(key);
    if (ref < 0) return;
    let expiryMs = 0;
    if (expiry.word !== null && expiry.word !== 'PERSIST') {
      expiryMs = expiryOf(expiry, ctx.nowMs);
      if (expiryMs < 0) return reply.error("ERR invalid expire time in 'getex' command");
    }
    replyString(ctx, ref, reply);
    if (ref === 0 || expiry.word === null) return;
    if (expiryMs !== 0 && expiryMs <= ctx.nowMs) {
      ctx.db.remove(ref);
      ctx.notify('g', 'del', key);
    } else if (expiryMs !== 0) {
      ctx.db.setExpiry(ref, expiryMs);
      ctx.notify('g', 'expire', key);
    } else if (ctx.db.expiry(ref) !== 0) {
      ctx.db.setExpiry(ref, 0);
      ctx.notify('g', 'persist', key);
    }
  },
});
