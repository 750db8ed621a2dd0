import { defineCommand } from '../../command.js';
import { counted, integer, key, option } from '../../grammar.js';
import { intersect, readOperands } from './combining.js';

const notPositive = 'ERR numkeys should be greater than 0';
const negativeLimit = "ERR LIMIT can't be negative";

export const sintercard = defineCommand({
  id: 260,
  name: 'SINTERCARD',
  group: 'set',
  since: '7.0.0',
  complexity: 'O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.',
  summary: 'Returns the number of members of the intersect of multiple sets.',
  flags: ['readonly'],
  args: {
    key: counted(key('RO', 'access'), {
      error: notPositive,
      rangeError: notPositive,
      incompleteError: "ERR Number of keys can't be greater than number of args",
    }),
    limit: option('LIMIT', { limit: integer({ min: 0, error: negativeLimit }) }),
  },
  run(ctx, { key, limit }, reply) {
    const operands = readOperands(ctx, key);
    if (operands === undefined) return;
    const limitMax = limit.present && limit.limit > 0 ? limit.limit : Number.POSITIVE_INFINITY;
    reply.integer(intersect(operands, limitMax, () => {}));
  },
});
