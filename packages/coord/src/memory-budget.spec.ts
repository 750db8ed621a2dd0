import { SimulatedEnv } from '@holdfast/common/testing';
import { Config, KV, parameters } from '@holdfast/engine';
import { MemoryStorage } from '@holdfast/storage';
import { LocalOracle, MemoryHighWaterMark } from '@holdfast/tso';
import { expect, it } from 'vitest';
import { MemoryBudget } from './memory-budget.js';

async function engine(maxmemory: string): Promise<KV> {
  const env = new SimulatedEnv(1);
  const config = new Config(parameters);
  config.set('maxmemory', maxmemory);
  const oracle = await LocalOracle.open({ env, mark: new MemoryHighWaterMark() });
  return new KV({ storage: new MemoryStorage(env.random), oracle, env, config });
}

it('divides the limit equally, whoever comes and goes, and whatever it is set to', async () => {
  const budget = new MemoryBudget();
  const [a, b, c] = [await engine('900'), await engine('900'), await engine('900')];
  for (const each of [a, b, c]) budget.join(each);
  expect([a, b, c].map(({ eviction }) => eviction.limitBytes)).toEqual([300, 300, 300]);
  budget.leave(c);
  expect([a, b].map(({ eviction }) => eviction.limitBytes)).toEqual([450, 450]);
  a.config.set('maxmemory', '100');
  expect(a.eviction.limitBytes).toBe(50);
  a.config.set('maxmemory', '0');
  expect(a.eviction.limitBytes).toBe(0);
});

it('counts the data of all: none of it is what the process takes beside', async () => {
  const budget = new MemoryBudget();
  const engines = [await engine('0'), await engine('0')];
  for (const each of engines) budget.join(each);
  const bytes = ({ storage }: KV): number => storage.usedBytes + storage.freeBytes;
  expect(budget.dataBytes).toBe(bytes(engines[0]) + bytes(engines[1]));
});
