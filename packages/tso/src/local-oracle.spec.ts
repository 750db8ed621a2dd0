import { randomBelow } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { type HighWaterMark, MemoryHighWaterMark } from './high-water-mark.js';
import { LocalOracle } from './local-oracle.js';
import { oracleEpochMs, timestampsPerMs } from './oracle.js';
import { oracleConformance } from './testing/oracle-conformance.js';

describe('LocalOracle', () => {
  for (const { name, run } of oracleConformance) {
    it(name, () => {
      const env = new SimulatedEnv();
      const mark = new MemoryHighWaterMark();
      return run({ env, open: () => LocalOracle.open({ env, mark }) });
    });
  }
});

/** A mark whose stores end when the test says so. */
class SlowMark implements HighWaterMark {
  persisted = 0;
  pending: { value: number; resolve(): void; reject(error: Error): void }[] = [];

  async load(): Promise<number> {
    return this.persisted;
  }

  store(value: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.pending.push({
        value,
        resolve: () => {
          this.persisted = value;
          resolve();
        },
        reject,
      });
    });
  }

  async settle(error?: Error): Promise<void> {
    for (const store of this.pending.splice(0)) {
      if (error === undefined) store.resolve();
      else store.reject(error);
    }
    await new Promise(setImmediate);
  }
}

async function openSlow(env = new SimulatedEnv(), aheadMs = 1000) {
  const mark = new SlowMark();
  const opening = LocalOracle.open({ env, mark, aheadMs });
  await new Promise(setImmediate);
  await mark.settle();
  return { env, mark, oracle: await opening };
}

describe('the mark', () => {
  it('leaves timestamps for a whole burst after the clock ran past it while nobody asked', async () => {
    const { env, mark, oracle } = await openSlow();
    oracle.next(1);
    env.advance(60_000);
    for (let i = 0; i < 1000; i++) expect(() => oracle.next(1)).not.toThrow();
    await mark.settle();
    await oracle.close();
  });

  it('follows the clock after an idle spell although little of the range was used', async () => {
    const { env, mark, oracle } = await openSlow();
    oracle.next(1);
    env.advance(3_600_000);
    oracle.next(1);
    await mark.settle();
    const milliseconds = Math.floor(oracle.next(1) / timestampsPerMs) + oracleEpochMs;
    expect(milliseconds).toBe(env.clock.now());
    await oracle.close();
  });

  it('is never overtaken, whatever clock and disk do', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { env, mark, oracle } = await openSlow(new SimulatedEnv(seed), 10);
      let last = 0;
      let lastPersisted = mark.persisted;
      for (let turn = 0; turn < 200; turn++) {
        const choice = randomBelow(env.random, 10);
        if (choice === 0) env.jumpClock(randomBelow(env.random, 100) - 50);
        if (choice === 1) await mark.settle();
        if (choice === 2) await mark.settle(new Error('no room'));
        if (choice > 7) env.advance(randomBelow(env.random, 20));
        const count = 1 + randomBelow(env.random, 3000);
        try {
          const first = oracle.next(count);
          expect(first, `seed ${seed}`).toBeGreaterThan(last);
          last = first + count - 1;
          expect(last, `seed ${seed}`).toBeLessThanOrEqual(mark.persisted);
        } catch (error) {
          if ((error as { code?: string }).code !== 'UNAVAILABLE') throw error;
        }
        expect(mark.persisted).toBeGreaterThanOrEqual(lastPersisted);
        lastPersisted = mark.persisted;
        expect(mark.pending.length).toBeLessThanOrEqual(1);
      }
    }
  });

  it('is renewed before the range is used up', async () => {
    const { mark, oracle } = await openSlow();
    oracle.next(1000 * 2048 - 10);
    expect(mark.pending.length).toBe(0);
    oracle.next(100);
    expect(mark.pending.length).toBe(1);
    await mark.settle();
    oracle.next(1000 * 2048 + 100);
  });

  it('used up means UNAVAILABLE, until it is stored', async () => {
    const { mark, oracle } = await openSlow();
    expect(() => oracle.next(5_000_000)).toThrow(
      expect.objectContaining({ code: 'UNAVAILABLE', retryable: true }),
    );
    await mark.settle();
    oracle.next(5_000_000);
  });

  it('that can not be stored is tried again, not at every call', async () => {
    const { env, mark, oracle } = await openSlow();
    oracle.next(1000 * 3000);
    await mark.settle(new Error('no room'));
    for (let i = 0; i < 10; i++) oracle.next(1);
    expect(mark.pending.length).toBe(0);
    env.advance(150);
    oracle.next(1);
    expect(mark.pending.length).toBe(1);
    await mark.settle();
    oracle.next(1000 * 3000);
  });

  it('that can not be stored leaves the rest of the range for as many writes, however long it takes', async () => {
    const { env, mark, oracle } = await openSlow();
    oracle.next(1000 * 2100);
    await mark.settle(new Error('no room'));
    for (let i = 0; i < 2000; i++) {
      env.advance(1);
      oracle.next(10);
      if (mark.pending.length > 0) await mark.settle(new Error('no room'));
    }
    env.advance(150);
    oracle.next(1);
    await mark.settle();
    const now = (env.clock.now() - oracleEpochMs) * timestampsPerMs;
    expect(oracle.next(1)).toBeGreaterThanOrEqual(now);
  });

  it('is not written while nothing is asked for', async () => {
    const { env, mark } = await openSlow();
    env.advance(1e9);
    expect(mark.pending.length).toBe(0);
  });
});

describe('setFloor', () => {
  it('raises what comes next above it', async () => {
    const env = new SimulatedEnv();
    const oracle = await LocalOracle.open({ env, mark: new MemoryHighWaterMark() });
    const floor = oracle.next(1) + 1e12;
    await oracle.setFloor(floor);
    expect(oracle.next(1)).toBe(floor + 1);
    await oracle.setFloor(5);
    expect(oracle.next(1)).toBe(floor + 2);
    await expect(oracle.setFloor(Number.NaN)).rejects.toMatchObject({ code: 'INVALID' });
  });
});

it('refuses a count that is none', async () => {
  const oracle = await LocalOracle.open({ env: new SimulatedEnv(), mark: new MemoryHighWaterMark() });
  for (const count of [0, -1, Number.NaN]) {
    expect(() => oracle.next(count)).toThrow(expect.objectContaining({ code: 'INVALID' }));
  }
});
