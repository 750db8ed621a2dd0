/** A limit of memory in a cluster: of a node's settings, or set through a gateway, whoever leads. */
import { afterEach, describe, expect, it } from 'vitest';
import { ClusterProcesses, type Member } from './cluster-processes.js';

const limitBytes = 16_000_000;
const shards = 4;
const value = 'x'.repeat(1000);
/** Twice what a node may have. */
const keys = 32_000;

describe('a limit of memory', () => {
  let cluster: ClusterProcesses;

  afterEach(() => cluster.stop());

  it('that nodes are started with is for all shards of each, whichever of them leads', async () => {
    const flags = ['--maxmemory', String(limitBytes), '--maxmemory-policy', 'allkeys-lru'];
    cluster = await ClusterProcesses.start({ nodes: 2, shards, flags });
    const client = cluster.throughGateway();
    await fill(0);
    await expectWithinLimit();
    await cluster.nodes[0].stop();
    await cluster.ready();
    await fill(keys);
    await expect.poll(() => dataBytes(cluster.nodes[1]), { timeout: 30_000 }).toBeLessThan(limitBytes * 1.05);
    expect(await client.dbsize()).toBeGreaterThan(keys / 4);

    async function fill(from: number): Promise<void> {
      for (let i = from; i < from + keys; i += 1000)
        await Promise.all(Array.from({ length: 1000 }, (_, j) => client.set(`key ${i + j}`, value)));
    }

    async function expectWithinLimit(): Promise<void> {
      for (const node of cluster.nodes)
        await expect.poll(() => dataBytes(node), { timeout: 30_000 }).toBeLessThan(limitBytes * 1.05);
    }
  }, 120_000);

  it('that is set through a gateway holds after a change of leaders, until the node is started again', async () => {
    cluster = await ClusterProcesses.start({ nodes: 2, shards });
    const client = cluster.throughGateway();
    await client.config('SET', 'maxmemory', '1');
    await expect(client.set('a', '1')).rejects.toThrow('OOM');
    await cluster.nodes[0].stop();
    await cluster.ready();
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f'])
      await expect(client.set(key, '1'), key).rejects.toThrow('OOM');
    await cluster.nodes[0].start();
    await cluster.nodes[1].stop();
    await cluster.ready();
    expect(await client.set('a', '1')).toBe('OK');
  }, 120_000);
});

/** Of all shards, as the node's metrics tell. */
async function dataBytes(node: Member): Promise<number> {
  const response = await fetch(`http://${node.addresses.http}/metrics`);
  const found = (await response.text()).matchAll(/^holdfast_shard_data_bytes\{[^}]*\} (\S+)$/gm);
  return [...found].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}
