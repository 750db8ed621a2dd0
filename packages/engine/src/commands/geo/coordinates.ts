/** Points and lengths in the arguments of geo commands, with Redis' words for what is wrong with them. */
import type { Reply, Request } from '@holdfast/common';
import { notADouble } from '../../grammar.js';
import { formatFixed, longDoubleOf } from '../../long-double.js';
import { latitudeMax, longitudeMax } from './geohash.js';

/** Meters in each unit. */
const units: Readonly<Record<string, number>> = { M: 1, KM: 1000, FT: 0.3048, MI: 1609.34 };

export const unknownUnit = 'ERR unsupported unit provided. please use M, KM, FT, MI';
export const notDecodable = 'ERR could not decode requested zset member';

/** The coordinates that were read last. */
export const coordinates = { longitude: 0, latitude: 0 };

/** Reads a longitude and a latitude from argument `i` on into `coordinates`; what is wrong with them, or null. */
export function readCoordinates(request: Request, i: number): string | null {
  const longitude = request.double(i);
  const latitude = request.double(i + 1);
  if (longitude !== longitude || latitude !== latitude) return notADouble;
  if (Math.abs(longitude) > longitudeMax || Math.abs(latitude) > latitudeMax) {
    return `ERR invalid longitude,latitude pair ${shown(longitude)},${shown(latitude)}`;
  }
  coordinates.longitude = longitude;
  coordinates.latitude = latitude;
  return null;
}

function shown(n: number): string {
  if (Number.isFinite(n)) return formatFixed(longDoubleOf(n), 6);
  return n < 0 ? '-inf' : 'inf';
}

/** Meters in the unit at argument `i`; NaN when it is none. */
export function readUnit(request: Request, i: number): number {
  const name = request.length(i) <= 2 ? request.byteString(i).toUpperCase() : '';
  return units[name] ?? Number.NaN;
}

/** A distance with four digits after the point, rounded as Redis 7.2 rounds: once it is a number of ten-thousandths. */
export function replyDistance(distance: number, reply: Reply): void {
  const scaled = distance * 10_000;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const isUp = rest > 0.5 || (rest === 0.5 && floor % 2 === 1);
  const digits = String(isUp ? floor + 1 : floor).padStart(5, '0');
  reply.byteString(`${digits.slice(0, -4)}.${digits.slice(-4)}`);
}
