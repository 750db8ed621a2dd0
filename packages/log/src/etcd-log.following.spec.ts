/** What a follower asks of etcd, and what it need not ask. */
import { SimulatedEnv } from '@holdfast/common/testing';
import type { Watch, WatchListener } from '@holdfast/etcd';
import { MemoryEtcd, MemoryEtcdStore } from '@holdfast/etcd/testing';
import { describe, expect, it } from 'vitest';
import { EtcdLog } from './etcd-log.js';
import { toldBytesMax, toldEntryBytesMax } from './limits.js';
import type { Position } from './log.js';
import { ToldEntries } from './told-entries.js';

class CountingStore extends MemoryEtcdStore {
  reads = 0;
  watches = 0;

  override range(...args: Parameters<MemoryEtcdStore['range']>): ReturnType<MemoryEtcdStore['range']> {
    this.reads++;
    return super.range(...args);
  }

  override watch(key: Buffer, end: Buffer, listener: WatchListener): Watch {
    const watch = super.watch(key, end, listener);
    this.watches++;
    return {
      close: () => {
        this.watches--;
        watch.close();
      },
    };
  }
}

/** A writer, and a follower that waits for its first entry. */
async function pair() {
  const env = new SimulatedEnv();
  const etcd = new MemoryEtcd();
  const stores = [new CountingStore({ etcd }), new CountingStore({ etcd })];
  const open = (store: CountingStore) => EtcdLog.open({ etcd: store, env, prefix: 'log/' });
  const [writer, follower] = [await open(stores[0]), await open(stores[1])];
  const waiting = follower.waitBeyond(0);
  await new Promise(setImmediate);
  return { writer, follower, waiting, stores };
}

async function batchesFrom(log: EtcdLog, from: Position): Promise<Buffer[]> {
  const batches: Buffer[] = [];
  for await (const { batch } of log.read(from)) batches.push(Buffer.from(batch));
  return batches;
}

describe('a follower of an EtcdLog', () => {
  it('has small entries from its watch, without asking', async () => {
    const { writer, follower, waiting, stores } = await pair();
    const before = stores[1].reads;
    const batches = [Buffer.from('one'), Buffer.from('two')];
    await writer.append(batches[0], 0, 1);
    await writer.append(batches[1], 1, 1);
    await waiting;
    expect(await batchesFrom(follower, 1)).toEqual(batches);
    expect(stores[1].reads).toBe(before);
    // They are handed out once: whoever reads them again asks.
    expect(await batchesFrom(follower, 1)).toEqual(batches);
    expect(stores[1].reads).toBeGreaterThan(before);
  });

  it('asks for what is large, and for what came together, among what it was told', async () => {
    const { writer, follower, waiting } = await pair();
    const batches = [
      Buffer.from('small'),
      Buffer.alloc(toldEntryBytesMax, 'l'),
      Buffer.from('s'),
      Buffer.from('t'),
    ];
    const appended = batches.map((batch, i) => writer.append(batch, i, 1));
    await Promise.all(appended);
    await writer.append(Buffer.from('last'), 4, 1);
    await waiting;
    expect(await batchesFrom(follower, 1)).toEqual([...batches, Buffer.from('last')]);
  });

  it('watches nothing once it writes', async () => {
    const { writer, follower, waiting, stores } = await pair();
    await writer.append(Buffer.from('one'), 0, 1);
    await waiting;
    expect(stores.map(({ watches }) => watches)).toEqual([0, 1]);
    await follower.append(Buffer.from('two'), 1, 2);
    expect(stores.map(({ watches }) => watches)).toEqual([0, 0]);
    const again = follower.waitBeyond(2);
    await writer.append(Buffer.from('three'), 2, 2);
    expect(await again).toBe(3);
  });
});

describe('ToldEntries', () => {
  it('keeps the newest within its limit', () => {
    const told = new ToldEntries();
    const entry = Buffer.alloc(toldBytesMax / 4);
    for (let position = 1; position <= 6; position++) told.note(position, entry);
    expect([1, 2, 3, 6].map((position) => told.take(position) !== null)).toEqual([false, false, true, true]);
    for (let position = 7; position <= 8; position++) told.note(position, entry);
    expect([4, 5, 7, 8].map((position) => told.take(position) !== null)).toEqual([true, true, true, true]);
  });

  it('counts an entry that it is told twice once', () => {
    const told = new ToldEntries();
    const entry = Buffer.alloc(toldBytesMax);
    told.note(1, entry);
    told.note(1, entry);
    expect(told.take(1)).toBe(entry);
    expect(told.take(1)).toBeNull();
  });
});
