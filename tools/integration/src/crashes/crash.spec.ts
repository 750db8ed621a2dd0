/** A bounded part of `npm run crashes`. HOLDFAST_CRASH_KILLS and HOLDFAST_SEED set how long it searches and where. */
import { expect, it } from 'vitest';
import { survive } from './crash-run.js';

const { HOLDFAST_SEED, HOLDFAST_CRASH_KILLS } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const kills = Number(HOLDFAST_CRASH_KILLS ?? 100);

// At once: most of the time goes into starting processes, each on one core.
it.concurrent.each(['memory', 'level'])(
  `loses nothing in %s storage, killed ${kills} times (HOLDFAST_SEED=${seed})`,
  async (storage) => {
    const settings = { storage, log: 'file', fsync: 'always' };
    const writes = await survive({ settings, kills, seed, onKill: () => {} });
    expect(writes).toBeGreaterThan(kills);
    console.log(`${storage}: ${kills} kills, ${writes} acknowledged writes`);
  },
  60_000 + kills * 10_000,
);
