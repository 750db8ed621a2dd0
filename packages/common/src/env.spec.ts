import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemEnv, TurnClock } from './env.js';
import { simulatedHarness } from './testing/broken-envs.js';
import { envConformance } from './testing/env-conformance.js';
import { SeededRandom, SimulatedEnv } from './testing/index.js';

/** A whole turn of the event loop comes after the time has gone by. */
async function pass(ms: number): Promise<void> {
  await sleep(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

describe('systemEnv', () => {
  for (const { name, run } of envConformance) {
    // The times are some ms apart, and a busy machine may stall for longer.
    it.concurrent(name, { retry: 3 }, () => run({ env: systemEnv(), pass }));
  }
});

describe('a timer of the system', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('waits for longer than the runtime can', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    let fired = 0;
    systemEnv().timers.setTimeout(() => fired++, 5_000_000_000);
    vi.advanceTimersByTime(4_999_999_999);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
    vi.advanceTimersByTime(6_000_000_000);
    expect(fired).toBe(1);
  });
});

describe('SimulatedEnv', () => {
  for (const { name, run } of envConformance) it(name, () => run(simulatedHarness()));

  it('is the same again from the same seed', () => {
    const [a, b, c] = [new SimulatedEnv(7), new SimulatedEnv(7), new SimulatedEnv(8)];
    const draws = ({ random }: SimulatedEnv): number[] => Array.from({ length: 10 }, () => random.uint32());
    const drawn = draws(a);
    expect(draws(b)).toEqual(drawn);
    expect(draws(c)).not.toEqual(drawn);
  });

  it('lets only the wall clock jump', () => {
    const env = new SimulatedEnv(1, 1000);
    env.jumpClock(-500);
    expect([env.clock.now(), env.clock.monotonic()]).toEqual([500, 0]);
    env.advance(1.5);
    expect([env.clock.now(), env.clock.monotonic()]).toEqual([501, 1.5]);
  });
});

describe('TurnClock', () => {
  it('holds the time of a turn, but not the monotonic one', () => {
    const env = new SimulatedEnv(1, 1000);
    const clock = new TurnClock(env.clock);
    env.advance(5);
    expect([clock.now(), clock.monotonic()]).toEqual([1000, 5]);
    expect(clock.tick()).toBe(1005);
    expect(clock.now()).toBe(1005);
  });
});

it('SeededRandom fills with the bytes of its integers', () => {
  const [filling, drawing] = [new SeededRandom(3), new SeededRandom(3)];
  const bytes = filling.fill(new Uint8Array(8));
  expect([...bytes]).toEqual(Array.from({ length: 8 }, () => drawing.uint32() & 255));
});
