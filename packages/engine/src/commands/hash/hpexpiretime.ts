import { defineCommand } from '../../command.js';
import { replyFieldTimes, timesArguments } from './field-times.js';

export const hpexpiretime = defineCommand({
  id: 223,
  name: 'HPEXPIRETIME',
  group: 'hash',
  since: '7.4.0',
  complexity: 'O(N) where N is the number of specified fields',
  summary: 'Returns the expiration time of a hash field as a Unix timestamp, in msec.',
  flags: ['readonly', 'fast'],
  args: timesArguments,
  run(ctx, _, reply) {
    replyFieldTimes(ctx, 1, 0, reply);
  },
});
