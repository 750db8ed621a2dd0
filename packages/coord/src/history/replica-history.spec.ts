import { SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { shardBatch } from '../replicated/leadership.js';
import { testBounds } from '../testing/broken-histories.js';
import {
  assertSame,
  type HistoryUnderTest,
  HistoryWriter,
  historyConformance,
  readAll,
} from '../testing/history-conformance.js';
import { ReplicaHistory } from './replica-history.js';

interface Entry {
  readonly position: number;
  readonly batch: Uint8Array;
}

/** What the log says of who leads, whose version is the last one given away. */
function recordAt(version: number): Uint8Array {
  return shardBatch({ kind: 'handover', to: 'b' }, version);
}

/** A log, and the histories of its replicas, each of which applies as much of it as it is told to. */
class Shard implements HistoryUnderTest {
  readonly mayBeBehind = true;
  readonly log: Entry[] = [];
  readonly history: ReplicaHistory;

  constructor(bounds = testBounds) {
    this.history = replica(bounds);
    this.append(recordAt(100));
  }

  append(batch: Uint8Array): void {
    const entry = { position: this.log.length + 1, batch: Buffer.from(batch) };
    this.log.push(entry);
    this.history.committed(batch, entry.position);
  }

  async commit(batch: Uint8Array): Promise<void> {
    this.append(batch);
  }

  async trim(): Promise<void> {}

  end(): void {
    this.history.end();
  }

  /** A replica applies the entries from one position to another. */
  apply(to: ReplicaHistory, from: number, last = this.log.length): void {
    for (const { batch, position } of this.log.slice(from - 1, last)) to.committed(batch, position);
  }
}

function replica(bounds = testBounds): ReplicaHistory {
  return new ReplicaHistory(new SimulatedEnv().clock, () => bounds);
}

describe('ReplicaHistory', () => {
  for (const { name, run } of historyConformance) it(name, () => run(new Shard()));
});

describe('the history of a replica', () => {
  it('says the same as that of every other, and a reader goes on at any of them', async () => {
    const shard = new Shard();
    const writer = new HistoryWriter(shard, 3);
    const follower = replica();
    const begin = shard.history.oldest;
    for (let i = 0; i < 6; i++) {
      await writer.commit(1 + (i % 3));
      if (i === 3) shard.append(recordAt(shard.history.newest + 2));
    }
    shard.apply(follower, 1, 4);
    const { commits, version } = await follower.read(begin);
    expect(version).toBeLessThan(shard.history.newest);
    await expect(follower.read(shard.history.newest)).rejects.toMatchObject({ code: 'UNAVAILABLE', version });
    assertSame([...commits, ...(await readAll(shard.history, version))], writer.written);
    shard.apply(follower, 5);
    expect([follower.oldest, follower.newest]).toEqual([shard.history.oldest, shard.history.newest]);
    assertSame(await readAll(follower, begin), writer.written);
  });

  it('has nothing twice of what is applied again after its state was given up', async () => {
    const shard = new Shard();
    const writer = new HistoryWriter(shard, 4);
    for (let i = 0; i < 5; i++) await writer.commit(2);
    shard.apply(shard.history, 1);
    assertSame(await readAll(shard.history, shard.history.oldest), writer.written);
    await writer.commit(1);
    assertSame(await readAll(shard.history, shard.history.oldest), writer.written);
  });

  it('begins anew behind a gap, and those who read and wait are told so', async () => {
    const shard = new Shard();
    const writer = new HistoryWriter(shard, 5);
    const follower = replica();
    const begin = shard.history.oldest;
    for (let i = 0; i < 3; i++) await writer.commit(1);
    shard.apply(follower, 1);
    const { newest } = follower;
    const waiting = follower.waitBeyond(newest + 1000);
    for (let i = 0; i < 4; i++) await writer.commit(1);
    // Its state was taken from another node, up to the entry before.
    shard.apply(follower, 7);
    await waiting;
    const oldest = writer.written[5].version;
    for (const version of [begin, newest, oldest - 1])
      await expect(follower.read(version)).rejects.toMatchObject({ code: 'COMPACTED', version: oldest });
    assertSame(await readAll(follower, oldest), writer.after(oldest));
  });

  it('has not begun before an entry has come, and begins behind it', async () => {
    const shard = new Shard();
    const writer = new HistoryWriter(shard, 6);
    await writer.commit(3);
    const follower = replica();
    await expect(follower.read(0)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const waiting = follower.waitBeyond(0);
    shard.apply(follower, 2);
    await waiting;
    expect(follower.oldest).toBe(writer.written[2].version);
    const { oldest } = follower;
    await expect(follower.read(oldest - 1)).rejects.toMatchObject({ code: 'COMPACTED', version: oldest });
    await writer.commit(2);
    shard.apply(follower, 3);
    assertSame(await readAll(follower, oldest), writer.after(oldest));
  });

  it('moves on with entries that say only who leads, and keeps none of them', async () => {
    const shard = new Shard({ bytes: 2000, seconds: 0 });
    const writer = new HistoryWriter(shard, 7);
    const { oldest } = shard.history;
    await writer.commit(2);
    const { newest } = shard.history;
    const waiting = shard.history.waitBeyond(newest);
    for (let i = 1; i <= 200; i++) shard.append(recordAt(newest + i));
    await waiting;
    expect(shard.history.newest).toBe(newest + 200);
    assertSame(await readAll(shard.history, oldest), writer.written);
  });

  it('lets those go who wait for its beginning when it ends before', async () => {
    const history = replica();
    const waiting = history.waitBeyond(0);
    history.end();
    await waiting;
    await history.waitBeyond(0);
  });
});
