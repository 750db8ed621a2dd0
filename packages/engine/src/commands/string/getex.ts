import { defineCommand } from '../../command.js';
import { expiryOptions, readExpiryOption } from '../../expiry-options.js';
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
  args: {
    key: key('RW', 'access', 'update').noted('RW and UPDATE because it changes the TTL'),
    expiry: choice({ ...expiryOptions, PERSIST: true }),
  },
  run(ctx, { key, expiry }, reply) {
    const { db, request } = ctx;
    const ref = ctx.string(key, true);
    if (ref < 0) return;
    if (ref === 0 || expiry.word === null) return replyString(ctx, ref, reply);
    if (expiry.word === 'PERSIST') {
      replyString(ctx, ref, reply);
      if (db.expiry(ref) === 0) return;
      db.setExpiry(ref, 0);
      ctx.propagation?.instead('PERSIST', request.view(key));
      return ctx.notify('g', 'persist', key);
    }
    const expiryMs = readExpiryOption(request, expiry, ctx.nowMs, 'getex', reply);
    if (expiryMs < 0) return;
    replyString(ctx, ref, reply);
    if (expiryMs <= ctx.nowMs) {
      db.remove(ref);
      ctx.propagation?.insteadRemoved(request.view(key), 'lazyfree-lazy-expire');
      return ctx.notify('g', 'del', key);
    }
    if (db.expiry(ref) !== expiryMs) db.setExpiry(ref, expiryMs);
    ctx.propagation?.instead('PEXPIREAT', request.view(key), expiryMs);
    ctx.notify('g', 'expire', key);
  },
});
