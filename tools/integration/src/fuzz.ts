/**
 * `npm run fuzz -- [--seconds N] [--seed N]`: random bytes and random commands, for as long as one likes. Ends with
 * 1 and what led there when something is wrong: a thrown error, a hang, memory that grows, a replica that differs.
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { FuzzProgress, watchProgress } from './fuzz-progress.js';
import type { FuzzCounts, FuzzOrder } from './fuzz-worker.js';

const limits = { silenceMsMax: 30_000, residentBytesMax: 1_500_000_000 };

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const seconds = Number(values.seconds ?? Number.POSITIVE_INFINITY);
if (!(Number.isSafeInteger(seed) && seconds > 0)) {
  console.error('usage: npm run fuzz -- [--seconds N] [--seed N]');
  process.exit(2);
}
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
