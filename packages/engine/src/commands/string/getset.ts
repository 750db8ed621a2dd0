import { defineCommand } from '../../command.js';
import { bytes, key } from '../../grammar.js';
import { putArgument } from './put-bytes.js';
import { replyString } from './reply-string.js';

export const getset = defineCommand({
  id: 105,
  name: 'GETSET',
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Returns the previous string value of a key after setting it to a new value.',
  flags: ['write', 'denyoom', 'fast'],
  args: { key: key('RW', 'access', 'update'), value: bytes() },
  run(ctx, { key, value }, reply) {
    const ref = ctx.string(key, true);
    if (ref < 0) return;
    replyString(ctx, ref, reply);
    putArgument(ctx, ref, key, value, 0);
    ctx.propagation?.instead('SET', ctx.request.view(key), ctx.request.view(value));
    ctx.notify('$', 'set', key);
  },
});
