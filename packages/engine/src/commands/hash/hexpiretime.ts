import { defineCommand } from '../../command.js';
import { replyFieldTimes, timesArguments } from './field-times.js';

export const hexpiretime = defineCommand({
  id: 222,
  name: 'HEXPIRETIME',
  group: 'hash',
  since: '7.4.0',
  complexity: 'O(N) where N is the number of specified fields',
  summary: 'Returns the expiration time of a hash field as a Unix timestamp, in seconds.',
  flags: ['readonly', 'fast'],
  args: timesArguments,
  run(ctx, _, reply) {
    replyFieldTimes(ctx, 1000, 0, reply);
  },
});
