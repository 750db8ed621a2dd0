/** What a case of the suite is, and what several of them need. */
import assert from 'node:assert/strict';
import { SeededRandom } from '@holdfast/common/testing';
import { MemoryStorage } from '../../memory-storage.js';
import type { Storage } from '../../storage.js';
import { stateOf } from '../digest.js';
import { StorageDriver } from '../storage-driver.js';

/** A place for one storage. With a durable one, what is opened finds what was written there and flushed. */
export interface StoragePlace {
  open(): Promise<Storage>;
}

export interface StorageCase {
  readonly name: string;
  run(place: StoragePlace): Promise<void>;
}

export const farFuture = 4_000_000_000_000;

/** Opens the storage in a place, runs `body`, closes it. */
export async function withStorage(
  place: StoragePlace,
  body: (driver: StorageDriver) => Promise<void> | void,
  log: Buffer[] = [],
): Promise<void> {
  const storage = await place.open();
  const driver = new StorageDriver(storage, log);
  await driver.recover();
  await body(driver);
  await storage.close();
}

export function freshMemory(): MemoryStorage {
  return new MemoryStorage(new SeededRandom(5));
}

/** The state that a log leads to: by the simplest storage there is. */
export async function stateOfLog(log: readonly Uint8Array[]): Promise<string[]> {
  const memory = freshMemory();
  for (const [i, batch] of log.entries()) memory.apply(batch, i + 1);
  return stateOf(memory);
}

/** Applies batches as a follower does. */
export async function applyAll(storage: Storage, batches: Iterable<Uint8Array>, from = 1): Promise<void> {
  let position = from;
  for (const batch of batches) {
    await storage.prepareApply(batch);
    storage.apply(batch, position++);
  }
}

export async function assertSameState(actual: Storage, expected: Storage | readonly string[]): Promise<void> {
  const expectedLines = 'stamp' in expected ? await stateOf(expected) : expected;
  const lines = await stateOf(actual);
  if (lines.join('\n') === expectedLines.join('\n')) return;
  const [there, wanted] = [new Set(lines), new Set(expectedLines)];
  const surplus = lines.filter((line) => !wanted.has(line)).slice(0, 5);
  const missing = expectedLines.filter((line) => !there.has(line)).slice(0, 5);
  assert.fail(`the states differ. Not expected: ${surplus.join('; ')}. Missing: ${missing.join('; ')}`);
}
