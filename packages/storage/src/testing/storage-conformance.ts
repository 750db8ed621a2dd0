/**
 * What every Storage must do, as a list of named cases. An implementation's whole spec:
 *
 *     for (const { name, run } of storageConformance({ durable: true })) {
 *       it(name, async () => run(await makePlace()));
 *     }
 *
 * Each case gets a place of its own and opens the storage in it once; with `durable`, some open it again.
 */
import { applyingCases } from './conformance/applying.js';
import { changingCases } from './conformance/changing.js';
import { namingCases } from './conformance/naming.js';
import { reopeningCases } from './conformance/reopening.js';
import { scanningCases } from './conformance/scanning.js';
import { snapshotCases } from './conformance/snapshots.js';
import type { StorageCase } from './conformance/storage-case.js';

export type { StorageCase, StoragePlace } from './conformance/storage-case.js';

/** The cases, in the order in which a new implementation should make them pass. */
export function storageConformance({ durable }: { readonly durable: boolean }): readonly StorageCase[] {
  const cases = [...changingCases, ...applyingCases, ...scanningCases, ...namingCases, ...snapshotCases];
  return durable ? [...cases, ...reopeningCases] : cases;
}
