import { SeededRandom } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { ExpiryQueue } from './expiry-queue.js';

for (const seed of [1, 2, 3]) {
  it(`returns entries by time, as a sorted list would, whichever are removed (seed ${seed})`, () => {
    const random = new SeededRandom(seed);
    const queue = new ExpiryQueue();
    const model: { timeMs: number; ref: number }[] = [];
    const drop = (timeMs: number, ref: number): void => {
      const at = model.findIndex((entry) => entry.timeMs === timeMs && entry.ref === ref);
      expect(at).toBeGreaterThanOrEqual(0);
      model.splice(at, 1);
    };
    for (let step = 0; step < 6000; step++) {
      const isGrowing = step % 2000 < 1200;
      const action = random.uint32() % 10;
      if (queue.length === 0 || action < (isGrowing ? 7 : 2)) {
        const entry = { timeMs: random.uint32() % 500, ref: step };
        queue.push(entry.timeMs, entry.ref);
        model.push(entry);
      } else if (action < 9) {
        drop(queue.earliestMs, queue.ref(0));
        queue.pop();
      } else {
        const i = random.uint32() % queue.length;
        drop(queue.timeMs(i), queue.ref(i));
        queue.remove(i);
      }
      expect(queue.length).toBe(model.length);
      const earliestMs = Math.min(Number.POSITIVE_INFINITY, ...model.map((entry) => entry.timeMs));
      expect(queue.earliestMs).toBe(earliestMs);
    }
    let lastMs = 0;
    while (queue.length > 0) {
      expect(queue.earliestMs).toBeGreaterThanOrEqual(lastMs);
      lastMs = queue.earliestMs;
      queue.pop();
    }
    expect(queue.earliestMs).toBe(Number.POSITIVE_INFINITY);
  });
}
