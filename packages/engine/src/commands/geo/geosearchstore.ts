import { defineCommand } from '../../command.js';
import { described, key } from '../../grammar.js';
import { byDoc, countDoc, fromDoc, orderDoc, storeDistancesDoc } from './geo-docs.js';
import type { QueryForm } from './query.js';
import { search } from './searching.js';

const form: QueryForm = { source: 2, center: 'options', optionsAt: 3, store: 'first' };

export const geosearchstore = defineCommand({
  id: 859,
  name: 'GEOSEARCHSTORE',
  group: 'geo',
  since: '6.2.0',
  complexity:
    'O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape provided as the filter and M is the number of items inside the shape',
  summary:
    'Queries a geospatial index for members inside an area of a box or a circle, optionally stores the result.',
  flags: ['write', 'denyoom'],
  args: {
    destination: key('OW', 'update'),
    source: key('RO', 'access'),
    from: described(fromDoc, { countMin: 2 }),
    by: described(byDoc, { countMin: 3 }),
    order: described(orderDoc),
    count: described(countDoc),
    storedist: described(storeDistancesDoc),
  },
  run: (ctx, _args, reply) => search(ctx, form, reply),
});
