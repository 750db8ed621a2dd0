import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../memory-storage.js';
import { brokenStoragePlaces } from './broken-storages.js';
import { storageConformance } from './storage-conformance.js';

describe('MemoryStorage', () => {
  for (const { name, run } of storageConformance({ durable: false })) {
    it(name, () => run({ open: async () => new MemoryStorage(new SeededRandom(1)) }));
  }
});

describe('the conformance suite refuses a storage that', () => {
  for (const { name, makePlace } of brokenStoragePlaces) {
    it(name, async () => {
      const failed: string[] = [];
      for (const testCase of storageConformance({ durable: false })) {
        await testCase.run(makePlace()).catch(() => failed.push(testCase.name));
      }
      expect(failed).not.toEqual([]);
    });
  }
});
