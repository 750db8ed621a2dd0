import { defineCommand } from '../../command.js';
import { replyFieldTimes, timesArguments } from './field-times.js';

export const httl = defineCommand({
  id: 220,
  name: 'HTTL',
  group: 'hash',
  since: '7.4.0',
  complexity: 'O(N) where N is the number of specified fields',
  summary: 'Returns the TTL in seconds of a hash field.',
  flags: ['readonly', 'fast'],
  tips: ['nondeterministic_output'],
  args: timesArguments,
  run(ctx, _, reply) {
    replyFieldTimes(ctx, 1000, ctx.nowMs, reply);
  },
});
