/** What a storage node promises by itself: what it keeps in memory, and that its name is its own. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterProcesses } from './cluster-processes.js';

const cacheBytes = 2_000_000;
const keys = 12_000;
const value = 'x'.repeat(500);

describe('a storage node', () => {
  let cluster: ClusterProcesses;

  beforeEach(async () => {
    const flags = ['--cache-bytes', String(cacheBytes)];
    cluster = await ClusterProcesses.start({ nodes: 1, shards: 2, storage: 'level', flags });
  }, 60_000);

  afterEach(() => cluster.stop());

  it('with --cache-bytes keeps no more in memory, and has everything', async () => {
    const client = cluster.throughGateway();
    const names = Array.from({ length: keys }, (_, i) => `key ${i}`);
    await Promise.all(names.map((name) => client.set(name, value)));
    await expect.poll(() => residentBytes(), { timeout: 30_000 }).toBeLessThan(cacheBytes * 1.1);
    const found = await Promise.all(names.map((name) => client.get(name)));
    expect(found.every((each) => each === value)).toBe(true);
    expect(await client.dbsize()).toBe(keys);
    await expect.poll(() => residentBytes(), { timeout: 30_000 }).toBeLessThan(cacheBytes * 1.1);
    await expect(client.config('SET', 'cache-bytes', '1')).rejects.toThrow('a setting of each node');
  }, 60_000);

  it('is refused while another process has its name, and tells which', async () => {
    const second = cluster.another('n1');
    await expect(second.start()).rejects.toThrow(/node n1 runs already: process \d+ on .*--node, --dir/);
    const client = cluster.throughGateway();
    await client.set('k', 'v');
    // A life of the same node after this one has it at once.
    await cluster.nodes[0].kill();
    await cluster.nodes[0].start();
    expect(await client.get('k')).toBe('v');
  }, 60_000);

  /** Of both shards, as the node's metrics tell. */
  async function residentBytes(): Promise<number> {
    const response = await fetch(`http://${cluster.nodes[0].addresses.http}/metrics`);
    const found = (await response.text()).matchAll(/^holdfast_shard_data_bytes\{[^}]*\} (\S+)$/gm);
    return [...found].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
  }
});
