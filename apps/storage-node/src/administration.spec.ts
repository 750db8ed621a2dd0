import { systemEnv } from '@holdfast/common';
import type { EtcdMeta, ShardHost } from '@holdfast/coord';
import { AdminExporter, replicaRoles } from '@holdfast/protocol';
import { admin } from '@holdfast/rpc';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { NodeAdministration } from './administration.js';
import type { Settings } from './settings.js';

function administrationOf(host: ShardHost, meta: EtcdMeta): NodeAdministration {
  return new NodeAdministration({
    settings: { storage: 'memory' } as Settings,
    env: systemEnv(),
    logger: pino({ level: 'silent' }),
    meta,
    host,
    clients: () => 0,
    refusal: () => null,
  });
}

it('gives away the leads that another node can take, and the one that none can as soon as one can', async () => {
  const env = systemEnv();
  const status = admin.StatusResponse.create({
    replicas: ['s0', 's1'].map((shard) => admin.ReplicaStatus.create({ shard, role: replicaRoles.follower })),
  });
  const other = new AdminExporter({ administration: { status: () => status }, env });
  const node = `127.0.0.1:${await other.listen(0, '127.0.0.1')}`;
  const given: string[] = [];
  const replicas = ['s0', 's1'].map((shard) => ({
    shard,
    role: 'leader',
    handOver: async (to: string) => void given.push(`${shard} to ${to}`),
  }));
  const placements = [
    { shard: 's0', nodes: ['n1'] },
    { shard: 's1', nodes: ['n1', 'n2'] },
  ];
  const host = { node: 'n1', replicas: () => replicas, onRole: () => {} } as unknown as ShardHost;
  const meta = {
    map: { shards: placements },
    nodes: new Map([['n2', { node: 'n2', addresses: { redis: '', node } }]]),
  } as unknown as EtcdMeta;
  const administration = administrationOf(host, meta);
  await expect(administration.drain(true)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('shard s0'),
  });
  expect(given).toEqual(['s1 to n2']);
  placements[0].nodes.push('n2');
  await vi.waitFor(() => expect(given).toContain('s0 to n2'), 5000);
  await administration.drain(false);
  await other.close();
});

it('keeps a lead that is to go to a node that could not take it', async () => {
  const handOver = vi.fn();
  const replica = { shard: 's0', role: 'leader', handOver };
  const host = { node: 'n1', replica: () => replica, onRole: () => {} } as unknown as ShardHost;
  const meta = {
    map: { shards: [{ shard: 's0', nodes: ['n1', 'n2'] }] },
    // Nobody listens there.
    nodes: new Map([['n2', { node: 'n2', addresses: { redis: '', node: '127.0.0.1:1' } }]]),
  } as unknown as EtcdMeta;
  const administration = administrationOf(host, meta);
  await expect(administration.moveLead('s0', 'n2')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(handOver).not.toHaveBeenCalled();
});

it('filled memory with what its disk did not take: it gives the lead to a node whose disk takes it', async () => {
  const env = systemEnv();
  let there = 'no space there, either';
  const status = () =>
    admin.StatusResponse.create({
      replicas: [
        admin.ReplicaStatus.create({ shard: 's0', role: replicaRoles.follower, diskFailure: there }),
      ],
    });
  const other = new AdminExporter({ administration: { status }, env });
  const node = `127.0.0.1:${await other.listen(0, '127.0.0.1')}`;
  const handOver = vi.fn();
  let here: Error | null = new Error('no space');
  const replica = { shard: 's0', role: 'leader', handOver };
  const host = {
    node: 'n1',
    replica: () => replica,
    replicas: () => [replica],
    diskFailureOf: () => here,
    onRole: () => {},
  } as unknown as ShardHost;
  const meta = {
    map: { shards: [{ shard: 's0', nodes: ['n1', 'n2'] }] },
    nodes: new Map([['n2', { node: 'n2', addresses: { redis: '', node } }]]),
  } as unknown as EtcdMeta;
  const administration = administrationOf(host, meta);
  await administration.leaveFailingDisks();
  there = '';
  here = null;
  await administration.leaveFailingDisks();
  expect(handOver).not.toHaveBeenCalled();
  here = new Error('no space');
  await administration.leaveFailingDisks();
  expect(handOver).toHaveBeenCalledWith('n2');
  await other.close();
});
