import { defineCommand } from '../../command.js';
import { bytes } from '../../grammar.js';

export const publish = defineCommand({
  id: 56,
  name: 'PUBLISH',
  group: 'pubsub',
  since: '2.0.0',
  complexity: 'O(N+M) where N is the number of subscribers and M the number of patterns',
  summary: 'Posts a message to a channel.',
  flags: ['pubsub', 'loading', 'stale', 'fast', 'may_replicate'],
  channels: 'published',
  args: { channel: bytes(), message: bytes() },
  run({ host, propagation, request }, { channel, message }, reply) {
    propagation?.always();
    reply.integer(host.publish(request.byteString(channel), request.view(message), false));
  },
});
