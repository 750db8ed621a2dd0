/** A bounded part of `npm run crashes`. HOLDFAST_CRASH_KILLS and HOLDFAST_SEED set how long it searches and where. */
import { expect, it } from 'vitest';
import { survive } from './crash-run.js';

const { HOLDFAST_SEED, HOLDFAST_CRASH_KILLS } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Of each storage. Orderly ends come on top, one for three. */
const kills = Number(HOLDFAST_CRASH_KILLS ?? 100);

// At once: most of the time goes into starting processes, each on one core.
it.concurrent.each([
  { name: 'memory storage', settings: { storage: 'memory', fsync: 'always' }, times: kills },
  { name: 'level storage', settings: { storage: 'level', fsync: 'always' }, times: kills },
  {
    // Which hands LevelDB something all the time, while it is seldom asked for anything otherwise.
    name: 'level storage that keeps next to nothing in memory, and syncs in any way,',
    settings: { storage: 'level', 'cache-bytes': '1' },
    times: Math.ceil(kills / 4),
  },
])(
  `loses nothing in $name, killed $times times (HOLDFAST_SEED=${seed})`,
  async ({ name, settings, times }) => {
    const whole = { ...settings, log: 'file' };
    const report = await survive({ settings: whole, kills: times, seed, onEnd: () => {} });
    expect(report.writes).toBeGreaterThan(times);
    console.log(
      `${name}: ${times} kills, ${report.stops} orderly ends, ${report.writes} acknowledged writes`,
    );
  },
  60_000 + kills * 10_000,
);
