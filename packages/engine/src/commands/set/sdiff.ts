import { defineCommand } from '../../command.js';
import { inputKeys, readOperands, replyDifference } from './combining.js';

export const sdiff = defineCommand({
  id: 264,
  name: 'SDIFF',
  group: 'set',
  since: '1.0.0',
  complexity: 'O(N) where N is the total number of elements in all given sets.',
  summary: 'Returns the difference of multiple sets.',
  flags: ['readonly'],
  tips: ['nondeterministic_output_order'],
  args: inputKeys(),
  run(ctx, { key }, reply) {
    const operands = readOperands(ctx, key);
    if (operands !== undefined) replyDifference(ctx.db, operands, reply);
  },
});
