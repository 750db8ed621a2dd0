import { exploreSeeds } from '@holdfast/testing/simulation';
import { it } from 'vitest';
import { cluster } from './cluster.js';

// A file of its own, so that another processor can take it.
it('holds in the second thousand seeds, whatever goes wrong', { timeout: 900_000 }, async () => {
  await exploreSeeds(cluster(), { first: 1001, count: 1000 });
});
