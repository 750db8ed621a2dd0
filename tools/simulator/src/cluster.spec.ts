import { assertDeterministic, exploreSeeds, runSeed } from '@holdfast/testing/simulation';
import { expect, it } from 'vitest';
import { cluster } from './cluster.js';

it('holds in the first thousand seeds, whatever goes wrong', { timeout: 900_000 }, async () => {
  await exploreSeeds(cluster(), { first: 1, count: 1000 });
});

it('holds with level storage, whose disk is behind', { timeout: 900_000 }, async () => {
  await exploreSeeds(cluster({ storage: 'level' }), { first: 1, count: 80 });
});

it('does the same with the same seed, whether it is traced or not', { timeout: 60_000 }, async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    await assertDeterministic(cluster(), seed);
    const plain = await runSeed(cluster(), seed);
    const traced = await runSeed(cluster(), seed, { isTraced: true });
    expect(plain.hash).toBe(traced.hash);
  }
});

it('does something else with another seed', async () => {
  const hashes = new Set<string>();
  for (const seed of [11, 12, 13, 14]) hashes.add((await runSeed(cluster(), seed)).hash);
  expect(hashes.size).toBe(4);
});
