import { KvError, systemEnv } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { etcdserverpb } from '@holdfast/rpc';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Etcd } from './etcd.js';
import { isCompacted } from './etcd-error.js';
import { EtcdKeeper } from './etcd-keeper.js';
import { endOfPrefix, exists, get, put, remove } from './operations.js';
import { EtcdCluster } from './testing/etcd-cluster.js';

const quotaBytes = 24 * 1024 * 1024;
const key = Buffer.from('key');

describe('EtcdKeeper', () => {
  let cluster: EtcdCluster;
  let etcd: Etcd;

  beforeAll(async () => {
    cluster = await EtcdCluster.start({ quotaBytes });
    etcd = await cluster.connect();
  });

  afterAll(async () => {
    etcd?.close();
    await cluster?.stop();
  });

  const set = async (value: string): Promise<number> =>
    (await etcd.transact({ compare: [], success: [put(key, Buffer.from(value))] })).header!.revision;

  it('forgets history that is old, whichever of several keepers is first, and keeps the rest', async () => {
    const options = { etcd, env: systemEnv(), guardKey: 'guard', historyMs: 0, intervalMs: 1e9 };
    const keepers = [new EtcdKeeper(options), new EtcdKeeper(options), new EtcdKeeper(options)];
    const careAll = async (): Promise<void> => {
      for (const keeper of keepers) await keeper.care();
    };
    const first = await set('1');
    await careAll();
    const second = await set('2');
    expect((await etcd.range({ key, revision: first })).kvs.length).toBe(1);
    await careAll();
    await expect(etcd.range({ key, revision: first })).rejects.toSatisfy(isCompacted);
    expect((await etcd.range({ key, revision: second })).kvs.length).toBe(1);
    for (const keeper of keepers) await keeper.close();
  });

  it('warns of an etcd that does not answer, not at every look, and says when it does again', async () => {
    const warnings: string[] = [];
    const env = new SimulatedEnv();
    const keeper = new EtcdKeeper({
      etcd: { alarms: () => Promise.reject(new Error('gone')) } as unknown as Etcd,
      env,
      guardKey: 'guard',
      onWarning: (message) => warnings.push(message),
    });
    for (let i = 0; i < 20; i++) await keeper.care();
    expect(warnings).toEqual(['looking after etcd failed: gone']);
    await keeper.close();
    env.advance(60_000);
    expect(warnings.slice(1)).toEqual(['etcd is looked after again']);
  });

  it('frees a full quota once there is something to free, and warns on the way', async () => {
    const warnings: string[] = [];
    const keeper = new EtcdKeeper({
      etcd,
      env: systemEnv(),
      guardKey: 'guard',
      quotaBytes,
      intervalMs: 1e9,
      onWarning: (message) => warnings.push(message),
    });
    const prefix = Buffer.from('fill/');
    let count = 0;
    const fill = async (): Promise<void> => {
      for (let code = ''; code !== 'DISK'; ) {
        const filling = put(Buffer.from(`fill/${count++}`), Buffer.alloc(1_000_000));
        await etcd.transact({ compare: [], success: [filling] }).catch((error: KvError) => {
          code = error.code;
        });
      }
    };
    await fill();
    await keeper.care();
    expect(warnings[0]).toContain('is full and refuses writes');
    // A file has some space to give back although nothing was deleted.
    while (!keeper.space!.isFull) {
      await fill();
      await keeper.care();
    }
    // Nothing to free yet.
    await expect(set('x')).rejects.toMatchObject({ code: 'DISK' });
    // Deleting needs no room, and neither does a question that goes through consensus.
    await etcd.transact({ compare: [], success: [remove(prefix, endOfPrefix(prefix))] });
    const asked = await etcd.transact({
      compare: [exists(prefix)],
      success: [remove(prefix)],
      failure: [get(key)],
    });
    expect(asked.succeeded).toBe(false);
    await expect.poll(() => keeper.care().then(() => keeper.space!.isFull), { timeout: 10_000 }).toBe(false);
    await set('y');
    expect(keeper.space!.fileBytes).toBeLessThan(quotaBytes / 2);
    expect(warnings.at(-1)).toContain('takes writes again');
    await keeper.close();
  });
});

describe('EtcdKeeper, asked what there is room for', () => {
  /** One member, with a quota of 100 MB. */
  async function keeperOf(dbSizeInUse: number, dbSize: number, isFull = false) {
    const { AlarmType, StatusResponse } = etcdserverpb;
    const status = { dbSize, dbSizeInUse, dbSizeQuota: 100_000_000 };
    const etcd = {
      addresses: ['a'],
      alarms: async () => (isFull ? [{ memberID: '1', alarm: AlarmType.NOSPACE }] : []),
      status: async () => StatusResponse.create(status),
      transact: async () => ({ succeeded: true, header: { revision: 1 }, responses: [] }),
    };
    const options = { etcd: etcd as unknown as Etcd, env: systemEnv(), guardKey: 'guard', intervalMs: 1e9 };
    const keeper = new EtcdKeeper({ ...options, repairs: false });
    expect(keeper.roomBytes).toBe(Number.POSITIVE_INFINITY);
    await keeper.care().catch(() => {});
    return keeper;
  }

  it('leaves a tenth of the quota to short writes', async () => {
    const keeper = await keeperOf(60_000_000, 70_000_000);
    expect(keeper.roomBytes).toBe(30_000_000);
    await keeper.close();
  });

  it('counts what is about to be put, until the next look', async () => {
    const keeper = await keeperOf(60_000_000, 70_000_000);
    keeper.take(20_000_000);
    expect(keeper.roomBytes).toBe(10_000_000);
    keeper.take(20_000_000);
    expect(keeper.roomBytes).toBe(0);
    await keeper.care();
    expect(keeper.roomBytes).toBe(30_000_000);
    await keeper.close();
  });

  it('has none in a file that has grown to the quota, whatever is free in it, nor in a full one', async () => {
    const grown = await keeperOf(10_000_000, 99_000_000);
    const full = await keeperOf(10_000_000, 20_000_000, true);
    expect([grown.roomBytes, full.roomBytes]).toEqual([0, 0]);
    await grown.close();
    await full.close();
  });
});

describe('EtcdKeeper of a full etcd of which a member is down', () => {
  const { AlarmType, StatusResponse } = etcdserverpb;

  /** Two members of three answer, and are full until they were defragmented. */
  function toyEtcd() {
    const defragmented = new Set<string>();
    const state = { isFull: true, defragmented };
    const isUp = (address: string): boolean => address !== 'b';
    const down = (code: 'UNAVAILABLE' | 'UNDETERMINED'): never => {
      throw new KvError(code, 'etcd at b: no answer');
    };
    const etcd = {
      addresses: ['a', 'b', 'c'],
      alarms: async () => (state.isFull ? [{ memberID: '1', alarm: AlarmType.NOSPACE }] : []),
      status: async (address: string) =>
        isUp(address)
          ? StatusResponse.create({ dbSize: defragmented.has(address) ? 10 : 100, dbSizeInUse: 10 })
          : down('UNAVAILABLE'),
      range: async () => ({ header: { revision: 7 } }),
      compact: async () => {},
      defragment: async (address: string) => {
        if (!isUp(address)) return down('UNDETERMINED');
        defragmented.add(address);
      },
      disarm: async () => {
        state.isFull = false;
      },
    };
    return { etcd: etcd as unknown as Etcd, state };
  }

  it('takes writes again, without waiting for that member', async () => {
    const { etcd, state } = toyEtcd();
    const warnings: string[] = [];
    const onWarning = (message: string): void => void warnings.push(message);
    const keeper = new EtcdKeeper({
      etcd,
      env: systemEnv(),
      guardKey: 'guard',
      quotaBytes: 100,
      intervalMs: 1e9,
      onWarning,
    });
    await keeper.care();
    expect([...state.defragmented]).toEqual(['a', 'c']);
    expect(state.isFull).toBe(false);
    expect(warnings).toContainEqual(expect.stringContaining('was not defragmented: etcd at b'));
    await keeper.close();
  });
});
