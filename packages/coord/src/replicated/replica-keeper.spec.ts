import { KvError } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import type { Log } from '@holdfast/log';
import { describe, expect, it } from 'vitest';
import type { SnapshotFiles } from '../snapshot-files.js';
import { anyRoom, type LogRoom } from './log-room.js';
import type { Replica } from './replica.js';
import { coveredByMajority, ReplicaKeeper, trimmable } from './replica-keeper.js';
import { MemoryShardRegister } from './shard-register.js';

const of = (positions: Record<string, number>): number =>
  coveredByMajority(['a', 'b', 'c'], new Map(Object.entries(positions)));

it('trims what a majority of the replicas needs no more, and counts who has reported nothing', () => {
  expect(of({ a: 10, b: 20, c: 30 })).toBe(20);
  expect(of({ a: 10, c: 30 })).toBe(10);
  expect(of({ c: 30 })).toBe(0);
  expect(of({})).toBe(0);
});

it('does not count nodes that have no replica any more', () => {
  expect(of({ a: 10, x: 90, y: 90 })).toBe(0);
});

it('takes more than half of an even number', () => {
  const positions = new Map([
    ['a', 10],
    ['b', 20],
  ]);
  expect(coveredByMajority(['a', 'b'], positions)).toBe(10);
  expect(coveredByMajority(['a'], positions)).toBe(10);
  expect(coveredByMajority([], positions)).toBe(0);
});

it('trims nothing that is held, by a backup that is taken', () => {
  const positions = new Map([
    ['a', 30],
    ['b', 20],
    ['~backup', 10],
  ]);
  expect(trimmable(['a', 'b', 'c'], positions, 0)).toBe(10);
  positions.set('~backup', 25);
  expect(trimmable(['a', 'b', 'c'], positions, 0)).toBe(20);
  positions.set('~another', 0);
  expect(trimmable(['a', 'b', 'c'], positions, 0)).toBe(0);
  expect(trimmable(['a', 'b', 'c'], positions, 40)).toBe(0);
});

describe('ReplicaKeeper', () => {
  /** A follower at position 7, whose disk has a snapshot up to `from`, if any. */
  function follower(from: number | null) {
    const env = new SimulatedEnv();
    const register = new MemoryShardRegister();
    const disk = { from, writes: 0, isFull: false };
    const errors: string[] = [];
    const snapshots = {
      newest: async () => (disk.from === null ? null : { name: '', from: disk.from, to: disk.from }),
      write: async (position: number) => {
        if (disk.isFull) throw new KvError('DISK', 'no space');
        disk.from = position;
        disk.writes++;
        return 100;
      },
      removeOld: async () => {},
    } as unknown as SnapshotFiles;
    const replica = {
      shard: 's0',
      role: 'follower',
      isSound: true,
      appliedBytes: 0,
      fetches: 0,
      storage: { stamp: { writes: 0 }, failure: null as KvError | null },
      offers: { snapshot: async () => ({ from: 7, to: () => 7, batches: [] }) },
    };
    const trims: number[] = [];
    const log = { trim: async (before: number) => void trims.push(before) };
    const begin = (logBytesMax?: () => number, room?: LogRoom) =>
      new ReplicaKeeper({
        replica: replica as unknown as Replica,
        env,
        log: log as unknown as Log,
        node: 'a',
        nodes: () => ['a', 'b', 'c'],
        register,
        snapshots,
        onError: (error) => {
          if (!(error instanceof KvError)) throw error;
          errors.push(error.message);
        },
        intervalMs: 10,
        ...(logBytesMax && { logBytesMax }),
        ...(room && { room }),
      });
    const pass = async (): Promise<void> => {
      env.advance(10);
      await new Promise(setImmediate);
    };
    const known = async (): Promise<number | undefined> => (await register.positions('s0')).get('a');
    return { begin, disk, errors, known, pass, register, replica, trims };
  }

  it('says that its disk has less than it once said, because it is a new one', async () => {
    const { begin, known, pass, register } = follower(null);
    await register.report('s0', 'a', 1000);
    const keeper = begin();
    await pass();
    expect(await known()).toBe(0);
    await keeper.close();
  });

  it('writes what it took from another node to its own disk at once, and once', async () => {
    const { begin, disk, known, pass, replica } = follower(3);
    const keeper = begin();
    await pass();
    expect([disk.writes, await known()]).toEqual([0, 3]);
    replica.fetches++;
    await pass();
    await pass();
    expect([disk.writes, await known()]).toEqual([1, 7]);
    await keeper.close();
  });

  it('says that its disk takes nothing, which nobody else would notice, for as long as that is so', async () => {
    const { begin, disk, errors, known, pass, replica } = follower(3);
    const keeper = begin();
    disk.isFull = true;
    replica.fetches++;
    await pass();
    expect([keeper.diskFailure?.message, errors]).toEqual(['no space', ['no space']]);
    disk.isFull = false;
    await pass();
    expect([keeper.diskFailure, await known()]).toEqual([null, 7]);
    disk.isFull = true;
    await expect(keeper.take()).rejects.toMatchObject({ code: 'DISK' });
    expect(keeper.diskFailure).not.toBeNull();
    disk.isFull = false;
    await pass();
    expect(keeper.diskFailure).toBeNull();
    replica.storage.failure = new KvError('DISK', 'no space for LevelDB');
    await pass();
    expect([keeper.diskFailure?.message, errors.slice(1)]).toEqual([
      'no space for LevelDB',
      ['no space for LevelDB'],
    ]);
    replica.storage.failure = null;
    expect(keeper.diskFailure).toBeNull();
    await keeper.close();
  });

  it('waits for replicas that are down until etcd is half full, and then trims what its own disk has', async () => {
    const { begin, disk, pass, register, replica, trims } = follower(3);
    replica.role = 'leader';
    await register.report('s0', 'b', 2);
    const room = { ...anyRoom, quotaBytes: 1000, usedBytes: 500 };
    const keeper = begin(undefined, room);
    await pass();
    expect(trims).toEqual([3]);
    disk.from = 8;
    await pass();
    expect(trims).toEqual([3]);
    room.usedBytes = 501;
    await pass();
    expect(trims).toEqual([3, 9]);
    // A full etcd takes no report: that must not keep it full.
    disk.from = 20;
    register.report = async () => {
      throw new KvError('DISK', 'etcd is full');
    };
    await pass();
    expect(trims).toEqual([3, 9, 21]);
    await keeper.close();
  });

  it('takes a snapshot before the log has its share of etcd, however large the last one was', async () => {
    const { begin, disk, pass, replica } = follower(3);
    let most = Number.POSITIVE_INFINITY;
    const keeper = begin(() => most);
    replica.appliedBytes = 60_000_000;
    await pass();
    expect(disk.writes).toBe(0);
    most = 50_000_000;
    await pass();
    expect(disk.writes).toBe(1);
    replica.appliedBytes += 40_000_000;
    await pass();
    expect(disk.writes).toBe(1);
    replica.appliedBytes += 20_000_000;
    await pass();
    expect(disk.writes).toBe(2);
    await keeper.close();
  });
});
