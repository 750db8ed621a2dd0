import { randomBelow } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { distanceOf } from './distance.js';
import {
  areaOf,
  cellOf,
  decode,
  interleave,
  neighbourOf,
  point,
  scoreFrom,
  scoreOf,
  scoreTo,
} from './geohash.js';
import { Shape } from './shape.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const { random } = new SimulatedEnv(seed);
const uniform = (from: number, to: number): number => from + (random.uint32() / 2 ** 32) * (to - from);
const anywhere = (): [number, number] => [uniform(-180, 180), uniform(-85, 85)];

function simpleInterleave(even: number, odd: number): number {
  let bits = 0;
  for (let i = 26; i >= 0; i--) bits = bits * 4 + ((odd >>> i) & 1) * 2 + ((even >>> i) & 1);
  return bits;
}

it(`alternates bits as if one by one (HOLDFAST_SEED=${seed})`, () => {
  for (let round = 0; round < 2000; round++) {
    const [even, odd] = [randomBelow(random, 2 ** 26), randomBelow(random, 2 ** 26)];
    expect(interleave(even, odd)).toBe(simpleInterleave(even, odd));
  }
  expect(interleave(0, 2 ** 26)).toBe(2 ** 53);
});

it(`finds a point again within less than a meter (HOLDFAST_SEED=${seed})`, () => {
  for (let round = 0; round < 2000; round++) {
    const [longitude, latitude] = anywhere();
    decode(scoreOf(longitude, latitude));
    expect(distanceOf(longitude, latitude, point.longitude, point.latitude)).toBeLessThan(1);
  }
});

it(`keeps the points of a cell in one range of scores (HOLDFAST_SEED=${seed})`, () => {
  for (let round = 0; round < 1000; round++) {
    const cell = cellOf(...anywhere(), 1 + randomBelow(random, 20));
    const { west, east, south, north } = areaOf(cell);
    const score = scoreOf(uniform(west, east), uniform(south, north));
    expect(score).toBeGreaterThanOrEqual(scoreFrom(cell));
    expect(score).toBeLessThan(scoreTo(cell));
  }
});

it('goes around the world from cell to cell', () => {
  const cell = cellOf(179, 84, 4);
  expect(cell).toEqual({ step: 4, x: 15, y: 15 });
  expect(neighbourOf(cell, 1, 0)).toEqual({ step: 4, x: 0, y: 15 });
  expect(neighbourOf(cell, 1, 1)).toEqual({ step: 4, x: 0, y: 0 });
});

it(`searches every cell in which a shape has points (HOLDFAST_SEED=${seed})`, () => {
  for (let round = 0; round < 3000; round++) {
    const shape = new Shape();
    [shape.longitude, shape.latitude] = [uniform(-170, 170), uniform(-60, 60)];
    shape.isBox = round % 2 === 0;
    shape.radius = 10 ** uniform(1, 5.5);
    [shape.width, shape.height] = [10 ** uniform(1, 5.5), 10 ** uniform(1, 5.5)];
    const spread = (shape.isBox ? Math.max(shape.width, shape.height) / 2 : shape.radius) / 111_000;
    const longitude = shape.longitude + uniform(-spread, spread) / Math.cos((shape.latitude * Math.PI) / 180);
    const latitude = shape.latitude + uniform(-spread, spread);
    if (Math.abs(longitude) > 180 || shape.distanceTo(longitude, latitude) < 0) continue;
    const score = scoreOf(longitude, latitude);
    const cells = shape.cells();
    expect(cells.some((cell) => score >= scoreFrom(cell) && score < scoreTo(cell))).toBe(true);
  }
});
