import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { integer, option, type Repeated, syntaxError, unparsed } from '../../grammar.js';
import { inputKeys } from './combined.js';
import { intersect } from './combining.js';
import { readOperands } from './operand.js';

export const zintercard = defineCommand({
  id: 433,
  name: 'ZINTERCARD',
  group: 'sorted-set',
  since: '7.0.0',
  complexity:
    'O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted sets.',
  summary: 'Returns the number of members of the intersect of multiple sorted sets.',
  flags: ['readonly'],
  args: { key: inputKeys('zintercard'), limit: unparsed(option('LIMIT', { limit: integer() })) },
  run(ctx, { key }, reply) {
    const operands = readOperands(ctx, key);
    if (operands === null) return;
    const limit = readLimit(ctx, key);
    if (typeof limit === 'string') return reply.error(limit);
    reply.integer(intersect(operands, 'SUM', limit, null));
  },
});

/** What `LIMIT limit` says, 0 and none being no limit; or what is wrong with it. */
function readLimit({ request }: Context, keys: Repeated): number | string {
  let limit = 0;
  for (let i = keys.first + keys.count; i < request.count; i += 2) {
    if (!request.is(i, 'LIMIT') || i + 1 === request.count) return syntaxError;
    limit = request.integer(i + 1);
    if (!(limit >= 0)) return "ERR LIMIT can't be negative";
  }
  return limit || Number.POSITIVE_INFINITY;
}
