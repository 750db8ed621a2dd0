import { defineCommand } from '../../command.js';
import { bytes, described, key, unparsedDouble } from '../../grammar.js';
import { countDoc, orderDoc, storeDoc, unitDoc, withDocs } from './geo-docs.js';
import type { QueryForm } from './query.js';
import { search } from './searching.js';
import { radiusKeys } from './stored-key.js';

const form: QueryForm = {
  source: 1,
  center: 'member',
  optionsAt: 5,
  store: 'option',
};

export const georadiusbymember = defineCommand({
  id: 856,
  name: 'GEORADIUSBYMEMBER',
  group: 'geo',
  since: '3.2.0',
  complexity:
    'O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.',
  summary:
    'Queries a geospatial index for members within a distance from a member, optionally stores the result.',
  flags: ['write', 'denyoom'],
  keySpecs: radiusKeys(form.optionsAt),
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
    store: described(storeDoc),
  },
  run: (ctx, _args, reply) => search(ctx, form, reply),
});
