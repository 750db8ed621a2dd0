/** When a write waits for timestamps, and for which. */
import { SimulatedEnv } from '@holdfast/common/testing';
import type { Oracle } from '@holdfast/tso';
import { describe, expect, it } from 'vitest';
import { RemoteFront } from './oracle-front.js';

/** Gives ranges one after the other, each when the test says so. */
class SlowSource implements Oracle {
  fetches = 0;
  #last = 0;
  #waiting: (() => void)[] = [];

  fetch(count: number): Promise<number> {
    this.fetches++;
    const first = this.#last + 1;
    this.#last += count;
    return new Promise((resolve) => this.#waiting.push(() => resolve(first)));
  }

  async answer(): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve();
    await new Promise(setImmediate);
  }

  next(): number {
    throw new Error('not asked of a source');
  }

  async ready(): Promise<void> {}
  async close(): Promise<void> {}
}

function front(shards: number) {
  const env = new SimulatedEnv();
  const source = new SlowSource();
  const made = new RemoteFront({ source, env, isOneShard: () => shards === 1 });
  /** A write arrives, and takes one version: how many fetches it waited for. */
  const write = async (): Promise<number> => {
    const before = source.fetches;
    const waiting = made.prepare(made.arrive(), 1);
    if (waiting !== null) {
      await source.answer();
      await waiting;
    }
    made.next(1);
    return source.fetches - before;
  };
  return { env, source, front: made, write };
}

describe('RemoteFront', () => {
  it('lets each write wait for timestamps that were fetched after it arrived', async () => {
    const { write } = front(2);
    expect([await write(), await write(), await write()]).toEqual([1, 1, 1]);
  });

  it('lets those that arrive during a fetch wait for the next one', async () => {
    const { front: made, source } = front(2);
    const first = made.prepare(made.arrive(), 1);
    const second = made.prepare(made.arrive(), 1);
    await source.answer();
    await first;
    expect(source.fetches).toBe(2);
    const before = made.next(1);
    await source.answer();
    await second;
    expect(made.next(1)).toBeGreaterThan(before + 1);
  });

  it('uses what is at hand in a cluster of one shard, while it is not old', async () => {
    const { env, write } = front(1);
    expect([await write(), await write(), await write()]).toEqual([1, 0, 0]);
    env.advance(99);
    expect(await write()).toBe(0);
    env.advance(1);
    expect([await write(), await write()]).toEqual([1, 0]);
  });

  it('waits in such a cluster, too, when it has used up what was at hand', async () => {
    const { front: made, source, write } = front(1);
    await write();
    const { spare } = made;
    made.next(spare);
    expect(source.fetches).toBe(2);
    const waiting = made.prepare(made.arrive(), 1);
    expect(waiting).not.toBeNull();
    await source.answer();
    await waiting;
    expect(made.next(1)).toBeGreaterThan(spare);
  });

  it('has enough after one fetch for a command with a great many arguments, and for one with more than there can be', async () => {
    for (const count of [300_000, 5_000_000]) {
      const { front: made, source } = front(2);
      const arrival = made.arrive();
      const waiting = made.prepare(arrival, count);
      await source.answer();
      await waiting;
      expect(made.prepare(arrival, count)).toBeNull();
      expect(source.fetches).toBe(1);
    }
  });

  it('fetches for whoever begins to lead, whatever is at hand', async () => {
    const { front: made, source, write } = front(1);
    await write();
    const version = made.next(1);
    const raised = made.raise(version);
    expect(source.fetches).toBe(2);
    await source.answer();
    await raised;
    expect(made.next(1)).toBeGreaterThan(version + 1);
  });
});
