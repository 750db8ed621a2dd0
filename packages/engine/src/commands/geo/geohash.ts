/**
 * Points on the earth as numbers of 52 bits, the scores of a sorted set: neighbours have, mostly, scores near each
 * other.
 *
 * Longitude and latitude are each divided into 2^step parts, 26 steps for a point. The bits of the two parts
 * alternate, those of the longitude first, so that all points of a cell of a coarser grid lie in one range of
 * scores. Latitudes end where the Mercator projection does. The point at the very end of a range lies one part
 * beyond the last, as in Redis.
 */
// @hot-path

export const longitudeMax = 180;
export const latitudeMax = 85.05112878;
export const stepMax = 26;

/** A part of the grid of 2^step by 2^step. */
export interface Cell {
  readonly step: number;
  /** Which part of the longitudes, from -180 on. */
  readonly x: number;
  /** Which part of the latitudes, from the south on. */
  readonly y: number;
}

/** What a cell covers. */
export interface Area {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

/** The cell of a point that is within the limits. */
export function cellOf(longitude: number, latitude: number, step: number): Cell {
  const parts = 2 ** step;
  return {
    step,
    x: Math.floor(((longitude + longitudeMax) / (2 * longitudeMax)) * parts),
    y: Math.floor(((latitude + latitudeMax) / (2 * latitudeMax)) * parts),
  };
}

/** The cell beside another one, around the world if need be. */
export function neighbourOf({ step, x, y }: Cell, east: number, north: number): Cell {
  const mask = 2 ** step - 1;
  return { step, x: east === 0 ? x : (x + east) & mask, y: north === 0 ? y : (y + north) & mask };
}

export function areaOf({ step, x, y }: Cell): Area {
  const parts = 2 ** step;
  return {
    west: (x / parts) * (2 * longitudeMax) - longitudeMax,
    east: ((x + 1) / parts) * (2 * longitudeMax) - longitudeMax,
    south: (y / parts) * (2 * latitudeMax) - latitudeMax,
    north: ((y + 1) / parts) * (2 * latitudeMax) - latitudeMax,
  };
}

/** The bits of a cell. */
function bitsOf({ x, y }: Cell): number {
  return interleave(y, x);
}

/** The lowest score of the points in a cell. */
export function scoreFrom(cell: Cell): number {
  return bitsOf(cell) * 4 ** (stepMax - cell.step);
}

/** All points in a cell have lower scores than this. */
export function scoreTo(cell: Cell): number {
  return (bitsOf(cell) + 1) * 4 ** (stepMax - cell.step);
}

/** The score of a point that is within the limits. */
export function scoreOf(longitude: number, latitude: number): number {
  return bitsOf(cellOf(longitude, latitude, stepMax));
}

/** Alternates the bits of two numbers of at most 27 bits, beginning with the lowest of `even`. */
export function interleave(even: number, odd: number): number {
  const low = spread(even & 0xffff) | (spread(odd & 0xffff) << 1);
  const high = spread(even >>> 16) | (spread(odd >>> 16) << 1);
  return (high >>> 0) * 0x100000000 + (low >>> 0);
}

/** Puts a zero before each of 16 bits. */
function spread(n: number): number {
  let bits = (n | (n << 8)) & 0x00ff00ff;
  bits = (bits | (bits << 4)) & 0x0f0f0f0f;
  bits = (bits | (bits << 2)) & 0x33333333;
  return (bits | (bits << 1)) & 0x55555555;
}

/** Every second bit of 32, from the lowest on. */
function gather(n: number): number {
  let bits = n & 0x55555555;
  bits = (bits | (bits >>> 1)) & 0x33333333;
  bits = (bits | (bits >>> 2)) & 0x0f0f0f0f;
  bits = (bits | (bits >>> 4)) & 0x00ff00ff;
  return (bits | (bits >>> 8)) & 0xffff;
}

/** The point that `decode` found. */
export const point = { longitude: 0, latitude: 0 };

/** Finds the point of a score, in the middle of its cell. Any score has one: what is none is brought into the limits. */
export function decode(score: number): void {
  let high = Math.floor(score / 0x100000000);
  let low = score >>> 0;
  if (!(score >= 0 && score <= Number.MAX_SAFE_INTEGER)) {
    const bits = unsignedBits(score);
    high = Number(bits >> 32n);
    low = Number(bits & 0xffffffffn);
  }
  const y = ((gather(high) << 16) | gather(low)) >>> 0;
  const x = ((gather(high >>> 1) << 16) | gather(low >>> 1)) >>> 0;
  point.longitude = middle(x, longitudeMax);
  point.latitude = middle(y, latitudeMax);
}

function middle(part: number, limit: number): number {
  const parts = 2 ** stepMax;
  const from = -limit + (part / parts) * (2 * limit);
  const to = -limit + (((part + 1) >>> 0) / parts) * (2 * limit);
  return Math.min(Math.max((from + to) / 2, -limit), limit);
}

/** A score as 64 unsigned bits, as x86-64 converts what does not fit. */
function unsignedBits(score: number): bigint {
  const whole = Math.trunc(score);
  if (Math.abs(whole) <= 2 ** 63) return BigInt.asUintN(64, BigInt(whole));
  if (whole < 0) return 2n ** 63n;
  return whole < 2 ** 64 ? BigInt(whole) : 0n;
}

const alphabet = '0123456789bcdefghjkmnpqrstuvwxyz';

/** The standard geohash of a point, which divides latitudes up to the poles: 50 bits, and a last digit of 0. */
export function textOf(longitude: number, latitude: number): string {
  const parts = 2 ** stepMax;
  const x = Math.floor(((longitude + 180) / 360) * parts);
  const y = Math.floor(((latitude + 90) / 180) * parts);
  const bits = interleave(y, x);
  let text = '';
  for (let shift = 47; shift >= 2; shift -= 5) text += alphabet[Math.floor(bits / 2 ** shift) % 32];
  return `${text}0`;
}
