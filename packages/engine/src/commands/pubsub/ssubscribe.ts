import { defineCommand } from '../../command.js';
import { key, repeat } from '../../grammar.js';
import { subscribeTo } from './subscriptions.js';

export const ssubscribe = defineCommand({
  id: 52,
  name: 'SSUBSCRIBE',
  group: 'pubsub',
  since: '7.0.0',
  complexity: 'O(N) where N is the number of names',
  summary: 'Listens for messages published to shard channels.',
  flags: ['pubsub', 'noscript', 'loading', 'stale'],
  channels: 'channels',
  args: { channels: repeat(key('RO', 'not_key')) },
  run(ctx, { channels }, reply) {
    // Unlike its kin, which may for the sake of those who have always done so.
    if (!ctx.mayBlock) return reply.error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
    subscribeTo(ctx, 'shard', channels, reply);
  },
});
