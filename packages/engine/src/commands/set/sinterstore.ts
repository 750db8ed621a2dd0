import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { inputKeys, intersection, readOperands, storeResult } from './combining.js';

export const sinterstore = defineCommand({
  id: 261,
  name: 'SINTERSTORE',
  group: 'set',
  since: '1.0.0',
  complexity: 'O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.',
  summary: 'Stores the intersect of multiple sets in a key.',
  flags: ['write', 'denyoom'],
  args: { destination: key('RW', 'update'), ...inputKeys() },
  run(ctx, { destination, key }, reply) {
    const operands = readOperands(ctx, key);
    if (operands !== undefined)
      storeResult(ctx, destination, intersection(ctx.db, operands), 'sinterstore', reply);
  },
});
