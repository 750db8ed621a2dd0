/** A circle or a box around a point, and the cells of the grid in which its points can be. */
import { degrees, distanceOf, distanceOfLatitudes, earthRadius, radians } from './distance.js';
import { type Area, areaOf, type Cell, cellOf, neighbourOf, stepMax } from './geohash.js';

const mercatorMax = 20037726.37;

/** The order in which cells are searched: the one in the middle first. East, north. */
const directions: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
];

export class Shape {
  longitude = 0;
  latitude = 0;
  isBox = false;
  /** Of a circle. In the unit, as all lengths here. */
  radius = 0;
  /** Of a box. */
  width = 0;
  height = 0;
  /** Meters in a unit. */
  unit = 1;

  /** The distance of a point in meters, or -1 when it is outside. */
  distanceTo(longitude: number, latitude: number): number {
    if (!this.isBox) {
      const distance = distanceOf(this.longitude, this.latitude, longitude, latitude);
      return distance > this.radius * this.unit ? -1 : distance;
    }
    const { width, height, unit } = this;
    if (distanceOfLatitudes(latitude, this.latitude) > (height * unit) / 2) return -1;
    if (distanceOf(longitude, latitude, this.longitude, latitude) > (width * unit) / 2) return -1;
    return distanceOf(this.longitude, this.latitude, longitude, latitude);
  }

  /** The cells to be searched, in the order of the search: at most nine, those left out that it does not reach. */
  cells(): Cell[] {
    const bounds = this.#bounds();
    let step = this.#estimateStep();
    let middle = cellOf(this.longitude, this.latitude, step);
    if (step > 1 && isTooSmall(middle, bounds)) middle = cellOf(this.longitude, this.latitude, --step);
    const area = areaOf(middle);
    const cells: Cell[] = [];
    for (const [east, north] of directions) {
      if (step >= 2 && isOutOfReach(area, bounds, east, north)) continue;
      const cell = neighbourOf(middle, east, north);
      // On a grid of two by two the neighbours on both sides are the same.
      const last = cells.length > 1 ? cells[cells.length - 1] : null;
      if (last === null || last.x !== cell.x || last.y !== cell.y) cells.push(cell);
    }
    return cells;
  }

  /** The box around the shape, as wide as it is where parallels are shortest. */
  #bounds(): Area {
    const { isBox, latitude, longitude, unit } = this;
    const halfHeight = unit * (isBox ? this.height / 2 : this.radius);
    const halfWidth = unit * (isBox ? this.width / 2 : this.radius);
    const latitudes = degrees(halfHeight / earthRadius);
    const narrow = latitude < 0 ? latitude - latitudes : latitude + latitudes;
    const longitudes = degrees(halfWidth / earthRadius / Math.cos(radians(narrow)));
    return {
      west: longitude - longitudes,
      east: longitude + longitudes,
      south: latitude - latitudes,
      north: latitude + latitudes,
    };
  }

  /** The finest grid on which the shape, mostly, reaches no further than to the neighbours of its middle. */
  #estimateStep(): number {
    const { isBox, width, height, unit, latitude } = this;
    const half = isBox ? Math.sqrt((width / 2) * (width / 2) + (height / 2) * (height / 2)) : this.radius;
    let meters = half * unit;
    if (meters === 0) return stepMax;
    let step = 1;
    for (; meters < mercatorMax; meters *= 2) step++;
    step -= 2;
    // Nearer to the poles cells are narrower.
    if (latitude > 66 || latitude < -66) step--;
    if (latitude > 80 || latitude < -80) step--;
    return Math.min(Math.max(step, 1), stepMax);
  }
}

/** Whether the bounds reach beyond the neighbours of a cell. */
function isTooSmall(cell: Cell, bounds: Area): boolean {
  return (
    areaOf(neighbourOf(cell, 0, 1)).north < bounds.north ||
    areaOf(neighbourOf(cell, 0, -1)).south > bounds.south ||
    areaOf(neighbourOf(cell, 1, 0)).east < bounds.east ||
    areaOf(neighbourOf(cell, -1, 0)).west > bounds.west
  );
}

/** Whether nothing within the bounds lies in a direction from the area. */
function isOutOfReach(area: Area, bounds: Area, east: number, north: number): boolean {
  return (
    (north < 0 && area.south < bounds.south) ||
    (north > 0 && area.north > bounds.north) ||
    (east < 0 && area.west < bounds.west) ||
    (east > 0 && area.east > bounds.east)
  );
}
