import { describe, expect, it } from 'vitest';
import { brokenCoordinators } from './broken-coordinators.js';
import { coordinatorConformance } from './coordinator-conformance.js';

describe('the conformance suite refuses a coordinator that', () => {
  it.each(brokenCoordinators)('$name', async ({ caughtBy, makeStore }) => {
    const testCase = coordinatorConformance.find(({ name }) => name === caughtBy)!;
    await expect(testCase.run(makeStore())).rejects.toThrow();
  });

  it('is wrong in a way that only one case shows', () => {
    const useful = brokenCoordinators.map(({ caughtBy }) => caughtBy);
    expect(coordinatorConformance.map(({ name }) => name).filter((name) => !useful.includes(name))).toEqual(
      [],
    );
  });
});
