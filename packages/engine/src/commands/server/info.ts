import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { type Repeated, rest } from '../../grammar.js';
import { infoSections } from './info-sections.js';

function wantedSections({ request }: Context, { count, first }: Repeated): Set<string> {
  const wanted = new Set<string>();
  const addAll = (withExtras: boolean): void => {
    for (const [name, { isExtra }] of infoSections) if (withExtras || !isExtra) wanted.add(name);
  };
  if (count === 0) addAll(false);
  for (let i = first; i < first + count; i++) {
    const name = request.text(i).toLowerCase();
    if (name === 'all' || name === 'everything') addAll(true);
    else if (name === 'default') addAll(false);
    else wanted.add(name);
  }
  return wanted;
}

/** Sections as `# Title` and lines of `field:value`, with an empty line between. */
function describeServer(ctx: Context, asked: Repeated): string {
  const wanted = wantedSections(ctx, asked);
  const parts: string[] = [];
  for (const [name, { describe, title }] of infoSections) {
    if (!wanted.has(name)) continue;
    const own = describe(ctx).map(([field, value]) => `${field}:${value}`);
    parts.push([`# ${title}`, ...own, ...ctx.host.info(name), ''].join('\r\n'));
  }
  return parts.join('\r\n');
}

export const info = defineCommand({
  id: 620,
  name: 'INFO',
  group: 'server',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Returns information and statistics about the server.',
  flags: ['loading', 'stale'],
  categories: ['dangerous'],
  tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
  args: { sections: rest() },
  run: (ctx, { sections }, reply) => reply.verbatim('txt', describeServer(ctx, sections)),
});
