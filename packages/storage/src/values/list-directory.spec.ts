import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { ListDirectory } from './list-directory.js';

interface Entry {
  ref: number;
  count: number;
}

/** Where an element of the inner nodes is, by adding up their counts one by one. */
function locateSlowly(model: readonly Entry[], index: number): [position: number, within: number] {
  let left = index;
  let position = 1;
  while (left >= model[position].count) left -= model[position++].count;
  return [position, left];
}

function innerSize(model: readonly Entry[]): number {
  return model.slice(1, -1).reduce((sum, { count }) => sum + count, 0);
}

describe('ListDirectory', () => {
  it.each([1, 2, 3])('agrees with an array, whatever comes and goes where (seed %i)', (seed) => {
    const random = new SeededRandom(seed);
    const below = (bound: number): number => random.uint32() % bound;
    const directory = new ListDirectory();
    const model: Entry[] = [];
    // Grows to many groups, drifts to either side, shrinks to nothing, and so again.
    for (let step = 0; step < 6000; step++) {
      const grows = step % 3000 < 1600;
      const at = below(4) === 0 ? below(model.length + 1) : below(2) * model.length;
      if (model.length === 0 || below(10) < (grows ? 8 : 2)) {
        const entry = { ref: below(1 << 30), count: 1 + below(200) };
        directory.insert(at, entry.ref, entry.count);
        model.splice(at, 0, entry);
      } else {
        const position = Math.min(at, model.length - 1);
        directory.remove(position);
        model.splice(position, 1);
      }
      if (model.length > 0) {
        const position = below(model.length);
        model[position] = { ref: below(1 << 30), count: 1 + below(200) };
        directory.setRef(position, model[position].ref);
        directory.setCount(position, model[position].count);
        const other = below(model.length);
        expect(directory.ref(other)).toBe(model[other].ref);
      }
      expect(directory.length).toBe(model.length);
      const size = innerSize(model);
      if (size === 0) continue;
      const index = below(size);
      const position = directory.locate(index, size);
      expect([position, directory.within], `step ${step}`).toEqual(locateSlowly(model, index));
    }
  });

  it('finds every element from either end, with outer counts that are out of date', () => {
    const directory = new ListDirectory();
    const model: Entry[] = Array.from({ length: 500 }, (_, i) => ({ ref: i, count: 1 + (i % 7) }));
    for (const [i, { ref, count }] of model.entries()) directory.insert(i, ref, count);
    for (const stale of [0, 1, 9999]) {
      directory.setCount(0, stale);
      directory.setCount(499, stale);
      const size = innerSize(model);
      for (let index = 0; index < size; index++) {
        expect([directory.locate(index, size), directory.within]).toEqual(locateSlowly(model, index));
      }
    }
  });
});
