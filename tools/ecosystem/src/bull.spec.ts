/** Bull, which many have not left yet: scripts, BRPOPLPUSH, pub/sub, timers as keys. */
import Queue, { type Queue as BullQueue, type Job, type QueueOptions } from 'bull';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Gateway, startGateway } from './gateway.js';
import { pause, until } from './waiting.js';

let gateway: Gateway;
let count = 0;
const opened: BullQueue[] = [];

/** Opens a queue that nobody else uses, or the one with a name given. */
function open(name = `queue-${++count}`, settings: QueueOptions = {}): BullQueue {
  const queue = new Queue(name, { redis: { host: gateway.host, port: gateway.port }, ...settings });
  queue.on('error', () => {});
  opened.push(queue);
  return queue;
}

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.process.kill());

afterEach(async () => {
  await Promise.all(opened.splice(0).map((queue) => queue.close(true)));
});

it('hands each job to one worker and returns its result', async () => {
  const queue = open();
  const runs: number[] = [];
  const work = async ({ data }: Job<{ n: number }>) => {
    runs.push(data.n);
    return data.n * data.n;
  };
  for (const worker of [open(queue.name), open(queue.name)]) void worker.process(5, work);
  const numbers = Array.from({ length: 60 }, (_, n) => n);
  const jobs = await queue.addBulk(numbers.map((n) => ({ data: { n } })));
  expect(await Promise.all(jobs.map((job) => job.finished()))).toEqual(numbers.map((n) => n * n));
  expect(runs.sort((a, b) => a - b)).toEqual(numbers);
  expect(await queue.getJobCounts()).toMatchObject({ active: 0, completed: 60, failed: 0, waiting: 0 });
});

it('takes the more urgent jobs first', async () => {
  const queue = open();
  for (const [name, priority] of Object.entries({ a: 3, b: 1, c: 2 }))
    await queue.add({ name }, { priority });
  const order: string[] = [];
  void queue.process(async ({ data }) => order.push(data.name));
  await until('all are done', () => order.length === 3);
  expect(order).toEqual(['b', 'c', 'a']);
});

it('runs a delayed job when its time has come, and not before', async () => {
  const queue = open();
  void queue.process(async () => Date.now());
  const addedMs = Date.now();
  const job = await queue.add({}, { delay: 400 });
  expect(await job.getState()).toBe('delayed');
  expect((await job.finished()) - addedMs).toBeGreaterThanOrEqual(399);
});

it('tries again with a pause, then gives up', async () => {
  const queue = open();
  const attemptsMs: number[] = [];
  void queue.process(async () => {
    attemptsMs.push(Date.now());
    throw new Error('no luck');
  });
  const job = await queue.add({}, { attempts: 3, backoff: 60 });
  await expect(job.finished()).rejects.toThrow('no luck');
  expect(attemptsMs).toHaveLength(3);
  expect(attemptsMs[2] - attemptsMs[0]).toBeGreaterThanOrEqual(118);
  expect(await queue.getFailed()).toMatchObject([{ id: job.id, failedReason: 'no luck' }]);
});

it('gives the job of a worker that vanished to another', async () => {
  const settings = { lockDuration: 200, lockRenewTime: 100_000, stalledInterval: 150 };
  const lost = open(undefined, { settings: { ...settings, stalledInterval: 0 } });
  let isTaken = false;
  void lost.process(() => (isTaken = true) && new Promise(() => {}));
  const queue = open(lost.name, { settings });
  const stalled: unknown[] = [];
  queue.on('stalled', ({ id }) => stalled.push(id));
  const job = await queue.add({});
  await until('it is taken', () => isTaken);
  void queue.process(async () => 'rescued');
  expect(await job.finished()).toBe('rescued');
  await until('it is told', () => stalled.length > 0);
  expect(stalled).toEqual([job.id]);
});

it('repeats a job at its interval until it is told to stop', async () => {
  const queue = open();
  const runsMs: number[] = [];
  void queue.process(async () => runsMs.push(Date.now()));
  const repeat = { every: 150 };
  await queue.add({}, { repeat });
  await until('it ran three times', () => runsMs.length >= 3);
  expect(runsMs[2] - runsMs[0]).toBeGreaterThanOrEqual(250);
  await queue.removeRepeatable(repeat);
  expect(await queue.getRepeatableJobs()).toEqual([]);
});

it('tells every process of progress and results', async () => {
  const queue = open();
  const listener = open(queue.name);
  const heard: unknown[] = [];
  listener.on('global:progress', (_id, progress) => heard.push(progress));
  listener.on('global:completed', (_id, result) => heard.push(JSON.parse(result)));
  await listener.isReady();
  await pause(50);
  void queue.process(async (job) => {
    await job.progress(50);
    return { done: true };
  });
  await queue.add({});
  await until('both are heard', () => heard.length === 2);
  expect(heard).toEqual([50, { done: true }]);
});

it('pauses everywhere, goes on, and is emptied', async () => {
  const queue = open();
  let done = 0;
  void queue.process(async () => ++done);
  await queue.pause();
  await queue.add({});
  await pause(100);
  expect(done).toBe(0);
  await queue.resume();
  await until('it is done', () => done === 1);
  await queue.obliterate({ force: true });
  expect(await queue.client.keys(`bull:${queue.name}:*`)).toEqual([]);
});
