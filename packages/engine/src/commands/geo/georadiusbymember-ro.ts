import { defineCommand } from '../../command.js';
import { bytes, described, key, unparsedDouble } from '../../grammar.js';
import { countDoc, orderDoc, unitDoc, withDocs } from './geo-docs.js';
import type { QueryForm } from './query.js';
import { search } from './searching.js';

const form: QueryForm = {
  source: 1,
  center: 'member',
  optionsAt: 5,
  store: 'never',
};

export const georadiusbymemberRo = defineCommand({
  id: 857,
  name: 'GEORADIUSBYMEMBER_RO',
  group: 'geo',
  since: '3.2.10',
  complexity:
    'O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.',
  summary: 'Returns members from a geospatial index that are within a distance from a member.',
  flags: ['readonly'],
  args: {
    key: key('RO', 'access'),
    member: bytes(),
    radius: unparsedDouble(),
    unit: described(unitDoc, { countMin: 1 }),
    withcoord: described(withDocs[0]),
    withdist: described(withDocs[1]),
    withhash: described(withDocs[2]),
    count: described(countDoc),
    order: described(orderDoc),
  },
  run: (ctx, _args, reply) => search(ctx, form, reply),
});
