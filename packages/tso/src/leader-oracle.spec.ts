import { KvError } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { LeaderOracle } from './leader-oracle.js';
import type { MarkStore } from './mark-store.js';
import { SimulatedMark } from './testing/simulated-mark.js';
import { SimulatedProcess } from './testing/simulated-process.js';

const holdMs = 300;

/** Time goes by, and whoever waited for it goes on. */
async function pass(env: SimulatedEnv, ms: number): Promise<void> {
  for (let i = 0; i < ms; i += 10) {
    env.advance(10);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }
}

it('is in doubt while it leads and can not renew its hold', async () => {
  const env = new SimulatedEnv();
  const mark = new SimulatedMark(env);
  const process = new SimulatedProcess(env);
  const real = mark.storeFor(process);
  let isCutOff = false;
  const write: MarkStore['write'] = (...args) =>
    isCutOff ? Promise.reject(new KvError('UNAVAILABLE', 'no answer')) : real.write(...args);
  const store = { ...real, read: () => real.read(), write };
  const oracle = new LeaderOracle({ env: process, store, address: 'a:1', holdMs });
  await pass(env, 50);
  expect([oracle.isLeading, oracle.isInDoubt]).toEqual([true, false]);
  isCutOff = true;
  await pass(env, holdMs * 2);
  expect([oracle.isLeading, oracle.isInDoubt]).toEqual([false, true]);
  isCutOff = false;
  await pass(env, holdMs);
  expect([oracle.isLeading, oracle.isInDoubt]).toEqual([true, false]);
  await oracle.close();
});

it('does not say who leads any more when nothing was heard of it, nor of the mark, for long', async () => {
  const env = new SimulatedEnv();
  const mark = new SimulatedMark(env);
  const begin = (address: string, store: MarkStore, process: SimulatedProcess) =>
    new LeaderOracle({ env: process, store, address, holdMs });
  const first = new SimulatedProcess(env);
  begin('a:1', mark.storeFor(first), first);
  await pass(env, 50);
  const second = new SimulatedProcess(env);
  const real = mark.storeFor(second);
  let isCutOff = false;
  const read = (): ReturnType<MarkStore['read']> =>
    isCutOff ? Promise.reject(new KvError('UNAVAILABLE', 'no answer')) : real.read();
  const waiting = begin('b:1', { ...real, read }, second);
  await pass(env, holdMs * 5);
  expect([waiting.isLeading, waiting.leader]).toEqual([false, 'a:1']);
  isCutOff = true;
  await pass(env, holdMs);
  expect(waiting.leader).toBe('a:1');
  await pass(env, holdMs * 2);
  expect(waiting.leader).toBe('');
  isCutOff = false;
  await pass(env, holdMs);
  expect(waiting.leader).toBe('a:1');
  await waiting.close();
});
