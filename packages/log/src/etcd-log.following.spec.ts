/** What a follower of an EtcdLog is told of, what it asks for, and when it does which. */
import { SimulatedEnv } from '@holdfast/common/testing';
import { put, type Watch, type WatchListener } from '@holdfast/etcd';
import { MemoryEtcd, MemoryEtcdStore } from '@holdfast/etcd/testing';
import { describe, expect, it } from 'vitest';
import { EtcdLog } from './etcd-log.js';
import { gatheredEntriesMax, gatherIntervalMs } from './limits.js';
import type { Position } from './log.js';
import { batchOf } from './testing/assertions.js';

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
  let tail = 0;
  const append = async (count: number): Promise<void> => {
    for (const to = tail + count; tail < to; tail++) await writer.append(batchOf(tail + 1, 100), tail, 1);
  };
  const waiting = follower.waitBeyond(0);
  await new Promise(setImmediate);
  return { env, etcd, append, follower, waiting, store: stores[1] };
}

/** Reads to the end, and expects what `append` appended. */
async function readFrom(log: EtcdLog, from: Position): Promise<number> {
  let count = 0;
  for await (const { position, batch } of log.read(from)) {
    expect(position).toBe(from + count++);
    expect(Buffer.compare(batch, batchOf(position, 100))).toBe(0);
  }
  return count;
}

/** The same, when more was appended before it waited again. */
async function pairInAFlow() {
  const parts = await pair();
  await parts.append(1);
  await parts.waiting;
  await parts.append(1);
  expect(await parts.follower.waitBeyond(1)).toBe(2);
  return parts;
}

describe('a follower of an EtcdLog', () => {
  it('is told by a watch of what is rare', async () => {
    const { append, follower, waiting, store } = await pair();
    await append(1);
    expect(await waiting).toBe(1);
    expect(await readFrom(follower, 1)).toBe(1);
    const again = follower.waitBeyond(1);
    expect(store.watches).toBe(1);
    await append(1);
    expect(await again).toBe(2);
    expect(await readFrom(follower, 2)).toBe(1);
  });

  it('asks for what is many, once for all that gathered, and is told again when nothing comes', async () => {
    const { env, append, follower, store } = await pairInAFlow();
    expect(store.watches).toBe(0);
    const waiting = follower.waitBeyond(2);
    await append(3);
    const before = store.reads;
    expect(await env.until(waiting)).toBe(5);
    expect(await readFrom(follower, 3)).toBe(3);
    expect(store.reads).toBe(before + 1);
    // What was found is given away once: whoever reads it again asks.
    expect(await readFrom(follower, 3)).toBe(3);
    expect(store.reads).toBe(before + 2);
    const quiet = follower.waitBeyond(5);
    env.advance(gatherIntervalMs);
    await new Promise(setImmediate);
    expect(store.watches).toBe(1);
    await append(1);
    expect(await quiet).toBe(6);
  });

  it('that finds several whenever it looks is not told of each, though it is quicker than the writer', async () => {
    const { append, follower, waiting, store } = await pair();
    await append(1);
    await waiting;
    await append(2);
    expect(await readFrom(follower, 1)).toBe(3);
    void follower.waitBeyond(3);
    expect(store.watches).toBe(0);
  });

  it('that is far behind finds everything', async () => {
    const { env, append, follower } = await pairInAFlow();
    const waiting = follower.waitBeyond(2);
    await append(3 * gatheredEntriesMax);
    await env.until(waiting);
    expect(await readFrom(follower, 1)).toBe(2 + 3 * gatheredEntriesMax);
  });

  it('that was asking when the log was closed hears of that', async () => {
    const { env, follower, store } = await pairInAFlow();
    const waiting = expect(follower.waitBeyond(2)).rejects.toMatchObject({ code: 'CLOSED' });
    env.advance(gatherIntervalMs);
    await follower.close();
    await waiting;
    expect(store.watches).toBe(0);
  });

  it('watches nothing once it writes', async () => {
    const { append, follower, waiting, store } = await pair();
    await append(1);
    await waiting;
    expect(store.watches).toBe(1);
    await follower.append(batchOf(2, 100), 1, 2);
    expect(store.watches).toBe(0);
  });

  it('takes no notice of the copy of an entry that earlier versions put beside the head', async () => {
    const { env, append, etcd, follower, waiting } = await pair();
    const copy = put(Buffer.from('log/meta/last'), Buffer.alloc(100));
    etcd.transact({ compare: [], success: [copy] });
    await append(1);
    expect(await env.until(waiting)).toBe(1);
    expect(await readFrom(follower, 1)).toBe(1);
    await EtcdLog.drop(new MemoryEtcdStore({ etcd }), 'log/');
    expect(etcd.range({ key: Buffer.from('log/'), rangeEnd: Buffer.from('log0') }).count).toBe(0);
  });
});
