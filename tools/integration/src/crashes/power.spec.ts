/** A bounded part of `npm run crashes -- --power-cuts N` and `--disk-faults N`. HOLDFAST_POWER_CUTS and HOLDFAST_SEED set how long it searches and where. */
import { describe, expect, it } from 'vitest';
import { surviveDiskFaults } from './disk-fault-run.js';
import { survivePowerCuts } from './power-run.js';
import { mayTrace } from './system-calls.js';

const { HOLDFAST_SEED, HOLDFAST_POWER_CUTS } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const cuts = Number(HOLDFAST_POWER_CUTS ?? 3);
const problem = mayTrace();
if (problem !== null) console.warn(`power cuts and failing disks are not tried: ${problem}`);

const log = { storage: 'level', log: 'file' };

describe.skipIf(problem !== null)(`level storage (HOLDFAST_SEED=${seed})`, () => {
  it.concurrent.each(['always', 'everysec'])(
    'loses nothing that fsync %s promises when the power is cut',
    async (fsync) => {
      const report = await survivePowerCuts({ settings: { ...log, fsync }, cuts, seed, onCut: () => {} });
      expect(report.cuts).toBeGreaterThanOrEqual(cuts);
      console.log(`fsync ${fsync}: ${report.cuts} power cuts, ${report.writes} acknowledged writes`);
    },
    60_000 + cuts * 20_000,
  );

  it.concurrent(
    'goes on when calls of LevelDB fail',
    async () => {
      const runs = Math.ceil(cuts / 3);
      const settings = { ...log, fsync: 'always' };
      const report = await surviveDiskFaults({ settings, runs, seed, onRun: () => {} });
      expect(report.runs).toBe(runs);
    },
    60_000 + cuts * 20_000,
  );
});
