import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';

import { bytesOfText } from '../testing/storage-driver.js';
import { PackedEntries } from './batch-thread.js';
import { PackedBatch } from './packed-batch.js';

/** What the thread reads, in its order: a value is null when the key is removed. */
function read(batch: PackedBatch, isSorted: boolean): [key: string, value: string | null][] {
  const entries = new PackedEntries(batch.memories, batch.entries, batch.count);
  if (isSorted) entries.sort();
  const seen: [string, string | null][] = [];
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  entries.visit({
    put: (key, value) => seen.push([text(key), text(value)]),
    del: (key) => seen.push([text(key), null]),
  });
  return seen;
}

function packed(operations: readonly (readonly [key: string, value: string | null])[]): PackedBatch {
  const batch = new PackedBatch([]);
  for (const [key, value] of operations) {
    if (value === null) batch.delete(bytesOfText(key));
    else batch.put(bytesOfText(key), bytesOfText(value));
  }
  return batch;
}

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

describe('PackedBatch', () => {
  it('is read as it was written, empty keys and values and those larger than a chunk included', () => {
    const operations: [string, string | null][] = [
      ['', ''],
      ['a', 'x'.repeat(3_000_000)],
      ['b', null],
      ['c'.repeat(1_500_000), null],
      ['d', '1'],
    ];
    expect(read(packed(operations), false)).toEqual(operations);
    expect(read(packed([['', '']]), false)).toEqual([['', '']]);
  });

  it('takes records of any length from where they lie, and nothing of what is behind them', () => {
    const memory = Buffer.from(new SharedArrayBuffer(4096)).fill('#');
    const words = new Int32Array(memory.buffer);
    const batch = new PackedBatch([]);
    const operations: [string, string | null][] = [];
    for (let length = 0; length < 40; length++) {
      const [key, value] = ['k'.repeat(length), 'v'.repeat((length * 7) % 40)];
      const at = 3 + length * 20;
      memory.write(key + value, at * 4);
      batch.putRecord(words, at, key.length, value.length);
      operations.push([key, value]);
    }
    expect(read(batch, false)).toEqual(operations);
  });

  for (const seed of [1, 2, 3]) {
    it(`is put in order, but for short runs of keys that begin alike (seed ${seed})`, () => {
      const random = new SeededRandom(seed);
      const prefixes = ['h\0key:00000000', 'h\0user:', 'e\0\0\0\0\0\0\x07', ''];
      const operations = new Map<string, string | null>();
      for (let i = 0; i < 20_000; i++) {
        const key = prefixes[random.uint32() % 4] + (random.uint32() % 1_000_000).toString(36);
        operations.set(key, random.uint32() % 5 === 0 ? null : String(i));
      }
      const entries = read(packed([...operations]), true);
      expect([...entries].sort(byKey)).toEqual([...operations].sort(byKey));
      // Out of its place an entry may be by less than a run of those that were not looked at further.
      const sorted = [...operations.keys()].sort();
      const isFar = ([key]: [string, unknown], i: number): boolean =>
        key <= (sorted[i - 32] ?? '') || (i + 32 < sorted.length && key >= sorted[i + 32]);
      expect(entries.filter(isFar)).toEqual([]);
    });
  }

  it('keys that each begin with the one before do not go too deep', () => {
    const operations = Array.from({ length: 3000 }, (_, i) => ['a'.repeat(i), ''] as const);
    expect(read(packed(operations), true)).toHaveLength(3000);
  });
});
