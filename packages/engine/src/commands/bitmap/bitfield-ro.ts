import { defineCommand } from '../../command.js';
import { described, key } from '../../grammar.js';
import { getsDoc } from './field-docs.js';
import { runFieldOperations } from './field-operations.js';

export const bitfieldRo = defineCommand({
  id: 186,
  name: 'BITFIELD_RO',
  group: 'bitmap',
  since: '6.0.0',
  complexity: 'O(1) for each subcommand specified',
  summary: 'Performs arbitrary read-only bitfield integer operations on strings.',
  flags: ['readonly', 'fast'],
  args: { key: key('RO', 'access'), operations: described(getsDoc) },
  run(ctx, { key }, reply) {
    runFieldOperations(ctx, key, false, reply);
  },
});
