import { defineCommand } from '../../command.js';
import { key, oneOf, repeat, shortBytes, token, unparsedDouble } from '../../grammar.js';
import { addMembers, addRules, reserveScores } from '../sorted-set/adding.js';
import { coordinates, readCoordinates } from './coordinates.js';
import { scoreOf } from './geohash.js';

export const geoadd = defineCommand({
  id: 850,
  name: 'GEOADD',
  group: 'geo',
  since: '3.2.0',
  complexity: 'O(log(N)) for each item added, where N is the number of elements in the sorted set.',
  summary: "Adds one or more members to a geospatial index. The key is created if it doesn't exist.",
  flags: ['write', 'denyoom'],
  args: {
    key: key('RW', 'update'),
    condition: oneOf('NX', 'XX'),
    change: token('CH'),
    data: repeat({ longitude: unparsedDouble(), latitude: unparsedDouble(), member: shortBytes() }),
  },
  run(ctx, { key, condition, change, data }, reply) {
    const scores = reserveScores(data.count);
    for (let i = 0; i < data.count; i++) {
      const problem = readCoordinates(ctx.request, data.first + 3 * i);
      if (problem !== null) return reply.error(problem);
      scores[i] = scoreOf(coordinates.longitude, coordinates.latitude);
    }
    const rules = condition === null ? 0 : condition === 'NX' ? addRules.missing : addRules.existing;
    addMembers(ctx, key, data, 2, rules, change, reply);
  },
});
