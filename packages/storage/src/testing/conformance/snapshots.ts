/** Snapshots that are taken while writes go on. */
import assert from 'node:assert/strict';
import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { RandomWrites } from '../random-writes.js';
import { StorageDriver } from '../storage-driver.js';
import { writeOfEachType } from './changing.js';
import {
  applyAll,
  assertSameState,
  freshMemory,
  type StorageCase,
  stateOfLog,
  withStorage,
} from './storage-case.js';

/** Takes a snapshot, writing between its batches; then that and the log from its beginning are the state. */
export async function checkFuzzySnapshot(driver: StorageDriver, write: () => Promise<void>): Promise<void> {
  const { storage, log } = driver;
  const from = driver.committedPosition;
  const restored = freshMemory();
  for await (const batch of storage.snapshot()) {
    restored.apply(batch, 0);
    await write();
  }
  await write();
  driver.settle();
  for (let position = from + 1; position <= log.length; position++)
    restored.apply(log[position - 1], position);
  await assertSameState(restored, storage);
  await assertSameState(storage, await stateOfLog(log));
}

export const snapshotCases: readonly StorageCase[] = [
  {
    name: 'a snapshot of all types of values restores them',
    run: (place) =>
      withStorage(place, async (driver) => {
        writeOfEachType(driver);
        driver.settle();
        const restored = freshMemory();
        for await (const batch of driver.storage.snapshot()) restored.apply(batch, 0);
        await assertSameState(restored, driver.storage);
      }),
  },
  {
    name: 'a snapshot that is taken while writes go on, and the log from its beginning, are the final state',
    run: (place) =>
      withStorage(place, async (driver) => {
        const random = new SeededRandom(12);
        const options = { keys: 2000, databases: 2, wholesale: false };
        const writes = new RandomWrites(driver, random, options);
        for (let i = 0; i < 3000; i++) await writes.next();
        for (let i = 0; i < 60; i++) driver.set(`large ${i}`, 'x'.repeat(100_000));
        driver.settle();
        await checkFuzzySnapshot(driver, async () => {
          for (let i = randomBelow(random, 200); i >= 0; i--) await writes.next();
          driver.settle();
        });
      }),
  },
  {
    name: 'a snapshot that a follower takes, and the log from its beginning, are the final state',
    run: (place) =>
      withStorage(place, async ({ storage }) => {
        const leader = new StorageDriver(freshMemory(), []);
        const random = new SeededRandom(21);
        const options = { keys: 2000, databases: 2, wholesale: false };
        const writes = new RandomWrites(leader, random, options);
        let applied = 0;
        const follow = async (): Promise<void> => {
          leader.settle();
          await applyAll(storage, leader.log.slice(applied), applied + 1);
          applied = leader.log.length;
        };
        for (let i = 0; i < 4000; i++) await writes.next();
        for (let i = 0; i < 60; i++) leader.set(`large ${i}`, 'x'.repeat(100_000));
        await follow();
        const from = applied;
        const restored = freshMemory();
        for await (const batch of storage.snapshot()) {
          restored.apply(batch, 0);
          for (let i = randomBelow(random, 60); i >= 0; i--) await writes.next();
          await follow();
        }
        for (let i = from; i < applied; i++) restored.apply(leader.log[i], i + 1);
        await assertSameState(restored, storage);
        await assertSameState(storage, leader.storage);
      }),
  },
  {
    name: 'a snapshot ends with INVALID when databases are swapped meanwhile',
    run: (place) =>
      withStorage(place, async (driver) => {
        for (let i = 0; i < 20; i++) driver.set(`large ${i}`, 'x'.repeat(100_000));
        driver.settle();
        await assert.rejects(
          async () => {
            for await (const batch of driver.storage.snapshot()) if (batch.length > 0) driver.swap(0, 1);
          },
          { code: 'INVALID' },
        );
        driver.settle();
      }),
  },
];
