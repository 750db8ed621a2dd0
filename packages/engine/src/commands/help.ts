/** The HELP subcommand of a container: its usage, line by line. */
import { type Command, defineCommand } from '../command.js';
import type { CommandGroup } from '../command-declaration.js';

/** `lines` are those between the first one and `HELP`, which are the same everywhere. */
export function help(
  id: number,
  container: string,
  group: CommandGroup,
  since: string,
  lines: readonly string[],
  categories?: readonly string[],
): Command {
  const all = [
    `${container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    ...lines,
    'HELP',
    '    Print this help.',
  ];
  return defineCommand({
    id,
    name: 'HELP',
    group,
    since,
    complexity: 'O(1)',
    summary: 'Returns helpful text about the different subcommands.',
    flags: ['loading', 'stale'],
    ...(categories && { categories }),
    args: {},
    run(_ctx, _args, reply) {
      reply.array(all.length);
      for (const line of all) reply.simple(line);
    },
  });
}
