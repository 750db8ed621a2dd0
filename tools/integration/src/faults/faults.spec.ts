/**
 * A real cluster over real etcd, and a good minute of what can go wrong. `npm run faults` goes on until something is
 * wrong. The seed is printed; `HOLDFAST_SEED` repeats it.
 */
import { hashSlotOf } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { SmallDisk } from '@holdfast/testing/faults';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause } from '../server.js';
import { WireClient } from '../wire-client.js';
import { ClusterUnderTest, type Member } from './cluster-under-test.js';
import { runFaults, shuffled } from './fault-run.js';
import { type Fault, faults } from './nemesis.js';
import { restartEach } from './rolling-restart.js';
import { Workload } from './workload.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Date.now() % 1_000_000);
console.log(`seed ${seed}`);

/** Always among those that are tried; of the others some. */
const always = ['kill -9 of a leader', 'a leader stands still for longer than its lease'];
const othersCount = 2;

function chosenFaults(): Fault[] {
  const random = new SeededRandom(seed);
  const others = shuffled(
    faults.filter(({ name }) => !always.includes(name)),
    random,
  );
  const chosen = [...faults.filter(({ name }) => always.includes(name)), ...others.slice(0, othersCount)];
  return shuffled(chosen, random);
}

describe('a cluster of processes', () => {
  let cluster: ClusterUnderTest;

  beforeAll(async () => {
    cluster = await ClusterUnderTest.start({ gateways: 2 });
  }, 60_000);
  afterAll(async () => {
    await cluster?.stop();
  }, 60_000);

  it('takes writes again within 3 s of the death of a leader', async () => {
    const [shard] = cluster.shards;
    const { slots } = cluster.map.shards[0];
    const key = keyIn(slots[0]);
    const client = await WireClient.connect({ host: '127.0.0.1', port: cluster.gateways[0].port });
    expect((await client.call('SET', key, 'before')).text).toBe('OK');
    const node = await cluster.leaderOf(shard);
    await node.process.kill();
    const killedMs = Date.now();
    let reply = await client.call('SET', key, 'after');
    while (reply.type === '-') {
      expect(reply.text).toMatch(/^(TRYAGAIN|UNDETERMINED) /);
      reply = await client.call('SET', key, 'after');
    }
    const tookMs = Date.now() - killedMs;
    client.close();
    await node.start();
    console.log(`writes were back after ${tookMs} ms`);
    expect(tookMs).toBeLessThan(3000);
  }, 30_000);

  it('is linearizable whatever fails, and comes back', async () => {
    const onFault = (name: string, summary: string): void => console.log(`${name}: ${summary}`);
    const workload = await runFaults(cluster, { seed, faults: chosenFaults(), onFault });
    expect(workload.acknowledged).toBeGreaterThan(500);
  }, 120_000);

  it('is restarted process by process under load, and answers every request that does not cross the end of a gateway', async () => {
    const ports = (): number[] => cluster.gateways.map(({ port }) => port);
    const clients = 8;
    const workload = new Workload({ seed, clients, ports, prefix: 'restarts:' });
    const restart = (members: readonly Member[]): Promise<void> =>
      restartEach(cluster, members, (name, endedMs, readyMs) => {
        console.log(
          `${name} ended after ${endedMs} ms, served again after ${readyMs} ms: ${workload.summary()}`,
        );
      });
    workload.start();
    await pause(300);
    await restart([cluster.tsos[0], cluster.nodes[0]]);
    expect([...workload.errors.keys()].filter((word) => word !== 'TRYAGAIN')).toEqual([]);
    await restart([cluster.gateways[1]]);
    await pause(300);
    await workload.stop();
    workload.check();
    console.log(`restarts: ${workload.summary()}`);
    // A gateway that is not there takes no connection: a client goes to another one. One that ends ends its connections
    // behind a reply, which the next request of the same client can cross.
    const expected = new Set(['TRYAGAIN', 'refused', 'closed']);
    expect([...workload.errors.keys()].filter((word) => !expected.has(word))).toEqual([]);
    expect(workload.errors.get('closed') ?? 0).toBeLessThan(clients);
  }, 90_000);
});

describe.skipIf(!SmallDisk.isAvailable())('a cluster of nodes whose disks are small', () => {
  let disk: SmallDisk;
  let cluster: ClusterUnderTest;

  beforeAll(async () => {
    disk = SmallDisk.mount(64 * 1024 * 1024);
    const directoryOf = (node: string): string | null => (node === 'n1' ? disk.path : null);
    cluster = await ClusterUnderTest.start({ storage: 'level', shards: 1, directoryOf });
  }, 60_000);
  afterAll(async () => {
    await cluster?.stop();
    disk?.unmount();
  }, 60_000);

  it('loses nothing when one of them is full', async () => {
    const fault: Fault = {
      name: 'the disk of a node is full',
      run: async () => {
        disk.fill();
        await pause(2000);
        await cluster.nodes[0].process.kill();
        disk.free();
        await cluster.nodes[0].start();
      },
    };
    await runFaults(cluster, { seed, faults: [fault] });
  }, 60_000);
});

/** A key of a range of slots. */
function keyIn([first, last]: readonly [number, number]): string {
  for (let i = 0; ; i++) {
    const key = `k${i}`;
    const slot = hashSlotOf(Buffer.from(key), 0, key.length);
    if (slot >= first && slot <= last) return key;
  }
}
