import { defineCommand } from '../../command.js';
import { notAnInteger, rest } from '../../grammar.js';

export const lolwut = defineCommand({
  id: 605,
  name: 'LOLWUT',
  group: 'server',
  since: '5.0.0',
  complexity: 'O(1)',
  summary: 'Displays computer art and the Redis version.',
  flags: ['readonly', 'fast'],
  args: { words: rest() },
  /** Whatever version is asked for, there is one picture, and it takes no further words. */
  run({ kv, request }, { words }, reply) {
    const hasVersion = words.count >= 2 && request.is(words.first, 'VERSION');
    if (hasVersion && Number.isNaN(request.integer(words.first + 1))) return reply.error(notAnInteger);
    reply.verbatim('txt', `Hold fast.\nRedis ver. ${kv.redisVersion.text}\n`);
  },
});
