/** Distances on the earth, taken as a sphere: the haversine formula. In meters; coordinates in degrees. */
// @hot-path

export const earthRadius = 6372797.560856;
const radiansPerDegree = Math.PI / 180;

export function radians(degrees: number): number {
  return degrees * radiansPerDegree;
}

export function degrees(radians: number): number {
  return radians / radiansPerDegree;
}

/** The distance of two points on one meridian. */
export function distanceOfLatitudes(a: number, b: number): number {
  return earthRadius * Math.abs(radians(b) - radians(a));
}

export function distanceOf(
  longitude: number,
  latitude: number,
  otherLongitude: number,
  otherLatitude: number,
): number {
  const v = Math.sin((radians(otherLongitude) - radians(longitude)) / 2);
  if (v === 0) return distanceOfLatitudes(latitude, otherLatitude);
  const from = radians(latitude);
  const to = radians(otherLatitude);
  const u = Math.sin((to - from) / 2);
  return 2 * earthRadius * Math.asin(Math.sqrt(u * u + Math.cos(from) * Math.cos(to) * v * v));
}
