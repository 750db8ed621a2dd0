import { defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { findStream } from './streams.js';
import { TrimOptions, trimArgument } from './trimming.js';

const options = new TrimOptions();

export const xtrim = defineCommand({
  id: 701,
  name: 'XTRIM',
  group: 'stream',
  since: '5.0.0',
  complexity:
    'O(N), with N being the number of evicted entries. Constant times are very small however, since entries are organized in macro nodes containing multiple entries that can be released with a single deallocation.',
  summary: 'Deletes messages from the beginning of a stream.',
  flags: ['write'],
  tips: ['nondeterministic_output'],
  args: { key: key('RW', 'delete'), trim: trimArgument({ countMin: 2 }) },
  run(ctx, { key }, reply) {
    const problem = options.read(ctx, false);
    if (problem !== null) return reply.error(problem);
    const stream = findStream(ctx, key);
    if (stream === undefined) return;
    const removed = stream === null ? 0 : stream.trim(options.rule);
    if (removed > 0) {
      const words: (string | number | Uint8Array)[] = ctx.propagation === null ? [] : ctx.request.views(0);
      if (stream !== null) options.makeExact(words, stream);
      ctx.propagation?.instead(...words);
      ctx.notify('t', 'xtrim', key);
    }
    reply.integer(removed);
  },
});
