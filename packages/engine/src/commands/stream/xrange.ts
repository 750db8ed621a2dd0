import { defineCommand } from '../../command.js';
import { rangeCount, rangeEnd, rangeKey, replyIdRange } from './ranging.js';

export const xrange = defineCommand({
  id: 704,
  name: 'XRANGE',
  group: 'stream',
  since: '5.0.0',
  complexity:
    'O(N) with N being the number of elements being returned. If N is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1).',
  summary: 'Returns the messages from a stream within a range of IDs.',
  flags: ['readonly'],
  args: { ...rangeKey(), start: rangeEnd(), end: rangeEnd(), ...rangeCount() },
  run(ctx, { end, start }, reply) {
    replyIdRange(ctx, start, end, false, reply);
  },
});
