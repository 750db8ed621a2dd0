import { defineCommand } from '../../command.js';
import { described, key } from '../../grammar.js';
import { operationsDoc } from './field-docs.js';
import { onlyReads, runFieldOperations } from './field-operations.js';

export const bitfield = defineCommand({
  id: 185,
  name: 'BITFIELD',
  group: 'bitmap',
  since: '3.2.0',
  complexity: 'O(1) for each subcommand specified',
  summary: 'Performs arbitrary bitfield integer operations on strings.',
  flags: ['write', 'denyoom'],
  args: {
    key: key('RW', 'update', 'access', 'variable_flags').noted(
      'This command allows both access and modification of the key',
    ),
    operations: described(operationsDoc),
  },
  usageOf: (request) =>
    onlyReads(request) ? { access: 'RO', uses: ['access'] } : { access: 'RW', uses: ['access', 'update'] },
  run(ctx, { key }, reply) {
    runFieldOperations(ctx, key, true, reply);
  },
});
