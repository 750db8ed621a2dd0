// @hot-path
import { defineCommand } from '../../command.js';
import { bytes, key, repeat } from '../../grammar.js';
import { findGroup, ids, readIds, readStream } from './streams.js';

export const xack = defineCommand({
  id: 709,
  name: 'XACK',
  group: 'stream',
  since: '5.0.0',
  complexity: 'O(1) for each message ID processed.',
  summary:
    'Returns the number of messages that were successfully acknowledged by the consumer group member of a stream.',
  flags: ['write', 'fast'],
  args: { key: key('RW', 'update'), group: bytes(), ID: repeat(bytes()) },
  run(ctx, args, reply) {
    const stream = readStream(ctx, args.key);
    if (stream === undefined) return;
    const group = stream === null ? null : findGroup(ctx, stream, args.group);
    if (stream === null || group === null) return reply.integer(0);
    if (readIds(ctx, args.ID.first, reply)) reply.integer(stream.acknowledge(group, ids));
  },
});
