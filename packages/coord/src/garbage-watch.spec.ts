import { expect, it } from 'vitest';
import { GarbageWatch } from './garbage-watch.js';
import { collectGarbage, heapBytes } from './process-figures.js';

const MiB = 1024 * 1024;

/** A heap that grows by `growth` between looks, of which `kept` lives on. */
function watched(
  growth: number,
  kept: number,
): { look(): void; readonly bytes: number; readonly collections: number } {
  let bytes = 40 * MiB;
  let living = bytes;
  let collections = 0;
  const watch = new GarbageWatch(
    () => bytes,
    () => {
      bytes = living;
      collections++;
    },
  );
  return {
    look() {
      watch.look();
      bytes += growth;
      living += kept;
    },
    get bytes() {
      return bytes;
    },
    get collections() {
      return collections;
    },
  };
}

it('keeps garbage within its bound for as long as it is made', () => {
  const heap = watched(MiB, 0);
  for (let i = 0; i < 1000; i++) {
    heap.look();
    expect(heap.bytes).toBeLessThanOrEqual(50 * MiB);
  }
  expect(heap.collections).toBeGreaterThan(80);
});

it('collects ever more seldom while what lives grows', () => {
  const heap = watched(MiB, MiB);
  for (let i = 0; i < 1000; i++) heap.look();
  expect(heap.collections).toBeLessThan(30);
});

it('collects nothing while nothing grows', () => {
  const heap = watched(0, 0);
  for (let i = 0; i < 100; i++) heap.look();
  expect(heap.collections).toBe(0);
});

it('collects the garbage of this process', () => {
  let garbage: unknown = Array.from({ length: 200_000 }, (_, i) => ({ i }));
  const before = heapBytes();
  garbage = null;
  collectGarbage();
  expect(garbage).toBeNull();
  expect(before - heapBytes()).toBeGreaterThan(4 * MiB);
});
