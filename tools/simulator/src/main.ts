/**
 * `npm run simulate`: a cluster with one seed, or with many.
 *
 *     npm run simulate -- --seeds 100000             seeds 1 to 100,000
 *     npm run simulate -- --seeds 500 --seed 7000    seeds 7000 to 7499
 *     npm run simulate -- --seed 42                  one, with its trace
 *     npm run simulate -- --mistake 'gap skipped'    with a mistake that is to be found
 *     npm run simulate -- --storage level            with level storage instead of memory
 */
import { runSeed, type Scenario, SimulationFailure } from '@holdfast/testing/simulation';
import { Command, Option } from 'commander';
import { cluster } from './cluster.js';
import { type Mistake, mistakes } from './mistakes.js';
import { type StorageKind, storageKinds } from './places.js';

interface Options {
  readonly seeds?: number;
  readonly seed: number;
  readonly mistake?: Mistake;
  readonly storage: StorageKind;
  readonly faults?: number;
}

const program = new Command('npm run simulate --')
  .description(
    'A whole cluster in one process, on virtual time, from a seed; what clients were told must hold.',
  )
  .option('--seeds <count>', 'so many, one after the other; one with its trace, if not given', Number)
  .option('--seed <number>', 'the first', Number, 1)
  .addOption(new Option('--storage <kind>', 'of the replicas').choices(storageKinds).default('memory'))
  .addOption(new Option('--mistake <name>', 'with a mistake that is to be found').choices(mistakes))
  .option('--faults <ms>', 'how long things go wrong, in virtual time', Number)
  .parse();
const { faults: faultsMs, mistake = null, seed: first, seeds, storage } = program.opts<Options>();
const count = seeds ?? 1;
for (const given of [first, count]) {
  if (!(Number.isSafeInteger(given) && given > 0))
    program.error('--seed and --seeds must be whole numbers above 0');
}
const scenario = cluster({ mistake, storage, ...(faultsMs !== undefined && { faultsMs }) });
process.exit((await (seeds === undefined ? showOne(scenario, first) : runMany(scenario))) ? 0 : 1);

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
