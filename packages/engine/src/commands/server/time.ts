import { defineCommand } from '../../command.js';

export const time = defineCommand({
  id: 604,
  name: 'TIME',
  group: 'server',
  since: '2.6.0',
  complexity: 'O(1)',
  summary: 'Returns the server time.',
  flags: ['loading', 'stale', 'fast'],
  tips: ['nondeterministic_output'],
  args: {},
  run({ env, kv, nowMs: frozenMs }, _args, reply) {
    // In a script time stands still.
    const nowMs = kv.scripting.execution.current === null ? env.clock.now() : frozenMs;
    reply.array(2);
    reply.text(String(Math.floor(nowMs / 1000)));
    reply.text(String((nowMs % 1000) * 1000));
  },
});
