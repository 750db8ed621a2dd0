import { beforeEach, describe, expect, it } from 'vitest';
import { Recurring } from './recurring.js';
import { SimulatedEnv } from './testing/index.js';

const intervalMs = 100;
const workMs = 30;

let env: SimulatedEnv;
/** When it began, and when it ended. */
let log: string[];

beforeEach(() => {
  env = new SimulatedEnv();
  log = [];
});

async function work(name = 'work'): Promise<void> {
  log.push(`${name} from ${env.clock.monotonic()}`);
  await env.sleep(workMs);
  log.push(`to ${env.clock.monotonic()}`);
}

async function pass(ms: number): Promise<void> {
  await env.until(env.sleep(ms));
}

describe('Recurring', () => {
  it('works again an interval after it ended last', async () => {
    new Recurring({ timers: env.timers, intervalMs, work: () => work() });
    await pass(300);
    expect(log).toEqual(['work from 100', 'to 130', 'work from 230', 'to 260']);
  });

  it('goes on after what failed, and tells of it', async () => {
    const errors: unknown[] = [];
    const failing = async (): Promise<void> => {
      await work();
      throw new Error(`at ${env.clock.monotonic()}`);
    };
    const onError = (error: unknown): void => void errors.push((error as Error).message);
    new Recurring({ timers: env.timers, intervalMs, work: failing, onError });
    await pass(300);
    expect(errors).toEqual(['at 130', 'at 260']);
  });

  it('works now besides, never twice at a time', async () => {
    const recurring = new Recurring({ timers: env.timers, intervalMs, work: () => work() });
    await pass(90);
    await env.until(Promise.all([recurring.now(), recurring.now()]));
    expect(log).toEqual(['work from 90', 'to 120']);
    await pass(100);
    // The usual time joined it, and the next one is an interval later.
    expect(log).toEqual(['work from 90', 'to 120', 'work from 220']);
  });

  it('rejects as the work does that somebody waits for', async () => {
    const failing = async (): Promise<void> => {
      throw new Error('no');
    };
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const recurring = new Recurring({ timers: env.timers, intervalMs, work: failing, onError });
    await expect(recurring.now()).rejects.toThrow('no');
    expect(errors).toEqual([]);
  });

  it('does something else in its place, behind what is under way', async () => {
    const recurring = new Recurring({ timers: env.timers, intervalMs, work: () => work() });
    await pass(110);
    await env.until(Promise.all([1, 2].map(() => recurring.instead(() => work('other')))));
    expect(log).toEqual(['work from 100', 'to 130', 'other from 130', 'to 160']);
  });

  it('is closed when what is under way has ended, and begins no more', async () => {
    const recurring = new Recurring({ timers: env.timers, intervalMs, work: () => work() });
    await pass(110);
    await env.until(recurring.close());
    expect([recurring.isClosed, ...log]).toEqual([true, 'work from 100', 'to 130']);
    await pass(500);
    expect(log.length).toBe(2);
  });
});
