import { SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { ExpiringCollections } from './expiring-collections.js';
import { MemoryStorage } from './memory-storage.js';
import { HashValue } from './values/hash-value.js';

/** A hash whose earliest expiry is what the test says. */
class FakeHash extends HashValue {
  earliestMs = Number.POSITIVE_INFINITY;

  override get earliestExpiryMs(): number {
    return this.earliestMs;
  }
}

describe('ExpiringCollections', () => {
  it.each([1, 2, 3])('has the collection that is due first at hand (seed %i)', (seed) => {
    const { random } = new SimulatedEnv(seed);
    const below = (n: number) => random.uint32() % n;
    const database = new MemoryStorage(random).database(0);
    const queue = new ExpiringCollections();
    const hashes = Array.from({ length: 30 }, () => new FakeHash(database));
    for (let i = 0; i < 3000; i++) {
      const hash = hashes[below(30)];
      const action = below(10);
      if (action < 5) {
        hash.earliestMs = Math.min(hash.earliestMs, below(1000));
        queue.lower(hash, hash.earliestMs);
      } else if (action < 8) {
        if (hash.earliestMs !== Number.POSITIVE_INFINITY) hash.earliestMs += below(100);
        if (below(5) === 0) hash.earliestMs = Number.POSITIVE_INFINITY;
        queue.settle(hash);
      } else {
        hash.earliestMs = Number.POSITIVE_INFINITY;
        queue.remove(hash);
      }
      const times = hashes.map(({ earliestMs }) => earliestMs);
      expect(queue.earliestMs).toBe(Math.min(...times));
      expect(queue.size).toBe(times.filter((ms) => ms !== Number.POSITIVE_INFINITY).length);
      if (queue.size > 0) expect((queue.earliest as FakeHash).earliestMs).toBe(queue.earliestMs);
    }
  });

  it('is not confused by a collection that has a place in another one', () => {
    const database = new MemoryStorage(new SimulatedEnv(1).random).database(0);
    const [old, queue] = [new ExpiringCollections(), new ExpiringCollections()];
    const [stranger, hash] = [new FakeHash(database), new FakeHash(database)];
    old.lower(stranger, 5);
    queue.lower(hash, 7);
    queue.remove(stranger);
    queue.settle(stranger);
    expect([queue.size, queue.earliestMs, queue.earliest]).toEqual([1, 7, hash]);
  });
});
