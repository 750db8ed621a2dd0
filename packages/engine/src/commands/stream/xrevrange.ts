import { defineCommand } from '../../command.js';
import { rangeCount, rangeEnd, rangeKey, replyIdRange } from './ranging.js';

export const xrevrange = defineCommand({
  id: 705,
  name: 'XREVRANGE',
  group: 'stream',
  since: '5.0.0',
  complexity:
    'O(N) with N being the number of elements returned. If N is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1).',
  summary: 'Returns the messages from a stream within a range of IDs in reverse order.',
  flags: ['readonly'],
  args: { ...rangeKey(), end: rangeEnd(), start: rangeEnd(), ...rangeCount() },
  run(ctx, { end, start }, reply) {
    replyIdRange(ctx, start, end, true, reply);
  },
});
