import { defineCommand } from '../../command.js';
import { described, key } from '../../grammar.js';
import {
  byDoc,
  getDoc,
  limitDoc,
  orderDoc,
  patternSpec,
  sortingDoc,
  sourceSpec,
  storeDoc,
  targetSpec,
} from './sort-docs.js';
import { patternsOf } from './sort-options.js';
import { sort as sortKey, visitPatternKeys } from './sorting.js';

export const sort = defineCommand({
  id: 870,
  name: 'SORT',
  group: 'generic',
  since: '1.0.0',
  complexity:
    'O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned elements. When the elements are not sorted, complexity is O(N).',
  summary: 'Sorts the elements in a list, a set, or a sorted set, optionally storing the result.',
  flags: ['write', 'denyoom'],
  categories: ['set', 'sortedset', 'list', 'dangerous'],
  keySpecs: [sourceSpec, patternSpec, targetSpec],
  args: {
    key: key('RO', 'access'),
    by: described(byDoc),
    limit: described(limitDoc),
    get: described(getDoc),
    order: described(orderDoc),
    sorting: described(sortingDoc),
    store: described(storeDoc),
  },
  furtherKeys: visitPatternKeys,
  keyPatterns: patternsOf,
  run: (ctx, _args, reply) => sortKey(ctx, true, reply),
});
