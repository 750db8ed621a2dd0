import { stringForms, valueTypes } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { wrongType } from '../../context.js';
import { expiryMsMax } from '../../expiry-options.js';
import { bytes, integer, key, option, token } from '../../grammar.js';
import { isAtOtherVersion, versionOption } from './expected-version.js';

/** Replies the new version. As SET, a key of any type is replaced; with `VERSION` only a string is. */
export const kvPut = defineCommand({
  id: 901,
  name: 'KV.PUT',
  group: 'string',
  since: '0.1.0',
  complexity: 'O(1)',
  summary: 'Sets a key to a string and returns its version, if the key is at an expected version.',
  flags: ['write', 'denyoom', 'fast'],
  args: {
    key: key('RW', 'access', 'update'),
    value: bytes(),
    ttl: option('TTL', { ms: integer() }),
    version: versionOption,
    absent: token('ABSENT'),
  },
  run(ctx, args, reply) {
    const { db, request } = ctx;
    let expiryMs = 0;
    if (args.ttl.present) {
      expiryMs = ctx.nowMs + args.ttl.ms;
      if (args.ttl.ms <= 0 || expiryMs > expiryMsMax) {
        return reply.error("ERR invalid expire time in 'kv.put' command");
      }
    }
    const ref = ctx.find(args.key);
    if (args.version.present) {
      if (ref !== 0 && args.version.expected !== 0 && db.type(ref) !== valueTypes.string) {
        return reply.error(wrongType);
      }
      if (isAtOtherVersion(db, ref, args.version.expected, reply)) return;
    }
    if (args.absent && isAtOtherVersion(db, ref, 0, reply)) return;
    const { key, value } = args;
    const record = db.putString(
      ref,
      request.bytes,
      request.start(key),
      request.length(key),
      request.bytes,
      request.start(value),
      request.length(value),
      expiryMs,
      stringForms.plain,
    );
    ctx.notify('$', 'set', key);
    if (expiryMs !== 0) ctx.notify('g', 'expire', key);
    reply.integer(db.version(record));
  },
});
