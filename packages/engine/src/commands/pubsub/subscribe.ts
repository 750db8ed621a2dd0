import { defineCommand } from '../../command.js';
import { bytes, repeat } from '../../grammar.js';
import { subscribeTo } from './subscriptions.js';

export const subscribe = defineCommand({
  id: 50,
  name: 'SUBSCRIBE',
  group: 'pubsub',
  since: '2.0.0',
  complexity: 'O(N) where N is the number of names',
  summary: 'Listens for messages published to channels.',
  flags: ['pubsub', 'noscript', 'loading', 'stale'],
  channels: 'channels',
  args: { channels: repeat(bytes()) },
  run(ctx, { channels }, reply) {
    subscribeTo(ctx, 'channel', channels, reply);
  },
});
