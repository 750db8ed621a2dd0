import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { brokenHistories } from './broken-histories.js';
import { historyConformance } from './history-conformance.js';

describe('the conformance suite refuses a history that', () => {
  it.each(brokenHistories)('$name', async ({ make }) => {
    const passed = historyConformance.map(async ({ run }) => {
      const hasPassed = run(make()).then(
        () => true,
        () => false,
      );
      return Promise.race([hasPassed, pause(300, false)]);
    });
    expect(await Promise.all(passed)).toContain(false);
  });
});
