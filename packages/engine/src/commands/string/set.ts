import { valueTypes } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { wrongType } from '../../context.js';
import { expiryOf, expiryOptions } from '../../expiry-options.js';
import { bytes, choice, key, oneOf, token } from '../../grammar.js';

export const set = defineCommand({
  id: 101,
  name: 'SET',
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Sets the string value of a key, ignoring its type. The key is created if it does not exist.',
  flags: ['write', 'denyoom'],
  args: {
    key: key('RW', 'access', 'update', 'variable_flags'),
    value: bytes(),
    condition: oneOf('NX', 'XX'),
    get: token('GET'),
    expiry: choice({ ...expiryOptions, KEEPTTL: true }),
  },
  run(ctx, args, reply) {
    const { db, request } = ctx;
    let expiryMs = 0;
    if (args.expiry.word !== null && args.expiry.word !== 'KEEPTTL') {
      expiryMs = expiryOf(args.expiry, ctx.nowMs);
      if (expiryMs < 0) return reply.error("ERR invalid expire time in 'set' command");
    }
    const ref = ctx.find(args.key);
    if (args.get) {
      if (ref !== 0 && db.type(ref) !== valueTypes.string) return reply.error(wrongType);
      if (ref === 0) reply.null();
      else {
        db.readString(ref);
        reply.bulk(db.valueBytes, db.valueStart, db.valueLength);
      }
    }
    if (args.condition !== null && (args.condition === 'NX') === (ref !== 0)) {
      if (!args.get) reply.null();
      return;
    }
    if (args.expiry.word === 'KEEPTTL' && ref !== 0) expiryMs = db.expiry(ref);
    if (expiryMs !== 0 && expiryMs <= ctx.nowMs) {
      if (ref !== 0) db.remove(ref);
    } else {
      const { key, value } = args;
      db.putString(
        ref,
        request.bytes,
        request.start(key),
        request.length(key),
        request.bytes,
        request.start(value),
        request.length(value),
        expiryMs,
        false,
      );
    }
    ctx.notify('$', 'set', args.key);
    if (expiryMs !== 0 && args.expiry.word !== 'KEEPTTL') ctx.notify('g', 'expire', args.key);
    if (!args.get) reply.ok();
  },
});
