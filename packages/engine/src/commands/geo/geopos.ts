import { defineCommand } from '../../command.js';
import { bytes, key, repeat } from '../../grammar.js';
import { decode, point } from './geohash.js';
import { readGeoSet, replyPoint } from './searching.js';

export const geopos = defineCommand({
  id: 853,
  name: 'GEOPOS',
  group: 'geo',
  since: '3.2.0',
  complexity: 'O(1) for each member requested.',
  summary: 'Returns the longitude and latitude of members from a geospatial index.',
  flags: ['readonly'],
  args: { key: key('RO', 'access'), member: repeat(bytes(), { mayBeEmpty: true }) },
  run(ctx, { key, member }, reply) {
    const { request } = ctx;
    const zset = readGeoSet(ctx, key);
    if (zset === undefined) return;
    reply.array(member.count);
    for (let i = member.first; i < member.first + member.count; i++) {
      const score = zset?.score(request.bytes, request.start(i), request.length(i)) ?? Number.NaN;
      if (score !== score) {
        reply.nullArray();
        continue;
      }
      decode(score);
      replyPoint(point.longitude, point.latitude, reply);
    }
  },
});
