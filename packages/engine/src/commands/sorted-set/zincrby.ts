import { defineCommand } from '../../command.js';
import { double, key, shortBytes } from '../../grammar.js';
import { increment } from './adding.js';
import { createZSet, findZSet } from './zsets.js';

export const zincrby = defineCommand({
  id: 401,
  name: 'ZINCRBY',
  group: 'sorted-set',
  since: '1.2.0',
  complexity: 'O(log(N)) where N is the number of elements in the sorted set.',
  summary: 'Increments the score of a member in a sorted set.',
  flags: ['write', 'denyoom', 'fast'],
  elements: { first: 3, step: 1 },
  args: { key: key('RW', 'access', 'update'), increment: double(), member: shortBytes() },
  run(ctx, args, reply) {
    const { key, member } = args;
    const zset = findZSet(ctx, key);
    if (zset === undefined) return;
    increment(ctx, key, zset ?? createZSet(ctx, key), member, args.increment, 0, reply);
  },
});
