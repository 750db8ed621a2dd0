import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { findStream } from './streams.js';

export const xlen = defineCommand({
  id: 703,
  name: 'XLEN',
  group: 'stream',
  since: '5.0.0',
  complexity: 'O(1)',
  summary: 'Return the number of messages in a stream.',
  flags: ['readonly', 'fast'],
  args: { key: key('RO') },
  run(ctx, { key }, reply) {
    const stream = findStream(ctx, key);
    if (stream !== undefined) reply.integer(stream?.size ?? 0);
  },
});
