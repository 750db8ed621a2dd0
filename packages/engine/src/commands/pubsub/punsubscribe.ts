import { defineCommand } from '../../command.js';
import { rest } from '../../grammar.js';
import { unsubscribeFrom } from './subscriptions.js';

export const punsubscribe = defineCommand({
  id: 54,
  name: 'PUNSUBSCRIBE',
  group: 'pubsub',
  since: '2.0.0',
  complexity: 'O(N) where N is the number of names',
  summary: 'Stops listening to messages.',
  flags: ['pubsub', 'noscript', 'loading', 'stale'],
  args: { patterns: rest() },
  run(ctx, { patterns }, reply) {
    unsubscribeFrom(ctx, 'pattern', patterns, reply);
  },
});
