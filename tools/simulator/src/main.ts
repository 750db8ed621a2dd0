/**
 * `npm run simulate`: a cluster with one seed, or with many.
 *
 *     npm run simulate -- --seeds 100000             seeds 1 to 100,000
 *     npm run simulate -- --seeds 500 --seed 7000    seeds 7000 to 7499
 *     npm run simulate -- --seed 42                  one, with its trace
 *     npm run simulate -- --mistake 'gap skipped'    with a mistake that is to be found
 *     npm run simulate -- --storage level            with level storage instead of memory
 */
import { parseArgs } from 'node:util';
import { runSeed, type Scenario, SimulationFailure } from '@holdfast/testing/simulation';
import { cluster } from './cluster.js';
import { type Mistake, mistakes } from './mistakes.js';
import { type StorageKind, storageKinds } from './places.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    mistake: { type: 'string' },
    storage: { type: 'string' },
    faults: { type: 'string' },
  },
});

const mistake = (values.mistake ?? null) as Mistake | null;
if (mistake !== null && !mistakes.includes(mistake)) {
  console.error(`no such mistake; there are: ${mistakes.join(', ')}`);
  process.exit(2);
}
const storage = (values.storage ?? 'memory') as StorageKind;
if (!storageKinds.includes(storage)) {
  console.error(`no such storage; there are: ${storageKinds.join(', ')}`);
  process.exit(2);
}
const first = Number(values.seed ?? 1);
const count = Number(values.seeds ?? 1);
const scenario = cluster({ mistake, storage, ...(values.faults && { faultsMs: Number(values.faults) }) });
process.exit((await (values.seeds === undefined ? showOne(scenario, first) : runMany(scenario))) ? 0 : 1);

async function showOne(shown: Scenario, seed: number): Promise<boolean> {
  const { error, eventCount, hash, trace, virtualMs } = await runSeed(shown, seed, { isTraced: true });
  for (const line of trace) console.log(line);
  console.log(`seed ${seed}: ${eventCount} events, ${virtualMs.toFixed(0)} ms, trace ${hash}`);
  if (error !== null) console.error(error.message);
  return error === null;
}

async function runMany(tried: Scenario): Promise<boolean> {
  const startMs = performance.now();
  let events = 0;
  for (let seed = first; seed < first + count; seed++) {
    const report = await runSeed(tried, seed);
    events += report.eventCount;
    if (report.error !== null) {
      const traced = await runSeed(tried, seed, { isTraced: true });
      console.error(new SimulationFailure(tried, traced).message);
      return false;
    }
    if ((seed - first + 1) % 1000 === 0) console.log(`${seed - first + 1} seeds are fine`);
  }
  const seconds = (performance.now() - startMs) / 1000;
  console.log(`${count} seeds are fine: ${Math.round(events / count)} events each, ${seconds.toFixed(1)} s`);
  return true;
}
