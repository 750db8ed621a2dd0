import { valueTypes } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { key, repeat } from '../../grammar.js';
import { replyString } from './reply-string.js';

export const mget = defineCommand({
  id: 108,
  name: 'MGET',
  group: 'string',
  since: '1.0.0',
  complexity: 'O(N) where N is the number of keys to retrieve',
  summary: 'Atomically returns the string values of one or more keys.',
  flags: ['readonly', 'fast'],
  tips: ['request_policy:multi_shard'],
  args: { keys: repeat(key('RO', 'access')) },
  run(ctx, { keys }, reply) {
    reply.array(keys.count);
    for (let i = 0; i < keys.count; i++) {
      const ref = ctx.read(keys.first + i);
      const isString = ref !== 0 && ctx.db.type(ref) === valueTypes.string;
      replyString(ctx, isString ? ref : 0, reply);
    }
  },
});
