import { defineCommand } from '../../command.js';
import { rest } from '../../grammar.js';
import { unsubscribeFrom } from './subscriptions.js';

export const unsubscribe = defineCommand({
  id: 53,
  name: 'UNSUBSCRIBE',
  group: 'pubsub',
  since: '2.0.0',
  complexity: 'O(N) where N is the number of names',
  summary: 'Stops listening to messages.',
  flags: ['pubsub', 'noscript', 'loading', 'stale'],
  args: { channels: rest() },
  run(ctx, { channels }, reply) {
    unsubscribeFrom(ctx, 'channel', channels, reply);
  },
});
