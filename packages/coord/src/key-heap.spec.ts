import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { type FoundKey, KeyHeap } from './key-heap.js';

const unlimited = Number.POSITIVE_INFINITY;

function foundKey(key: Uint8Array | string): FoundKey {
  return { key: Buffer.from(key as string).toString('latin1'), type: 1, version: 1 };
}

function keysOf(heap: KeyHeap): string[] {
  return heap.drain().map(({ key }) => key);
}

describe('KeyHeap', () => {
  for (const isReverse of [false, true]) {
    it(`keeps the first keys of all${isReverse ? ', backwards' : ''}`, () => {
      const random = new SeededRandom(3);
      for (let round = 0; round < 300; round++) {
        const countMax = 1 + randomBelow(random, 20);
        const offered = new Map<string, FoundKey>();
        const heap = new KeyHeap(isReverse, countMax, unlimited);
        for (let i = randomBelow(random, 60); i > 0; i--) {
          const found = foundKey(random.fill(Buffer.alloc(randomBelow(random, 3))));
          const name = found.key;
          if (offered.has(name)) continue;
          offered.set(name, found);
          heap.offer(found);
        }
        const sorted = [...offered.keys()].sort();
        if (isReverse) sorted.reverse();
        expect(heap.hasDropped).toBe(sorted.length > countMax);
        expect(keysOf(heap)).toEqual(sorted.slice(0, countMax));
      }
    });
  }

  it('stays within its bytes, with one key at least', () => {
    const heap = new KeyHeap(false, unlimited, 10);
    for (const key of ['dddd', 'cccc', 'bbbb', 'aaaa']) heap.offer(foundKey(key));
    expect(heap.hasDropped).toBe(true);
    expect(keysOf(heap)).toEqual(['aaaa', 'bbbb']);
    const small = new KeyHeap(false, unlimited, 2);
    for (const key of ['bbbb', 'aaaa']) small.offer(foundKey(key));
    expect(keysOf(small)).toEqual(['aaaa']);
  });

  it('takes nothing behind a key that was dropped', () => {
    const heap = new KeyHeap(false, unlimited, 8);
    for (const key of ['aaa', 'bbb', 'ccc', 'd']) heap.offer(foundKey(key));
    expect(keysOf(heap)).toEqual(['aaa', 'bbb']);
  });
});
