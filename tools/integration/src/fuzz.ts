/**
 * `npm run fuzz -- [--seconds N] [--seed N]`: random bytes and random commands, for as long as one likes. Ends with
 * 1 and what led there when something is wrong: a thrown error, a hang, memory that grows, a replica that differs.
 */
import { Worker } from 'node:worker_threads';
import { Command } from 'commander';
import { FuzzProgress, watchProgress } from './fuzz-progress.js';
import type { FuzzCounts, FuzzOrder } from './fuzz-worker.js';

const limits = { silenceMsMax: 30_000, residentBytesMax: 1_500_000_000 };

const program = new Command('npm run fuzz --')
  .description('Random bytes to the decoder and random commands to the engine, until something is wrong.')
  .option('--seconds <count>', 'how long; until ended if not given', Number)
  .option('--seed <number>', 'where it begins', Number, Math.floor(Math.random() * 2 ** 31))
  .parse();
const { seconds = Number.POSITIVE_INFINITY, seed } = program.opts<{ seconds?: number; seed: number }>();
if (!(Number.isSafeInteger(seed) && seconds > 0)) program.error('--seconds and --seed must be numbers');
console.log(
  `fuzzing ${seconds === Number.POSITIVE_INFINITY ? 'until ended' : `for ${seconds} s`}, seed ${seed}`,
);

const progress = new FuzzProgress();
const workerData: FuzzOrder = { seed, seconds, memory: progress.memory };
const worker = new Worker(new URL('./fuzz-worker.js', import.meta.url), { workerData });
const fail = (reason: string): void => {
  console.error(`seed ${seed}: ${reason}`);
  process.exit(1);
};
const endWatch = watchProgress(progress, limits, fail);
worker.on('message', ({ inputs, commands }: FuzzCounts) => {
  const megabytes = Math.round(process.memoryUsage.rss() / 2 ** 20);
  console.log(`${inputs} inputs, ${commands} commands, ${megabytes} MiB`);
});
worker.on('error', (error) => fail(String(error)));
worker.on('exit', endWatch);
