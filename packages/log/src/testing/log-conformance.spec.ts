import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { brokenLogStores, brokenSharedLogStores } from './broken-logs.js';
import { logConformance } from './log-conformance.js';
import { MemoryLog, MemoryLogStore } from './memory-log.js';
import { disruptedLogConformance, sharedLogConformance } from './shared-log-conformance.js';

describe('MemoryLog', () => {
  for (const { name, run } of [...logConformance, ...sharedLogConformance]) {
    it(name, () => {
      const store = new MemoryLogStore();
      return run({ open: async () => new MemoryLog(store) });
    });
  }
});

/** Which cases fail, or never end. */
async function failuresOf<S>(
  cases: readonly { name: string; run(store: S): Promise<void> }[],
  makeStore: () => S,
): Promise<string[]> {
  const failures = cases.map(async ({ name, run }) => {
    const hasPassed = run(makeStore()).then(
      () => true,
      () => false,
    );
    return (await Promise.race([hasPassed, pause(300, false)])) ? [] : [name];
  });
  return (await Promise.all(failures)).flat();
}

describe('the conformance suite refuses a log that', () => {
  for (const { name, makeStore } of brokenLogStores) {
    it(name, async () => {
      expect(await failuresOf(logConformance, makeStore)).not.toEqual([]);
    });
  }
});

describe('the conformance suites of shared logs refuse a log that', () => {
  for (const { name, makeStore } of brokenSharedLogStores) {
    it(name, async () => {
      const suites = [...sharedLogConformance, ...disruptedLogConformance];
      expect(await failuresOf(suites, makeStore)).not.toEqual([]);
      // What is wrong shows only when others or failures are there.
      expect(await failuresOf(logConformance, makeStore)).toEqual([]);
    });
  }
});
