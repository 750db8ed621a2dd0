/** GEOSEARCH, GEORADIUS and their kin: finding points, ordering them, replying or storing them. */
import type { Reply } from '@holdfast/common';
import { valueTypes, ZSetBound, ZSetCursor, ZSetValue } from '@holdfast/storage';
import { type Context, wrongType } from '../../context.js';
import { formatLongDouble, longDoubleOf } from '../../long-double.js';
import { sortRange } from '../../partial-sort.js';
import { storeZSet } from '../sorted-set/zsets.js';
import { replyDistance } from './coordinates.js';
import { decode, point, scoreFrom, scoreTo } from './geohash.js';
import { GeoQuery, type QueryForm } from './query.js';
import type { Shape } from './shape.js';

/** A member within the shape. Its bytes lie in the set, and stay there as long as that is not changed. */
interface Found {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
  readonly score: number;
  readonly longitude: number;
  readonly latitude: number;
  /** In meters. */
  readonly distance: number;
}

const cursor = new ZSetCursor();
const bound = new ZSetBound();

/** The set at argument `i`: null when there is none, undefined after replying WRONGTYPE. */
export function readGeoSet(ctx: Context, i: number): ZSetValue | null | undefined {
  const ref = ctx.read(i);
  if (ref === 0) return null;
  if (ctx.db.type(ref) === valueTypes.zset) return ctx.db.collection(ref) as ZSetValue;
  ctx.reply.error(wrongType);
  return undefined;
}

/** Runs a command of the family. */
export function search(ctx: Context, form: QueryForm, reply: Reply): void {
  const zset = readGeoSet(ctx, form.source);
  if (zset === undefined) return;
  const query = new GeoQuery(ctx.request, form, zset);
  const problem = query.parse();
  if (problem !== null) return reply.error(problem);
  const found = zset === null ? [] : findAll(zset, query);
  if (query.target > 0) storeFound(ctx, query, found, reply);
  else replyFound(query, found, reply);
}

function findAll(zset: ZSetValue, { shape, isAny, count, order }: GeoQuery): Found[] {
  const found = findWithin(zset, shape, isAny ? count : Number.POSITIVE_INFINITY);
  // The first of what has no order would mean nothing.
  const direction = count > 0 && !isAny && order === 0 ? 1 : order;
  const compare = (a: Found, b: Found): number => (a.distance - b.distance) * direction;
  const isCut = count > 0 && found.length > count;
  if (direction !== 0 && isCut) sortRange(found, compare, 0, count - 1);
  else if (direction !== 0) found.sort(compare);
  if (isCut) found.length = count;
  return found;
}

/** Up to `limit` members within a shape. */
function findWithin(zset: ZSetValue, shape: Shape, limit: number): Found[] {
  const found: Found[] = [];
  for (const cell of shape.cells()) {
    bound.atScore(scoreFrom(cell), false);
    const from = zset.countBefore(bound);
    bound.atScore(scoreTo(cell), false);
    const to = zset.countBefore(bound);
    if (from < to) zset.seek(cursor, from);
    for (let rank = from; rank < to && found.length < limit; rank++, zset.stepForward(cursor)) {
      decode(cursor.score);
      const distance = shape.distanceTo(point.longitude, point.latitude);
      if (distance < 0) continue;
      const { bytes, start, length, score } = cursor;
      found.push({ bytes, start, length, score, ...point, distance });
    }
  }
  return found;
}

function replyFound(query: GeoQuery, found: readonly Found[], reply: Reply): void {
  const { shape, withDistances, withHashes, withCoordinates } = query;
  const parts = 1 + Number(withDistances) + Number(withHashes) + Number(withCoordinates);
  reply.array(found.length);
  for (const each of found) {
    if (parts > 1) reply.array(parts);
    reply.bulk(each.bytes, each.start, each.length);
    if (withDistances) replyDistance(each.distance / shape.unit, reply);
    if (withHashes) replyHash(each.score, reply);
    if (withCoordinates) replyPoint(each.longitude, each.latitude, reply);
  }
}

/** A score as an integer of 64 bits. */
function replyHash(score: number, reply: Reply): void {
  const whole = Math.trunc(score);
  if (Number.isSafeInteger(whole)) reply.integer(whole);
  else reply.bigInteger(BigInt(whole));
}

export function replyPoint(longitude: number, latitude: number, reply: Reply): void {
  reply.array(2);
  for (const n of [longitude, latitude]) reply.doubleAs(n, formatLongDouble(longDoubleOf(n)));
}

function storeFound(ctx: Context, query: GeoQuery, found: readonly Found[], reply: Reply): void {
  const { shape, storesDistances, target } = query;
  const result = new ZSetValue(ctx.db);
  result.expect(found.length);
  for (const { bytes, start, length, score, distance } of found) {
    result.put(bytes, start, length, storesDistances ? distance / shape.unit : score);
  }
  storeZSet(ctx, target, result, target === 1 ? 'geosearchstore' : 'georadiusstore', reply);
}
