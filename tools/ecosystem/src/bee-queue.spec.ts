/** Bee-Queue, over the old client of Redis 3. */
import BeeQueue from 'bee-queue';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Gateway, startGateway } from './gateway.js';
import { until } from './waiting.js';

let gateway: Gateway;
let count = 0;
const opened: BeeQueue[] = [];

function open(name = `queue-${++count}`, settings: BeeQueue.QueueSettings = {}): BeeQueue {
  const queue = new BeeQueue(name, { redis: { host: gateway.host, port: gateway.port }, ...settings });
  queue.on('error', () => {});
  opened.push(queue);
  return queue;
}

/** Resolves with the result of a job that is saved now. */
async function save<T>(job: BeeQueue.Job<T>): Promise<{ id: string; result: Promise<unknown> }> {
  const result = new Promise((resolve, reject) => {
    job.on('succeeded', resolve);
    job.on('failed', reject);
  });
  result.catch(() => {});
  const { id } = await job.save();
  return { id, result };
}

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.process.kill());

afterEach(async () => {
  await Promise.all(opened.splice(0).map((queue) => queue.close(1).catch(() => {})));
});

it('hands each job to one worker and returns its result', async () => {
  const queue = open();
  const runs: number[] = [];
  const work = async ({ data }: BeeQueue.Job<number>) => {
    runs.push(data);
    return data * data;
  };
  await queue.ready();
  for (const worker of [open(queue.name), open(queue.name)]) worker.process(5, work);
  const numbers = Array.from({ length: 60 }, (_, n) => n + 1);
  const jobs = await Promise.all(numbers.map((n) => save(queue.createJob(n))));
  expect(await Promise.all(jobs.map(({ result }) => result))).toEqual(numbers.map((n) => n * n));
  expect(runs.sort((a, b) => a - b)).toEqual(numbers);
  expect(await queue.checkHealth()).toMatchObject({ waiting: 0, active: 0, succeeded: 60, failed: 0 });
});

it('runs a delayed job when its time has come, and not before', async () => {
  const queue = open(undefined, { activateDelayedJobs: true, delayedDebounce: 10 });
  queue.process(async () => Date.now());
  const dueMs = Date.now() + 400;
  const { result } = await save(queue.createJob({}).delayUntil(dueMs));
  expect(await queue.checkHealth()).toMatchObject({ delayed: 1 });
  expect(await result).toBeGreaterThanOrEqual(dueMs - 1);
});

it('tries again, tells of it, then gives up', async () => {
  const queue = open(undefined, { activateDelayedJobs: true });
  let attempts = 0;
  queue.process(async () => {
    attempts++;
    throw new Error('no luck');
  });
  const job = queue.createJob({}).retries(2).backoff('fixed', 50);
  let retries = 0;
  job.on('retrying', () => retries++);
  const { id, result } = await save(job);
  await expect(result).rejects.toThrow('no luck');
  expect({ attempts, retries }).toEqual({ attempts: 3, retries: 2 });
  expect(await queue.getJobs('failed', { size: 10 })).toMatchObject([{ id, status: 'failed' }]);
});

it('gives the job of a worker that vanished to another', async () => {
  const settings = { stallInterval: 200 };
  const lost = open(undefined, settings);
  let isTaken = false;
  lost.process(() => (isTaken = true) && new Promise(() => {}));
  const queue = open(lost.name, settings);
  await queue.ready();
  const { id, result } = await save(queue.createJob({}));
  await until('it is taken', () => isTaken);
  await lost.close(1).catch(() => {});
  const stalled: string[] = [];
  queue.on('stalled', (jobId) => stalled.push(jobId));
  queue.process(async () => 'rescued');
  await queue.checkStalledJobs(100);
  expect(await result).toBe('rescued');
  expect(stalled).toEqual([id]);
});

it('tells of progress, and removes and destroys', async () => {
  const queue = open();
  await queue.ready();
  const progress: unknown[] = [];
  const job = queue.createJob({});
  job.on('progress', (each) => progress.push(each));
  const { id, result } = await save(job);
  queue.process(async (running) => running.reportProgress({ percent: 50 }));
  await result;
  await until('it is told', () => progress.length === 1);
  expect(progress).toEqual([{ percent: 50 }]);
  await queue.removeJob(id);
  expect(await queue.getJob(id)).toBe(null);
  await queue.destroy();
  expect(await queue.checkHealth()).toMatchObject({ succeeded: 0, waiting: 0 });
});
