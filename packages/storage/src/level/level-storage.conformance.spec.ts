import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '@holdfast/common';
import { afterAll, describe, it } from 'vitest';
import { SimulatedContent, SimulatedOrderedStore } from '../testing/simulated-ordered-store.js';
import { storageConformance } from '../testing/storage-conformance.js';
import { LevelStorage } from './level-storage.js';

describe('LevelStorage over a simulated disk', () => {
  for (const { name, run } of storageConformance({ durable: true })) {
    it(name, () => {
      const content = new SimulatedContent();
      return run({
        open: () => LevelStorage.over(new SimulatedOrderedStore(content), systemEnv(), 'simulated'),
      });
    });
  }
});

describe('LevelStorage that keeps next to nothing in memory', () => {
  for (const { name, run } of storageConformance({ durable: true })) {
    it(name, () => {
      const content = new SimulatedContent();
      return run({
        open: async () => {
          const store = new SimulatedOrderedStore(content);
          const storage = await LevelStorage.over(store, systemEnv(), 'simulated');
          storage.cacheBytes = 1;
          return storage;
        },
      });
    });
  }
});

describe('LevelStorage over LevelDB', () => {
  const parent = mkdtempSync(join(tmpdir(), 'holdfast-level-'));
  afterAll(() => rmSync(parent, { recursive: true }));
  let count = 0;
  for (const { name, run } of storageConformance({ durable: true })) {
    it(name, () => {
      const directory = join(parent, String(++count));
      return run({ open: () => LevelStorage.open({ directory, env: systemEnv() }) });
    });
  }
});
