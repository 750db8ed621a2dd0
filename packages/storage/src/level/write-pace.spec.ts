import { SimulatedEnv } from '@holdfast/common/testing';
import { beforeEach, expect, it } from 'vitest';
import { WritePace } from './write-pace.js';

const bytesMax = 128e6;
const setBytes = 32e6;

let env: SimulatedEnv;
let pace: WritePace;
let waiting: number;

beforeEach(() => {
  env = new SimulatedEnv(1);
  pace = new WritePace(env);
  waiting = 0;
});

/** Bytes that come in so many ms, of at most `rate` for each; `written`: the disk takes a set whenever it has one for so long. */
async function write(ms: number, rate: number, setMs: number): Promise<number> {
  let came = 0;
  let busyMs = 0;
  for (let at = 0; at < ms; at++) {
    const pause = pace.admit(waiting, bytesMax);
    if (pause === null) {
      waiting += rate;
      came += rate;
    }
    if (waiting >= setBytes && busyMs === 0) pace.begin();
    if (waiting >= setBytes) busyMs++;
    env.advance(1);
    if (pause !== null) await Promise.resolve();
    if (busyMs < setMs) continue;
    pace.written(setBytes, setBytes);
    waiting -= setBytes;
    busyMs = 0;
  }
  return came;
}

it('lets in what the disk takes', async () => {
  expect(await write(20_000, 20_000, 1000)).toBe(20_000 * 20_000);
});

it('lets in nearly as much as the disk takes when more would come', async () => {
  await write(20_000, 40_000, 1600);
  const came = await write(60_000, 40_000, 1600);
  expect(came / 60_000 / 20_000).toBeGreaterThan(0.95);
  expect(came / 60_000 / 20_000).toBeLessThan(1.05);
});

it('keeps writers at a third of their pace while the disk takes nothing for four seconds', async () => {
  await write(60_000, 20_000, 1200);
  const each: number[] = [];
  for (let second = 0; second < 4; second++) {
    each.push(await write(1000, 20_000, Number.POSITIVE_INFINITY));
    expect(waiting).toBeLessThanOrEqual(bytesMax + 20_000);
  }
  expect(Math.min(...each)).toBeGreaterThan(20_000_000 / 3);
});

it('never lets more wait than the bound, but for what was let in at once', async () => {
  await write(60_000, 100_000, Number.POSITIVE_INFINITY);
  expect(waiting).toBeLessThanOrEqual(bytesMax + 100_000);
});
