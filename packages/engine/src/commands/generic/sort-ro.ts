import { defineCommand } from '../../command.js';
import { described, key } from '../../grammar.js';
import { byDoc, getDoc, limitDoc, orderDoc, patternSpec, sortingDoc, sourceSpec } from './sort-docs.js';
import { patternsOf } from './sort-options.js';
import { sort as sortKey, visitPatternKeys } from './sorting.js';

export const sortRo = defineCommand({
  id: 871,
  name: 'SORT_RO',
  group: 'generic',
  since: '7.0.0',
  complexity:
    'O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned elements. When the elements are not sorted, complexity is O(N).',
  summary: 'Returns the sorted elements of a list, a set, or a sorted set.',
  flags: ['readonly'],
  categories: ['set', 'sortedset', 'list', 'dangerous'],
  keySpecs: [sourceSpec, patternSpec],
  args: {
    key: key('RO', 'access'),
    by: described(byDoc),
    limit: described(limitDoc),
    get: described(getDoc),
    order: described(orderDoc),
    sorting: described(sortingDoc),
  },
  furtherKeys: visitPatternKeys,
  keyPatterns: patternsOf,
  run: (ctx, _args, reply) => sortKey(ctx, false, reply),
});
