/** MODULE: there are none. */
import { type Command, defineCommand } from '../../command.js';
import { help } from '../help.js';

const subcommands: readonly Command[] = [
  defineCommand({
    id: 671,
    name: 'LIST',
    group: 'server',
    since: '4.0.0',
    complexity: 'O(N) where N is the number of loaded modules.',
    summary: 'Returns all loaded modules.',
    flags: ['admin', 'noscript'],
    tips: ['nondeterministic_output_order'],
    args: {},
    run: (_ctx, _args, reply) => reply.array(0),
  }),
  help(672, 'MODULE', 'server', '5.0.0', ['LIST', '    Return a list of loaded modules.']),
];

export const module = defineCommand({
  id: 670,
  name: 'MODULE',
  group: 'server',
  since: '4.0.0',
  complexity: 'Depends on subcommand.',
  summary: 'A container for module commands.',
  flags: [],
  args: {},
  subcommands,
});
