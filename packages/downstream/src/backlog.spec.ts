import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { Backlog } from './backlog.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));

it(`has the last bytes, whatever their number and its size (HOLDFAST_SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < 40; round++) {
    const begin = randomBelow(random, 1000);
    const backlog = new Backlog(1 + randomBelow(random, 50), begin);
    let all = Buffer.alloc(0);
    let kept = 0;
    for (let i = 0; i < 30; i++) {
      const bytes = random.fill(Buffer.alloc(randomBelow(random, 80)));
      backlog.append(bytes, bytes.length);
      all = Buffer.concat([all, bytes]);
      kept = Math.min(kept + bytes.length, backlog.capacity);
      if (randomBelow(random, 5) === 0) {
        backlog.resize(1 + randomBelow(random, 80));
        kept = Math.min(kept, backlog.capacity);
      }
      expect(backlog.end).toBe(begin + all.length);
      expect(backlog.length).toBe(kept);
      expect(backlog.reaches(backlog.end - kept - 1)).toBe(false);
      expect(backlog.reaches(backlog.end + 1)).toBe(false);
      const count = randomBelow(random, kept + 1);
      expect(backlog.reaches(backlog.end - count)).toBe(true);
      expect(backlog.since(backlog.end - count)).toEqual(all.subarray(all.length - count));
    }
  }
});
