import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { difference, inputKeys, readOperands, storeResult } from './combining.js';

export const sdiffstore = defineCommand({
  id: 265,
  name: 'SDIFFSTORE',
  group: 'set',
  since: '1.0.0',
  complexity: 'O(N) where N is the total number of elements in all given sets.',
  summary: 'Stores the difference of multiple sets in a key.',
  flags: ['write', 'denyoom'],
  args: { destination: key('OW', 'update'), ...inputKeys() },
  run(ctx, { destination, key }, reply) {
    const operands = readOperands(ctx, key);
    if (operands !== undefined)
      storeResult(ctx, destination, difference(ctx.db, operands), 'sdiffstore', reply);
  },
});
