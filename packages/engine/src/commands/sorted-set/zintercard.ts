import { defineCommand } from '../../command.js';
import { integer, option } from '../../grammar.js';
import { inputKeys, intersect } from './combining.js';
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
  args: {
    key: inputKeys('zintercard'),
    limit: option('LIMIT', { limit: integer({ min: 0, error: "ERR LIMIT can't be negative" }) }),
  },
  run(ctx, args, reply) {
    const operands = readOperands(ctx, args.key, null);
    if (operands === null) return;
    reply.integer(intersect(operands, 'SUM', args.limit.limit || Number.POSITIVE_INFINITY, null));
  },
});
