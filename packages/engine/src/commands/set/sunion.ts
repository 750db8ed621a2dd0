import { defineCommand } from '../../command.js';
import { inputKeys, readOperands, replyResult, union } from './combining.js';

export const sunion = defineCommand({
  id: 262,
  name: 'SUNION',
  group: 'set',
  since: '1.0.0',
  complexity: 'O(N) where N is the total number of elements in all given sets.',
  summary: 'Returns the union of multiple sets.',
  flags: ['readonly'],
  tips: ['nondeterministic_output_order'],
  args: inputKeys(),
  run(ctx, { key }, reply) {
    const operands = readOperands(ctx, key);
    if (operands !== undefined) replyResult(union(ctx.db, operands), reply);
  },
});
