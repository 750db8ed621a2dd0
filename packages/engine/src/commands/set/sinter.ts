import { defineCommand } from '../../command.js';
import { inputKeys, readOperands, replyIntersection } from './combining.js';

export const sinter = defineCommand({
  id: 259,
  name: 'SINTER',
  group: 'set',
  since: '1.0.0',
  complexity: 'O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.',
  summary: 'Returns the intersect of multiple sets.',
  flags: ['readonly'],
  tips: ['nondeterministic_output_order'],
  args: inputKeys(),
  run(ctx, { key }, reply) {
    const operands = readOperands(ctx, key);
    if (operands !== undefined) replyIntersection(operands, reply);
  },
});
