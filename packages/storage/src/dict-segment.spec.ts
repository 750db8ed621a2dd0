import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { Segment } from './dict-segment.js';

/** Length of the longest run of slots in use. */
function longestRun({ slots }: Segment): number {
  let longest = 0;
  let run = 0;
  for (let i = 1; i < slots.length; i += 2) {
    run = slots[i] === 0 ? 0 : run + 1;
    longest = Math.max(longest, run);
  }
  return longest;
}

describe('a segment of a dict', () => {
  it('has no long runs when its elements come in the order of their hashes, as from another dict', () => {
    const random = new SeededRandom(1);
    const hashes = Array.from({ length: 6000 }, () => random.uint32()).sort((a, b) => a - b);
    for (let bits = 7; bits <= 13; bits++) {
      const segment = new Segment(bits, 0, false);
      const count = Math.min(hashes.length, 3 << (bits - 2));
      for (let i = 0; i < count; i++) segment.add(hashes[i] | 0, i + 1, 0);
      // One behind the other they would be a single run of `count`.
      expect(longestRun(segment), `${1 << bits} slots`).toBeLessThan(100);
    }
  });
});
