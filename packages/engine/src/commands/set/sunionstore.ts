import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { inputKeys, readOperands, storeResult, union } from './combining.js';

export const sunionstore = defineCommand({
  id: 263,
  name: 'SUNIONSTORE',
  group: 'set',
  since: '1.0.0',
  complexity: 'O(N) where N is the total number of elements in all given sets.',
  summary: 'Stores the union of multiple sets in a key.',
  flags: ['write', 'denyoom'],
  args: { destination: key('OW', 'update'), ...inputKeys() },
  run(ctx, { destination, key }, reply) {
    const operands = readOperands(ctx, key);
    if (operands !== undefined) storeResult(ctx, destination, union(ctx.db, operands), 'sunionstore', reply);
  },
});
