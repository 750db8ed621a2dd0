/**
 * CLIENT TRACKING through a gateway while leaders are moved, killed, stopped and parted: nobody keeps a value for longer than a
 * bounded time after a newer one was acknowledged. The seed is printed; `HOLDFAST_SEED` repeats it.
 */

import { SeededRandom } from '@holdfast/common/testing';
import { kvctl } from '@holdfast/kvctl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause } from '../server.js';
import { ClusterUnderTest } from './cluster-under-test.js';
import { KeptValues } from './kept-values.js';
import { type Fault, faults } from './nemesis.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Date.now() % 1_000_000);

/** While nothing is wrong but who leads: what a busy machine takes to pass a message on. */
const usualMsMax = 2000;
/** A node that hangs is taken for dead after 5 s. */
const faultyMsMax = 6000;

const chosen = [
  'kill -9 of a leader',
  'a leader stands still for longer than its lease',
  'a leader and all of etcd parted',
  'gateways and a leader parted',
];

describe('values kept by clients of a gateway', () => {
  let cluster: ClusterUnderTest;
  let values: KeptValues;

  beforeAll(async () => {
    cluster = await ClusterUnderTest.start({ gateways: 2, shards: 3, servesRedis: true });
    const [near, far] = cluster.gateways;
    values = new KeptValues({
      seed,
      readers: ['', 'OPTIN', 'BCAST', 'BCAST PREFIX kept:', 'READONLY', 'READONLY BCAST'],
      readAt: () => near.port,
      writeAt: [[() => far.place], [() => far.place], cluster.nodes.map((node) => () => node.place)],
    });
    values.start();
    console.log(`seed ${seed}`);
  }, 60_000);
  afterAll(async () => {
    await values?.stop();
    await cluster?.stop();
  }, 60_000);

  function expectAtMost(ms: number): void {
    const { leader, replica } = values.takeRecent();
    expect(leader).toBeLessThan(ms);
    expect(replica).toBeLessThan(ms);
  }

  /** All of it still happens. */
  async function goesOn(): Promise<void> {
    const { hits, invalidations, reads, writes } = values;
    await expect.poll(() => values.writes, { timeout: 10_000 }).toBeGreaterThan(writes + 20);
    await expect.poll(() => values.reads, { timeout: 10_000 }).toBeGreaterThan(reads + 20);
    expect(values.hits).toBeGreaterThan(hits);
    expect(values.invalidations).toBeGreaterThan(invalidations);
  }

  it('are told to be outdated at once', async () => {
    await pause(3000);
    console.log(values.summary());
    expect(values.hits).toBeGreaterThan(values.invalidations / 10);
    await goesOn();
    expectAtMost(usualMsMax);
  }, 20_000);

  it('are given up when leaders are moved', async () => {
    const access = ['--etcd', cluster.etcd.endpoints.join(','), '--etcd-prefix', 'holdfast/'];
    for (let i = 0; i < 6; i++) {
      const shard = cluster.shards[i % cluster.shards.length];
      const leader = await cluster.leaderOf(shard);
      const other = cluster.nodes.find((node) => node !== leader)!;
      const { code } = await kvctl('leader', 'move', shard, other.name, ...access);
      expect(code).toBe(0);
      await pause(400);
    }
    console.log(values.summary());
    expectAtMost(usualMsMax);
    await goesOn();
  }, 60_000);

  it.each(chosen)(
    'are given up when there is %s',
    async (name) => {
      const { run } = faults.find((fault) => fault.name === name) as Fault;
      await run(cluster, new SeededRandom(seed));
      cluster.heal();
      for (const shard of cluster.shards) await cluster.leaderOf(shard);
      await pause(2000);
      console.log(`${name}: ${values.summary()}`);
      expectAtMost(faultyMsMax);
      await goesOn();
    },
    60_000,
  );
});
