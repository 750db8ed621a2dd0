import { systemEnv } from '@holdfast/common';
import type { EtcdMeta, ShardHost } from '@holdfast/coord';
import { AdminExporter, replicaRoles } from '@holdfast/protocol';
import { admin } from '@holdfast/rpc';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { NodeAdministration } from './administration.js';
import type { Settings } from './settings.js';

it('gives away the leads that another node can take, although there is one that none can', async () => {
  const env = systemEnv();
  const status = admin.StatusResponse.create({
    replicas: [admin.ReplicaStatus.create({ shard: 's1', role: replicaRoles.follower })],
  });
  const other = new AdminExporter({ administration: { status: () => status }, env });
  const node = `127.0.0.1:${await other.listen(0, '127.0.0.1')}`;
  const given: string[] = [];
  const replicas = ['s0', 's1'].map((shard) => ({
    shard,
    role: 'leader',
    handOver: async (to: string) => void given.push(`${shard} to ${to}`),
  }));
  const host = { node: 'n1', replicas: () => replicas, onRole: () => {} } as unknown as ShardHost;
  const meta = {
    map: {
      shards: [
        { shard: 's0', nodes: ['n1'] },
        { shard: 's1', nodes: ['n1', 'n2'] },
      ],
    },
    nodes: new Map([['n2', { node: 'n2', addresses: { redis: '', node } }]]),
  } as unknown as EtcdMeta;
  const administration = new NodeAdministration({
    settings: { storage: 'memory' } as Settings,
    env,
    logger: pino({ level: 'silent' }),
    meta,
    host,
    clients: () => 0,
    refusal: () => null,
  });
  await expect(administration.drain(true)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('shard s0'),
  });
  expect(given).toEqual(['s1 to n2']);
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
  const administration = new NodeAdministration({
    settings: { storage: 'memory' } as Settings,
    env: systemEnv(),
    logger: pino({ level: 'silent' }),
    meta,
    host,
    clients: () => 0,
    refusal: () => null,
  });
  await expect(administration.moveLead('s0', 'n2')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(handOver).not.toHaveBeenCalled();
});
