import { defineCommand } from '../../command.js';
import { bytes, key, repeat } from '../../grammar.js';
import { findStream, ids, readIds } from './streams.js';

export const xdel = defineCommand({
  id: 702,
  name: 'XDEL',
  group: 'stream',
  since: '5.0.0',
  complexity: 'O(1) for each single item to delete in the stream, regardless of the stream size.',
  summary: 'Returns the number of messages after removing them from a stream.',
  flags: ['write', 'fast'],
  args: { key: key('RW', 'delete'), ID: repeat(bytes()) },
  run(ctx, { ID, key }, reply) {
    const stream = findStream(ctx, key);
    if (stream === undefined) return;
    if (stream === null) return reply.integer(0);
    if (!readIds(ctx, ID.first, reply)) return;
    const deleted = stream.delete(ids);
    if (deleted > 0) ctx.notify('t', 'xdel', key);
    reply.integer(deleted);
  },
});
