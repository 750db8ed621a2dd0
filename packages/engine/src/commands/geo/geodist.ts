import { defineCommand } from '../../command.js';
import { bytes, described, key, syntaxError } from '../../grammar.js';
import { readUnit, replyDistance, unknownUnit } from './coordinates.js';
import { distanceOf } from './distance.js';
import { optionalUnitDoc } from './geo-docs.js';
import { decode, point } from './geohash.js';
import { readGeoSet } from './searching.js';

export const geodist = defineCommand({
  id: 851,
  name: 'GEODIST',
  group: 'geo',
  since: '3.2.0',
  complexity: 'O(1)',
  summary: 'Returns the distance between two members of a geospatial index.',
  flags: ['readonly'],
  args: { key: key('RO', 'access'), member1: bytes(), member2: bytes(), unit: described(optionalUnitDoc) },
  run(ctx, { key, member1, member2 }, reply) {
    const { request } = ctx;
    const unit = request.count === 5 ? readUnit(request, 4) : 1;
    if (unit !== unit) return reply.error(unknownUnit);
    if (request.count > 5) return reply.error(syntaxError);
    const zset = readGeoSet(ctx, key);
    if (zset === undefined) return;
    if (zset === null) return reply.null();
    const first = zset.score(request.bytes, request.start(member1), request.length(member1));
    const second = zset.score(request.bytes, request.start(member2), request.length(member2));
    if (first !== first || second !== second) return reply.null();
    decode(first);
    const { longitude, latitude } = point;
    decode(second);
    replyDistance(distanceOf(longitude, latitude, point.longitude, point.latitude) / unit, reply);
  },
});
