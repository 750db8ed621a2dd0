import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { systemEnv } from '@holdfast/common';
import { EtcdLayout, EtcdMeta } from '@holdfast/coord';
import type { Etcd } from '@holdfast/etcd';
import { EtcdCluster } from '@holdfast/etcd/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { kvctl, type Result } from './testing/kvctl.js';
import { type Leads, ToyNode } from './testing/toy-node.js';

const env = systemEnv();

describe('usage', () => {
  it('is refused with 2 when it makes no sense', async () => {
    for (const argv of [
      ['nodse'],
      ['status', '--att', 'x'],
      ['init', '--shards', '0'],
      ['leader', 'move', 's0'],
    ]) {
      expect((await kvctl(...argv)).code, argv.join(' ')).toBe(2);
    }
    expect((await kvctl('nodse')).error).toContain('Did you mean one of node, nodes?');
    expect((await kvctl('consistency', 'set', 'strong', '--at', 'x')).error).toContain('local, replicated');
    expect((await kvctl()).code).toBe(2);
  });

  it('is told with 0 when it is asked for', async () => {
    const { code, out } = await kvctl('--help');
    expect(code).toBe(0);
    for (const word of [
      'status',
      'nodes',
      'shards',
      'tso',
      'leader',
      'consistency',
      'check',
      'backup',
      'restore',
      'import',
      'export',
      'Exit codes',
    ]) {
      expect(out).toContain(word);
    }
    expect((await kvctl('node', 'add', '--help')).out).toContain('--replicas');
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('ends with 3 when the cluster can not be reached', async () => {
    const { code, error } = await kvctl('nodes', '--etcd', '127.0.0.1:1', '--timeout', '300');
    expect([code, error]).toEqual([3, 'kvctl: etcd at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1\n']);
    expect((await kvctl('status', '--at', '127.0.0.1:1', '--timeout', '300')).code).toBe(3);
  });

  it('ends with 2 when what was typed makes no sense', async () => {
    for (const argv of [
      ['backup', 'a', 'b', 'c'],
      ['export', 'directory'],
      ['import', 'dump.rdb'],
      ['restore', 'all.backup'],
      ['restore', 'all.backup', 'directory', '--history', 'data'],
      ['restore', 'all.backup', '--to', 'a:1', '--replace'],
      ['restore', 'all.backup', 'directory', '--as-of', 'yesterday'],
      ['export', '--from', 'nowhere', 'dump.rdb'],
      ['consistency', 'set', 'replicated', '--at', 'a:1', '--etcd', ','],
      ['nodes', '--etcd', 'nowhere'],
      ['status', '--at', 'nowhere'],
    ])
      expect([argv, (await kvctl(...argv)).code]).toEqual([argv, 2]);
  });

  it('takes a certificate only with its key', async () => {
    const { code, error } = await kvctl('nodes', '--etcd-cert', '/x');
    expect([code, error]).toEqual([1, expect.stringContaining('belong together')]);
  });
});

it('says which members of etcd do not answer when they are so many that nothing can be read', async () => {
  const cluster = await EtcdCluster.start({ members: 3 });
  const [, second, third] = cluster.members;
  await second.kill();
  await third.kill();
  for (const command of [['status'], ['nodes', '--json'], ['init']]) {
    const { code, error, out } = await kvctl(
      ...command,
      '--etcd',
      cluster.endpoints.join(','),
      '--timeout',
      '500',
    );
    expect([code, out]).toEqual([3, '']);
    expect(error).toMatch(/^kvctl: etcd has no majority: of 3 members .*, .* can't be reached\n$/);
  }
  await cluster.stop();
}, 60_000);

describe('kvctl', () => {
  let cluster: EtcdCluster;
  let etcd: Etcd;
  let meta: EtcdMeta;
  let nodes: ToyNode[];
  let leads: Leads;
  let count = 0;
  let access: string[];

  beforeAll(async () => {
    cluster = await EtcdCluster.start();
    etcd = await cluster.connect();
  });
  afterAll(async () => {
    etcd?.close();
    await cluster?.stop();
  });
  beforeEach(async () => {
    const prefix = `test${++count}/`;
    access = ['--etcd', cluster.endpoints.join(','), '--etcd-prefix', prefix];
    meta = await EtcdMeta.open({ etcd, env, layout: new EtcdLayout(prefix) });
    leads = new Map();
    nodes = ['n1', 'n2', 'n3'].map((name) => new ToyNode(name, meta, leads));
    for (const node of nodes) await node.start();
  });
  afterEach(async () => {
    for (const node of nodes) await node.close();
    meta.close();
  });

  const ask = (...argv: string[]): Promise<Result> => kvctl(...argv, ...access);
  const json = async (...argv: string[]): Promise<unknown> => JSON.parse((await ask(...argv, '--json')).out);
  /** As etcd has it now: `meta` hears of it later. */
  const replicasOf = async (...names: string[]): Promise<number[]> => {
    const { shards } = await meta.changeMap(() => null);
    return names.map((name) => shards.filter(({ nodes: placed }) => placed.includes(name)).length);
  };

  it('makes the first map, once', async () => {
    const before = await ask('status');
    expect([before.code, before.out]).toEqual([1, expect.stringContaining('there is no shard map yet')]);
    expect(await ask('init', '--shards', '4')).toMatchObject({
      code: 0,
      out: '4 shards with 3 replicas each over n1, n2, n3\n',
    });
    const again = await ask('init', '--shards', '8');
    expect([again.code, again.error]).toEqual([1, expect.stringContaining('there is a shard map already')]);
    expect(await ask('init', '--shards', '8', '--if-missing')).toMatchObject({
      code: 0,
      out: 'there is a shard map already, of epoch 1\n',
    });
    expect(await replicasOf('n1')).toEqual([4]);
  });

  it('shows nodes and shards, to people and to programs', async () => {
    await ask('init', '--shards', '2');
    const { out } = await ask('shards');
    expect(out.split('\n')[0]).toMatch(/^SHARD +SLOTS +LEADER +EPOCH/);
    expect(out).toMatch(/^s0 +0-8191 +n1 +1 +1000 +0 +0 B +n1 n2\(-0\) n3\(-0\)$/m);
    expect((await ask('shards', '--replicas')).out).toMatch(/^n2 +s0 +follower +1 +1000/m);
    expect((await ask('nodes')).out).toMatch(/^n1 +up +127\.0\.0\.1:\d+ +- +2 +1 +0 B +0 +1d1h +0\.1\.0$/m);
    const shards = await json('shards');
    expect(shards).toMatchObject([{}, { shard: 's1', slots: [[8192, 16383]], leader: 'n2' }]);
    expect(shards).toMatchObject([{ replicas: [{ replica: { role: 'leader' } }, {}, {}] }, {}]);
    const isNode = { status: { kind: 'storage node', replicas: [{ role: 'leader' }, { role: 'follower' }] } };
    expect(await json('nodes')).toMatchObject([isNode, {}, {}]);
    expect(await json('status')).toMatchObject({ nodes: [isNode, {}, {}] });
  });

  it('says what is wrong, and ends with 1 then', async () => {
    await ask('init', '--shards', '2');
    await nodes[0].close();
    const { code, out } = await ask('status', '--timeout', '500');
    expect(code).toBe(1);
    expect(out).toContain('nodes      2 of 3 up');
    expect(out).toContain('node n1: 127.0.0.1:');
    expect(out).toContain('shard s0: no node leads it');
    expect(out).toContain('no timestamp service has ever run here');
    expect((await ask('tso')).code).toBe(1);
  });

  it('wants a timestamp service only where there are several shards', async () => {
    await ask('init', '--shards', '1');
    expect((await ask('tso')).code).toBe(0);
    const { code, out } = await ask('status');
    expect([code, out]).toEqual([0, expect.stringContaining('problems   none')]);
  });

  it('moves a lead', async () => {
    await ask('init', '--shards', '1', '--nodes', 'n1,n2');
    expect(await ask('leader', 'move', 's0', 'n2')).toMatchObject({ code: 0, out: 's0: from n1 to n2\n' });
    expect(leads.get('s0')).toEqual({ node: 'n2', epoch: 2 });
    expect((await ask('leader', 'move', 's0', 'n2')).out).toBe('n2 leads s0 already\n');
    expect((await ask('leader', 'move', 's0', 'n3')).error).toContain(
      'n3 has no replica of s0; it is on n1, n2',
    );
    expect((await ask('leader', 'move', 's9', 'n2')).error).toContain("there is no shard 's9'");
    expect((await ask('leader', 'move', 's0', 'n9')).error).toContain("there is no node 'n9'");
  });

  it('moves a lead although another node stands still', async () => {
    await ask('init', '--shards', '1', '--nodes', 'n1,n2');
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    await meta.register({ node: 'n9', addresses: { redis: '', node: `127.0.0.1:${port}` } });
    const beganMs = env.clock.monotonic();
    expect((await ask('leader', 'move', 's0', 'n2')).code).toBe(0);
    // Three looks at a second each, not at five.
    expect(env.clock.monotonic() - beganMs).toBeLessThan(5000);
    silent.close();
  });

  it('gives a new node its share, and takes it back', async () => {
    await ask('init', '--shards', '8', '--replicas', '2', '--nodes', 'n1,n2');
    const added = await ask('node', 'add', 'n3', '--replicas', '2');
    expect([added.code, added.out]).toEqual([0, 'n3 has its share: 5 replicas moved\n']);
    expect((await replicasOf('n1', 'n2', 'n3')).sort()).toEqual([5, 5, 6]);
    expect((await ask('node', 'add', 'n3', '--replicas', '2')).out).toContain('0 replicas moved');
    const removed = await ask('node', 'remove', 'n3');
    expect([removed.code, await replicasOf('n1', 'n2', 'n3')]).toEqual([0, [8, 8, 0]]);
    expect((await ask('nodes')).out).not.toContain('n3');
  });

  it('takes no replica away before the new one has caught up', async () => {
    await ask('init', '--shards', '2', '--replicas', '2', '--nodes', 'n1,n2');
    nodes[2].isSlow = true;
    const slow = await ask('node', 'remove', 'n1', '--wait', '300');
    expect([slow.code, slow.error]).toEqual([
      3,
      expect.stringContaining('behind, or down: s0 on n3, s1 on n3'),
    ]);
    expect(await replicasOf('n1', 'n3')).toEqual([2, 2]);
    nodes[2].isSlow = false;
    expect((await ask('node', 'remove', 'n1')).code).toBe(0);
    expect(await replicasOf('n1', 'n3')).toEqual([0, 2]);
  });

  it('drains a node', async () => {
    await ask('init', '--shards', '3');
    expect((await ask('node', 'drain', 'n1')).out).toBe('n1 leads nothing: 0 leads moved\n');
    await ask('status');
    expect((await ask('node', 'drain', 'n2')).out).toBe('n2 leads nothing: 1 leads moved\n');
    expect((await ask('nodes')).out).toMatch(/^n2 +draining/m);
    expect((await ask('node', 'drain', 'n2', '--off')).out).toBe('n2 may lead again\n');
  });

  it('says of a node that could not be drained that it goes on draining, and how to end that', async () => {
    await ask('init', '--shards', '3');
    nodes[0].keepsLeads = true;
    const { code, error } = await ask('node', 'drain', 'n1');
    expect(code).toBe(3);
    expect(error).toContain('no other node could lead shard s0 now');
    expect(error).toContain('n1 goes on draining');
    expect(error).toContain('kvctl node drain n1 --off');
    expect((await ask('node', 'drain', 'n1', '--off')).out).toBe('n1 may lead again\n');
    expect(nodes[0].isDraining).toBe(false);
  });

  it('does not say so of a node that was not told', async () => {
    await ask('init', '--shards', '3');
    await nodes[0].close();
    const { code, error } = await ask('node', 'drain', 'n1', '--timeout', '500');
    expect(code).toBe(3);
    expect(error).not.toContain('goes on draining');
  });
});
