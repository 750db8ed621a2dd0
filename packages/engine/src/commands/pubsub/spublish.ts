import { defineCommand } from '../../command.js';
import { bytes, key } from '../../grammar.js';

export const spublish = defineCommand({
  id: 57,
  name: 'SPUBLISH',
  group: 'pubsub',
  since: '7.0.0',
  complexity: 'O(N+M) where N is the number of subscribers and M the number of patterns',
  summary: 'Posts a message to a channel.',
  flags: ['pubsub', 'loading', 'stale', 'fast', 'may_replicate'],
  channels: 'published',
  args: { channel: key('RO', 'not_key'), message: bytes() },
  run({ host, propagation, request }, { channel, message }, reply) {
    propagation?.always();
    reply.integer(host.publish(request.byteString(channel), request.view(message), true));
  },
});
