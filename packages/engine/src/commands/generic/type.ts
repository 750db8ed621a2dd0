import { valueTypeNames } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';

export const type = defineCommand({
  id: 144,
  name: 'TYPE',
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Determines the type of value stored at a key.',
  flags: ['readonly', 'fast'],
  leavesNoTrace: true,
  elements: 'none',
  args: { key: key('RO') },
  run(ctx, { key }, reply) {
    const ref = ctx.read(key);
    reply.simple(valueTypeNames[ref === 0 ? 0 : ctx.db.type(ref)]);
  },
});
