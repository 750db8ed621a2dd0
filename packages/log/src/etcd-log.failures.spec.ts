/** EtcdLog over real members that are killed, paused and full. */
import { setTimeout as pause } from 'node:timers/promises';
import { type KvError, systemEnv } from '@holdfast/common';
import { type Etcd, EtcdKeeper, put } from '@holdfast/etcd';
import { EtcdCluster } from '@holdfast/etcd/testing';
import { describe, expect, it } from 'vitest';
import { EtcdLog } from './etcd-log.js';
import { batchOf, entriesOf } from './testing/assertions.js';
import { Contest } from './testing/contest.js';

const env = systemEnv();

/** Runs two writers and a follower over a cluster that `fail` makes trouble for; returns the contest. */
async function contend(fail: (cluster: EtcdCluster) => Promise<void>): Promise<Contest> {
  const cluster = await EtcdCluster.start({ members: 3 });
  const clients: Etcd[] = [];
  try {
    const connect = async (): Promise<EtcdLog> => {
      const etcd = await cluster.connect({ callTimeoutMs: 500 });
      clients.push(etcd);
      return EtcdLog.open({ etcd, env, prefix: 'log/' });
    };
    let isOver = false;
    const { random } = env;
    const contest = new Contest({ random, pause, isOver: () => isOver, title: 'real members' });
    const writing = [contest.write('a', await connect()), contest.write('b', await connect())];
    const followed: number[] = [];
    const following = follow(await connect(), followed, () => isOver);
    await fail(cluster);
    await cluster.ready();
    isOver = true;
    await Promise.all([...writing, following]);
    const log = await connect();
    contest.assertKept(await entriesOf(log, 1));
    // The follower left nothing out.
    expect(followed).toEqual(followed.map((_, i) => i + 1));
    expect(followed.length).toBeGreaterThan(10);
    return contest;
  } finally {
    for (const etcd of clients) etcd.close();
    await cluster.stop();
  }
}

async function follow(log: EtcdLog, positions: number[], isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await log.waitBeyond(positions.length, AbortSignal.timeout(200));
    try {
      for await (const { position } of log.read(positions.length + 1)) positions.push(position);
    } catch (error) {
      expect((error as KvError).code).toBe('UNAVAILABLE');
    }
  }
}

describe('EtcdLog', () => {
  it('loses nothing when the leader of etcd is killed during appends, again and again', async () => {
    const contest = await contend(async (cluster) => {
      for (let i = 0; i < 3; i++) {
        await pause(300);
        const leader = await cluster.leader();
        await leader.kill();
        await pause(700);
        leader.start();
        await cluster.ready();
      }
    });
    expect(contest.committedCount).toBeGreaterThan(50);
    expect(contest.unknownCount).toBeGreaterThan(0);
  }, 60_000);

  it('loses nothing when members are stopped in their tracks and go on later', async () => {
    const contest = await contend(async (cluster) => {
      for (let i = 0; i < 3; i++) {
        await pause(200);
        const member = i === 1 ? cluster.members[0] : await cluster.leader();
        member.pause();
        await pause(1200);
        member.resume();
        await cluster.ready();
      }
    });
    expect(contest.committedCount).toBeGreaterThan(50);
    expect(contest.unknownCount).toBeGreaterThan(0);
  }, 60_000);

  it('is refused by a full etcd, can be trimmed and sealed then, and goes on when there is room', async () => {
    const cluster = await EtcdCluster.start({ quotaBytes: 24 * 1024 * 1024 });
    const etcd = await cluster.connect();
    const keeper = new EtcdKeeper({
      etcd,
      env,
      guardKey: 'guard',
      quotaBytes: 24 * 1024 * 1024,
      intervalMs: 1e9,
    });
    try {
      const log = await EtcdLog.open({ etcd, env, prefix: 'log/' });
      const other = await EtcdLog.open({ etcd, env, prefix: 'other/' });
      const lengths: number[] = [];
      for (;;) {
        const length = 400_000 + lengths.length;
        const outcome = await log.append(batchOf(length, length), lengths.length, 1);
        if (outcome.kind === 'committed') lengths.push(length);
        if (outcome.kind !== 'refused') continue;
        expect(outcome).toMatchObject({ reason: 'disk', tail: lengths.length });
        expect((outcome.cause as KvError).message).toContain('database space exceeded');
        break;
      }
      // Large batches are refused too, and what of them was there already does not stay.
      expect(await log.append(new Uint8Array(5_000_000), lengths.length, 1)).toMatchObject({
        reason: 'disk',
      });
      // The log holds what it called committed, although the last of them may have been answered with an error.
      const entries = await entriesOf(log, 1);
      expect(entries.map(({ batch }) => batch.length)).toEqual(lengths);
      await expect(
        etcd.transact({ compare: [], success: [put(Buffer.from('x'), Buffer.alloc(9))] }),
      ).rejects.toThrow();
      expect(await other.seal()).toBe(0);
      await log.trim(lengths.length);
      expect(await log.head()).toBe(lengths.length);
      await expect
        .poll(() => keeper.care().then(() => keeper.space!.isFull), { timeout: 10_000 })
        .toBe(false);
      expect(await log.append(batchOf(1, 10), lengths.length, 1)).toEqual({
        kind: 'committed',
        position: lengths.length + 1,
      });
      expect(
        (await etcd.range({ key: Buffer.from('log/chunks/'), rangeEnd: Buffer.from('log/d') })).kvs,
      ).toEqual([]);
    } finally {
      await keeper.close();
      etcd.close();
      await cluster.stop();
    }
  }, 60_000);
});
