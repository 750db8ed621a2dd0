import { defineCommand } from '../../command.js';
import { bytes } from '../../grammar.js';

export const echo = defineCommand({
  id: 2,
  name: 'ECHO',
  group: 'connection',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Returns the given string.',
  flags: ['loading', 'stale', 'fast'],
  args: { message: bytes() },
  run({ request }, { message }, reply) {
    reply.bulk(request.bytes, request.start(message), request.length(message));
  },
});
