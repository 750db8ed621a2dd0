import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { type PowerLoss, SimulatedFile } from './simulated-file.js';

const synced = Buffer.alloc(700, 1);
const unsynced = Buffer.alloc(3000, 2);

/** What a cut may leave of a file with two writes, of which the first was synced. */
function afterCut(seed: number, loss: PowerLoss | null): Buffer {
  const file = new SimulatedFile();
  file.change(0, synced, synced.length);
  file.settle(1);
  file.change(synced.length, unsynced, synced.length + unsynced.length);
  file.crash(new SeededRandom(seed), loss);
  return Buffer.from(file.bytes.subarray(0, file.size));
}

const seeds = Array.from({ length: 200 }, (_, i) => i + 1);

describe.each<PowerLoss | null>(['sectors', 'end', 'garbage', null])('a power cut that loses %s', (loss) => {
  it('keeps what was synced, and nothing beyond what was written', () => {
    const sizes = new Set<number>();
    for (const seed of seeds) {
      const left = afterCut(seed, loss);
      expect(left.subarray(0, synced.length)).toEqual(synced);
      expect(left.length).toBeLessThanOrEqual(synced.length + unsynced.length);
      sizes.add(left.length);
    }
    expect(sizes.size).toBeGreaterThan(1);
  });
});

it('of what was not synced zeros stand for sectors that did not arrive, or other bytes, or nothing does', () => {
  const seen = (loss: PowerLoss): Set<number> => new Set(seeds.flatMap((seed) => [...afterCut(seed, loss)]));
  expect([...seen('end')].sort()).toEqual([1, 2]);
  expect([...seen('sectors')].sort()).toEqual([0, 1, 2]);
  expect(seen('garbage').size).toBeGreaterThan(200);
});
