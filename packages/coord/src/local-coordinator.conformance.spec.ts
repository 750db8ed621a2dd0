import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemEnv } from '@holdfast/common';
import { NodeDisk } from '@holdfast/log';
import { afterAll, describe, it } from 'vitest';
import { openLocalStack } from './local-stack.js';
import { type CoordinatorStore, coordinatorConformance, simulatedCoordinators } from './testing/index.js';

describe.each([
  ['in memory', 'none'],
  ['over a log', 'file'],
] as const)('LocalCoordinator %s', (_name, log) => {
  for (const { name, run } of coordinatorConformance) it(name, () => run(simulatedCoordinators(log)));
});

const parent = mkdtempSync(join(tmpdir(), 'holdfast-coord-'));
let count = 0;

/** Level storage over a log, both on this machine's disk: no power cut can be had, so it ends in order. */
function onThisDisk(): CoordinatorStore {
  const directory = join(parent, String(++count));
  return {
    isDurable: true,
    async open() {
      const where = { env: systemEnv(), disk: new NodeDisk(), directory };
      const stack = await openLocalStack({ ...where, storage: 'level', log: 'file', fsync: 'always' });
      return { coordinator: stack.coordinator, close: () => stack.close(), pass: (ms) => sleep(ms) };
    },
    crash: (under) => under.close(),
  };
}

describe('LocalCoordinator over level storage', () => {
  afterAll(() => rmSync(parent, { recursive: true, force: true }));
  for (const { name, run } of coordinatorConformance) it(name, () => run(onThisDisk()));
});
