import { defineCommand } from '../../command.js';
import { key, repeat } from '../../grammar.js';
import { unsubscribeFrom } from './subscriptions.js';

export const sunsubscribe = defineCommand({
  id: 55,
  name: 'SUNSUBSCRIBE',
  group: 'pubsub',
  since: '7.0.0',
  complexity: 'O(N) where N is the number of names',
  summary: 'Stops listening to messages.',
  flags: ['pubsub', 'noscript', 'loading', 'stale'],
  args: { channels: repeat(key('RO', 'not_key'), { mayBeEmpty: true }) },
  run(ctx, { channels }, reply) {
    unsubscribeFrom(ctx, 'shard', channels, reply);
  },
});
