import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { replyString } from './reply-string.js';

export const getdel = defineCommand({
  id: 106,
  name: 'GETDEL',
  group: 'string',
  since: '6.2.0',
  complexity: 'O(1)',
  summary: 'Returns the string value of a key after deleting the key.',
  flags: ['write', 'fast'],
  args: { key: key('RW', 'access', 'delete') },
  run(ctx, { key }, reply) {
    const ref = ctx.string(key, true);
    if (ref < 0) return;
    replyString(ctx, ref, reply);
    if (ref === 0) return;
    ctx.db.remove(ref);
    ctx.propagation?.instead('DEL', ctx.request.view(key));
    ctx.notify('g', 'del', key);
  },
});
