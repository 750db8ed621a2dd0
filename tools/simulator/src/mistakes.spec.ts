import { findFailure } from '@holdfast/testing/simulation';
import { expect, it } from 'vitest';
import { type ClusterOptions, cluster } from './cluster.js';
import { latecomers, standstills } from './faults.js';
import { type Mistake, mistakes } from './mistakes.js';

/** What shows only when a leader stands still, and somebody asks it right after that. */
const ofLeases: ClusterOptions = { profileOf: standstills, faultsMs: 3000 };

const options: Partial<Record<Mistake, ClusterOptions>> = {
  'ignored lease': { ...ofLeases, leaseShares: [100, 100, 100] },
  'impatient election': ofLeases,
  'unconfirmed read': ofLeases,
  'stale tail trusted': { profileOf: latecomers },
};

/** Most show within fifty. */
const seedsMax = 500;

it.each(mistakes)('notices: %s', { timeout: 900_000 }, async (mistake) => {
  const failure = await findFailure(cluster({ faultsMs: 1500, ...options[mistake], mistake }), {
    count: seedsMax,
  });
  expect(failure, `${seedsMax} seeds have not shown it`).not.toBeNull();
});
