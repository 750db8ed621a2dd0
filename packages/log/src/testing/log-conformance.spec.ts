import { describe, expect, it } from 'vitest';
import { brokenLogStores } from './broken-logs.js';
import { logConformance } from './log-conformance.js';
import { MemoryLog, MemoryLogStore } from './memory-log.js';

describe('MemoryLog', () => {
  for (const { name, run } of logConformance) {
    it(name, () => {
      const store = new MemoryLogStore();
      return run({ open: async () => new MemoryLog(store) });
    });
  }
});

describe('the conformance suite refuses a log that', () => {
  for (const { name, makeStore } of brokenLogStores) {
    it(name, async () => {
      const failed: string[] = [];
      for (const testCase of logConformance) {
        await testCase.run(makeStore()).catch(() => failed.push(testCase.name));
      }
      expect(failed).not.toEqual([]);
    });
  }
});
