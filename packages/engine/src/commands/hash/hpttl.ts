import { defineCommand } from '../../command.js';
import { replyFieldTimes, timesArguments } from './field-times.js';

export const hpttl = defineCommand({
  id: 221,
  name: 'HPTTL',
  group: 'hash',
  since: '7.4.0',
  complexity: 'O(N) where N is the number of specified fields',
  summary: 'Returns the TTL in milliseconds of a hash field.',
  flags: ['readonly', 'fast'],
  tips: ['nondeterministic_output'],
  args: timesArguments,
  run(ctx, _, reply) {
    replyFieldTimes(ctx, 1, ctx.nowMs, reply);
  },
});
