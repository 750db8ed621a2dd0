import { defineCommand } from '../../command.js';
import { rest } from '../../grammar.js';

export const quit = defineCommand({
  id: 4,
  name: 'QUIT',
  group: 'connection',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Closes the connection.',
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  args: { words: rest() },
  run({ session }, _args, reply) {
    session.closeAfterReply = true;
    reply.ok();
  },
});
