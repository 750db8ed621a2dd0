import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '@holdfast/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DevCluster, type MemberState } from './dev-cluster.js';
import { MemberProcess } from './member-process.js';
import { type PlanOptions, planOf } from './plan.js';

const options: PlanOptions = { nodes: 2, gateways: 1, shards: 2, replicas: 2, storage: 'memory' };
const env = systemEnv();

describe('DevCluster', () => {
  let directory: string;
  let cluster: DevCluster;
  const said: string[] = [];
  const started = (): string[] => said.splice(0).filter((line) => line.startsWith('started'));
  const states = async (): Promise<Map<string, MemberState>> =>
    new Map((await cluster.states()).map((state) => [state.name, state]));

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-cluster-'));
    cluster = new DevCluster(directory, env, (text) => said.push(text));
  });
  afterAll(async () => {
    await cluster.down();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it('comes up, does nothing when it is up, and starts again what was killed, where it was', async () => {
    await expect(cluster.states()).rejects.toThrow("'up' makes one");
    await cluster.up(options, new Set());
    expect(started()).toHaveLength(8);
    const before = await states();
    expect([...before.values()].every(({ isReady }) => isReady)).toBe(true);
    await cluster.up(options, new Set());
    expect(started()).toEqual([]);

    for (const name of ['n1', 'etcd2', 'gateway1']) process.kill(before.get(name)!.pid, 'SIGKILL');
    await expect.poll(async () => (await states()).get('n1')!.pid).toBe(0);
    await cluster.up(options, new Set());
    expect(started().sort()).toEqual(['started etcd2', 'started gateway1', 'started n1']);
    expect((await states()).get('gateway1')!.addresses).toEqual(before.get('gateway1')!.addresses);
    await expect(cluster.up({ ...options, shards: 4 }, new Set(['shards']))).rejects.toThrow('shards 2');

    expect(await cluster.down()).toBe(8);
    expect(await cluster.down()).toBe(0);
  }, 120_000);
});

describe('planOf', () => {
  it('keeps what was planned, and adds what is wanted more', async () => {
    const first = await planOf(options, null, new Set());
    const more = await planOf({ ...options, nodes: 3 }, first, new Set(['nodes']));
    expect(more.members.filter((member) => first.members.includes(member))).toHaveLength(8);
    expect(more.members.filter(({ kind }) => kind === 'node').map(({ name }) => name)).toEqual([
      'n1',
      'n2',
      'n3',
    ]);
    await expect(planOf({ ...options, nodes: 1 }, first, new Set(['nodes']))).rejects.toThrow(
      'kvctl node remove',
    );
    const ports = more.members.flatMap((member) => Object.values(member.ports));
    expect(new Set(ports).size).toBe(ports.length);
  });
});

describe('MemberProcess', () => {
  it('never takes another process for its own, whose id it got', () => {
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-member-'));
    const member = new MemberProcess(directory, { name: 'm', command: process.execPath, args: ['-e', ''] });
    const path = join(directory, 'run', 'm.json');
    writeFileSync(path, JSON.stringify({ pid: process.pid, began: '1' }));
    expect([member.pid, member.isRunning]).toEqual([0, false]);
    writeFileSync(path, 'not JSON');
    expect(member.pid).toBe(0);
    expect(member.start()).toBe(true);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: expect.any(Number) });
    rmSync(directory, { recursive: true });
  });
});
