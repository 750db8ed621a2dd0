import { defineCommand } from '../../command.js';
import { pattern, repeat } from '../../grammar.js';
import { subscribeTo } from './subscriptions.js';

export const psubscribe = defineCommand({
  id: 51,
  name: 'PSUBSCRIBE',
  group: 'pubsub',
  since: '2.0.0',
  complexity: 'O(N) where N is the number of names',
  summary: 'Listens for messages published to channels that match one or more patterns.',
  flags: ['pubsub', 'noscript', 'loading', 'stale'],
  channels: 'patterns',
  args: { patterns: repeat(pattern()) },
  run(ctx, { patterns }, reply) {
    subscribeTo(ctx, 'pattern', patterns, reply);
  },
});
