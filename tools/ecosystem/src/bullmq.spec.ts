/** BullMQ: its scripts over lists, sorted sets, hashes and streams, and workers that wait in BZPOPMIN. */
import { FlowProducer, type Job, Queue, QueueEvents, Worker, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Gateway, startGateway } from './gateway.js';
import { pause, until } from './waiting.js';

let gateway: Gateway;
let name: string;
let queue: Queue;
let count = 0;
const opened: { close(): Promise<unknown> }[] = [];

const connection = () => ({ host: gateway.host, port: gateway.port, maxRetriesPerRequest: null });

function track<T extends { close(): Promise<unknown> }>(closable: T): T {
  opened.unshift(closable);
  return closable;
}

type WorkerSettings = Omit<WorkerOptions, 'connection'>;

function startWorker(run: (job: Job) => Promise<unknown>, settings: WorkerSettings = {}): Worker {
  const worker = track(new Worker(name, run, { ...settings, connection: connection() }));
  worker.on('error', () => {});
  return worker;
}

async function startEvents(): Promise<QueueEvents> {
  const events = track(new QueueEvents(name, { connection: connection() }));
  await events.waitUntilReady();
  return events;
}

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.process.kill());

beforeEach(() => {
  name = `queue-${++count}`;
  queue = track(new Queue(name, { connection: connection() }));
});

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

it('hands each job to one worker and returns its result', async () => {
  const events = await startEvents();
  const runs = new Map<number, number>();
  const run = async ({ data }: Job<number>) => {
    runs.set(data, (runs.get(data) ?? 0) + 1);
    return data * data;
  };
  for (let i = 0; i < 3; i++) startWorker(run, { concurrency: 5 });
  const numbers = Array.from({ length: 100 }, (_, i) => i);
  const jobs = await queue.addBulk(numbers.map((data) => ({ name: 'square', data })));
  const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events)));
  expect(results).toEqual(numbers.map((n) => n * n));
  expect([...runs.values()]).toEqual(numbers.map(() => 1));
  expect(await queue.getJobCounts()).toMatchObject({ active: 0, completed: 100, failed: 0, waiting: 0 });
});

it('takes the more urgent jobs first, and those of equal priority in order', async () => {
  for (const [job, priority] of Object.entries({ a: 3, b: 1, c: 2, d: 1 }))
    await queue.add(job, {}, { priority });
  const order: string[] = [];
  startWorker(async (job) => order.push(job.name));
  await until('all are done', () => order.length === 4);
  expect(order).toEqual(['b', 'd', 'c', 'a']);
});

it('runs a delayed job when its time has come, and not before', async () => {
  const events = await startEvents();
  startWorker(async () => Date.now());
  const addedMs = Date.now();
  const job = await queue.add('later', {}, { delay: 400 });
  expect(await queue.getDelayedCount()).toBe(1);
  const ranMs = await job.waitUntilFinished(events);
  expect(ranMs - addedMs).toBeGreaterThanOrEqual(399);
});

it('tries again with growing pauses, then gives up', async () => {
  const events = await startEvents();
  const attemptsMs: number[] = [];
  startWorker(async () => {
    attemptsMs.push(Date.now());
    throw new Error('no luck');
  });
  const job = await queue.add('doomed', {}, { attempts: 3, backoff: { type: 'exponential', delay: 50 } });
  await expect(job.waitUntilFinished(events)).rejects.toThrow('no luck');
  expect(attemptsMs).toHaveLength(3);
  expect(attemptsMs[2] - attemptsMs[0]).toBeGreaterThanOrEqual(148);
  const [failed] = await queue.getFailed();
  expect(failed).toMatchObject({ id: job.id, failedReason: 'no luck', attemptsMade: 3 });
  await failed.retry();
  await until('it failed again', () => attemptsMs.length === 4);
});

it('gives the job of a worker that vanished to another', async () => {
  const settings = { lockDuration: 300, stalledInterval: 200 };
  const events = await startEvents();
  const stalled: string[] = [];
  events.on('stalled', ({ jobId }) => stalled.push(jobId));
  let isTaken = false;
  const lost = new Worker(name, () => (isTaken = true) && new Promise(() => {}), {
    ...settings,
    skipLockRenewal: true,
    skipStalledCheck: true,
    connection: connection(),
  });
  lost.on('error', () => {});
  const job = await queue.add('orphan', {});
  await until('it is taken', () => isTaken);
  await lost.close(true);
  startWorker(async () => 'rescued', settings);
  expect(await job.waitUntilFinished(events)).toBe('rescued');
  await until('it is told', () => stalled.length > 0);
  expect(stalled).toEqual([job.id]);
});

it('repeats a job at its interval until the schedule is removed', async () => {
  const runsMs: number[] = [];
  startWorker(async () => runsMs.push(Date.now()));
  await queue.upsertJobScheduler('pulse', { every: 150 }, { name: 'tick' });
  await until('it ran four times', () => runsMs.length >= 4);
  expect(runsMs[3] - runsMs[1]).toBeGreaterThanOrEqual(250);
  expect(await queue.getJobSchedulers()).toMatchObject([{ key: 'pulse', every: 150 }]);
  expect(await queue.removeJobScheduler('pulse')).toBe(true);
  await until('nothing is left', async () => (await queue.getJobCountByTypes('delayed', 'active')) === 0);
});

it('runs the parent of a flow after its children, with their results', async () => {
  const flow = track(new FlowProducer({ connection: connection() }));
  const events = await startEvents();
  startWorker(async (job) => {
    if (job.name === 'leaf') return job.data.n;
    const children = await job.getChildrenValues<number>();
    return Object.values(children).reduce((sum, n) => sum + n, 0);
  });
  const leaf = (n: number) => ({ name: 'leaf', queueName: name, data: { n } });
  const { job } = await flow.add({ name: 'sum', queueName: name, children: [leaf(1), leaf(2), leaf(39)] });
  expect(await job.waitUntilFinished(events)).toBe(42);
});

it('takes no more jobs than its rate limit allows', async () => {
  const runsMs: number[] = [];
  await queue.addBulk(Array.from({ length: 6 }, () => ({ name: 'limited', data: {} })));
  startWorker(async () => runsMs.push(Date.now()), { limiter: { max: 2, duration: 200 } });
  await until('all ran', () => runsMs.length === 6);
  expect(runsMs[5] - runsMs[0]).toBeGreaterThanOrEqual(300);
});

it('pauses, goes on, drops duplicates and removes everything', async () => {
  const done: string[] = [];
  startWorker(async (job) => done.push(job.name));
  await queue.pause();
  await queue.add('once', {}, { jobId: 'same' });
  await queue.add('twice', {}, { jobId: 'same' });
  await queue.add('other', {});
  await pause(100);
  expect(done).toEqual([]);
  await queue.resume();
  await until('both are done', () => done.length === 2);
  expect(done).toEqual(['once', 'other']);
  await queue.obliterate({ force: true });
  const client = new Redis(connection());
  expect(await client.keys(`bull:${name}:*`)).toEqual([]);
  client.disconnect();
});
