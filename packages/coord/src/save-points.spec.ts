import { SimulatedEnv } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { SavePoints } from './save-points.js';

function savePointsOf() {
  const env = new SimulatedEnv();
  const state = { finishedMs: 0, writesSince: 0, isFree: true, fails: false };
  const saves: number[] = [];
  const errors: unknown[] = [];
  const startedMs = env.clock.now();
  const savePoints = new SavePoints({
    env,
    points: () => [
      { seconds: 60, writes: 2 },
      { seconds: 10, writes: 100 },
    ],
    lastCopy: () => state,
    isFree: () => state.isFree,
    save: async () => {
      saves.push(env.clock.now() - startedMs);
      if (state.fails) throw new Error('the disk is full');
      state.finishedMs = env.clock.now();
      state.writesSince = 0;
    },
    onError: (error) => errors.push(error),
  });
  const pass = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds; i++) {
      env.advance(1000);
      await new Promise(setImmediate);
    }
  };
  return { errors, pass, savePoints, saves, state };
}

it('saves when the time and the writes of one of them are reached, and counts from there', async () => {
  const { pass, saves, state } = savePointsOf();
  state.writesSince = 2;
  await pass(59);
  expect(saves).toEqual([]);
  await pass(1);
  expect(saves).toEqual([60_000]);
  state.writesSince = 100;
  await pass(9);
  expect(saves.length).toBe(1);
  await pass(1);
  expect(saves).toEqual([60_000, 70_000]);
});

it('waits while a copy is taken otherwise', async () => {
  const { pass, saves, state } = savePointsOf();
  state.writesSince = 100;
  state.isFree = false;
  await pass(20);
  state.isFree = true;
  await pass(1);
  expect(saves).toEqual([21_000]);
});

it('tries again after five seconds what failed, not at every look', async () => {
  const { errors, pass, saves, state } = savePointsOf();
  state.writesSince = 100;
  state.fails = true;
  await pass(21);
  expect(saves).toEqual([10_000, 15_000, 20_000]);
  expect(errors.length).toBe(3);
});

it('looks no more once it is closed', async () => {
  const { pass, savePoints, saves, state } = savePointsOf();
  state.writesSince = 100;
  await savePoints.close();
  await pass(20);
  expect(saves).toEqual([]);
});
