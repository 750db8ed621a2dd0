import { defineCommand } from '../../command.js';
import { integer, option, rest } from '../../grammar.js';
import { redisVersion } from '../../version.js';

export const lolwut = defineCommand({
  id: 605,
  name: 'LOLWUT',
  group: 'server',
  since: '5.0.0',
  complexity: 'O(1)',
  summary: 'Displays computer art and the Redis version.',
  flags: ['readonly', 'fast'],
  args: { version: option('VERSION', { version: integer() }), words: rest() },
  run(_ctx, _args, reply) {
    reply.verbatim('txt', `Hold fast.\nRedis ver. ${redisVersion}\n`);
  },
});
