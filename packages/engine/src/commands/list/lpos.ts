import { sides } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { bytes, integer, key, option } from '../../grammar.js';
import { findList } from './lists.js';
import { matchesOf } from './matching.js';

const zeroRank =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list";

/** The least 64-bit integer has no positive counterpart; the nearest double is the one of its neighbours, too. */
const ranks = {
  min: -(2 ** 63) + 1024,
  zeroError: zeroRank,
  rangeError: 'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
};

export const lpos = defineCommand({
  id: 313,
  name: 'LPOS',
  group: 'list',
  since: '6.0.6',
  complexity:
    'O(N) where N is the number of elements in the list, for the average case. When searching for elements near the head or the tail of the list, or when the MAXLEN option is provided, the command may run in constant time.',
  summary: 'Returns the index of matching elements in a list.',
  flags: ['readonly'],
  args: {
    key: key('RO', 'access'),
    element: bytes(),
    rank: option('RANK', { rank: integer(ranks) }),
    count: option('COUNT', { 'num-matches': integer({ min: 0, error: "ERR COUNT can't be negative" }) }),
    maxlen: option('MAXLEN', { len: integer({ min: 0, error: "ERR MAXLEN can't be negative" }) }),
  },
  run(ctx, args, reply) {
    const rank = args.rank.present ? args.rank.rank : 1;
    const list = findList(ctx, args.key);
    if (list === undefined) return;
    const isMany = args.count.present;
    if (list === null) return isMany ? reply.array(0) : reply.null();
    const found = matchesOf(list, ctx.request, args.element, {
      side: rank < 0 ? sides.right : sides.left,
      skip: Math.abs(rank) - 1,
      matches: isMany ? args.count['num-matches'] || Number.POSITIVE_INFINITY : 1,
      looks: args.maxlen.len || Number.POSITIVE_INFINITY,
    });
    if (isMany) {
      reply.array(found.length);
      for (const index of found) reply.integer(index);
    } else if (found.length > 0) {
      reply.integer(found[0]);
    } else {
      reply.null();
    }
  },
});
