import { SimulatedEnv } from '@holdfast/common/testing';
import { put } from '@holdfast/etcd';
import { MemoryEtcd, MemoryEtcdStore } from '@holdfast/etcd/testing';
import { describe, expect, it } from 'vitest';
import { EtcdLayout } from './etcd-layout.js';
import { EtcdMeta } from './etcd-meta.js';

const layout = new EtcdLayout('test/');

function cluster() {
  const etcd = new MemoryEtcdStore({ etcd: new MemoryEtcd() });
  const write = (key: string, value: string) =>
    etcd.transact({ compare: [], success: [put(Buffer.from(key), Buffer.from(value))] });
  const keys = async (prefix: string): Promise<string[]> => {
    const { kvs } = await etcd.range({ key: Buffer.from(prefix), rangeEnd: Buffer.from(`${prefix}~~`) });
    return kvs.map(({ key }) => String(key));
  };
  return { keys, open: () => EtcdMeta.open({ etcd, env: new SimulatedEnv(), layout }), write };
}

describe('EtcdMeta', () => {
  it('names the key of what somebody has damaged by hand', async () => {
    const { open, write } = cluster();
    await write(layout.node('n4'), '{"node":"n4"');
    await expect(open()).rejects.toThrow('test/nodes/n4 in etcd: the record of a node is not JSON');
    const other = cluster();
    await other.write(layout.map, '{"epoch":"3"}');
    await expect(other.open()).rejects.toThrow('test/map in etcd: the shard map is not valid');
  });

  it('forgets what nodes said of shards, of these alone, however many', async () => {
    const { keys, open, write } = cluster();
    for (const node of ['n1', 'n2']) await write(`${layout.positions('s0')}${node}`, '7');
    const meta = await open();
    const none = Array.from({ length: 200 }, (_, i) => ({ shard: `x${i}`, node: 'n1' }));
    await meta.forgetPositions([...none, { shard: 's0', node: 'n1' }]);
    expect(await keys(layout.positions('s0'))).toEqual([`${layout.positions('s0')}n2`]);
    meta.close();
  });
});
