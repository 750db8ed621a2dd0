import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { Arena, blockBytesMax, sizeClassMax, sizeClassOf, unitsOfClass } from './arena.js';

describe('size classes', () => {
  it('are the smallest that hold so many units, and waste at most an eighth', () => {
    for (let units = 1; units <= blockBytesMax / 8; units++) {
      const sizeClass = sizeClassOf(units);
      const room = unitsOfClass(sizeClass);
      const isSmallest = sizeClass === 1 || unitsOfClass(sizeClass - 1) < units;
      if (room < units || !isSmallest || room - units > units / 8) expect.fail(`${units} units: ${room}`);
    }
    expect(unitsOfClass(sizeClassMax)).toBe(blockBytesMax / 8);
    expect(sizeClassMax).toBeLessThan(256);
  });
});

describe('Arena', () => {
  it('hands out blocks that do not overlap, and takes them back, over several chunks', () => {
    const seed = 20_240_101;
    const random = new SeededRandom(seed);
    const arena = new Arena();
    const blocks: { ref: number; sizeClass: number; mark: number }[] = [];
    let used = 0;
    const check = ({ ref, sizeClass, mark }: (typeof blocks)[number]): void => {
      const words = arena.wordsOf(ref);
      const first = arena.offset(ref) >>> 2;
      const last = first + unitsOfClass(sizeClass) * 2 - 1;
      if (words[first] !== mark || words[last] !== ~mark)
        expect.fail(`seed ${seed}: a block was overwritten`);
    };
    for (let step = 0; step < 20_000; step++) {
      if (blocks.length > 0 && random.uint32() % 5 < 2) {
        const [block] = blocks.splice(random.uint32() % blocks.length, 1);
        check(block);
        arena.free(block.ref, block.sizeClass);
        used -= unitsOfClass(block.sizeClass) * 8;
      } else {
        const large = random.uint32() % 8 === 0;
        const sizeClass = 1 + (random.uint32() % (large ? sizeClassMax : 80));
        const ref = arena.allocate(sizeClass);
        const first = arena.offset(ref) >>> 2;
        arena.wordsOf(ref)[first] = step;
        arena.wordsOf(ref)[first + unitsOfClass(sizeClass) * 2 - 1] = ~step;
        blocks.push({ ref, sizeClass, mark: step });
        used += unitsOfClass(sizeClass) * 8;
      }
      if (arena.usedBytes !== used) expect.fail(`seed ${seed}: ${arena.usedBytes} bytes used, not ${used}`);
    }
    blocks.forEach(check);
    expect(arena.bytes.length).toBeGreaterThan(1);
  });

  it('gives the rest of a full chunk to the free lists', () => {
    const arena = new Arena();
    arena.allocate(1);
    for (let i = 0; i < 31; i++) arena.allocate(sizeClassMax);
    expect(arena.bytes.length).toBe(1);
    // The next block of 2 MiB does not fit: what is left of chunk 0 serves smaller ones.
    arena.allocate(sizeClassMax);
    expect(arena.bytes.length).toBe(2);
    const before = arena.usedBytes;
    let inFirst = 0;
    for (let i = 0; i < 40; i++) {
      const ref = arena.allocate(sizeClassMax - 1 - (i % 8));
      if (arena.chunk(ref) === arena.bytes[0]) inFirst++;
    }
    expect(inFirst).toBeGreaterThan(0);
    expect(arena.usedBytes).toBeGreaterThan(before);
  });

  it('numbers attached objects, and uses a number again only after it was detached', () => {
    const arena = new Arena();
    const [a, b, c] = [{}, {}, {}];
    const first = arena.attach(a);
    const second = arena.attach(b);
    expect(arena.object(first)).toBe(a);
    arena.detach(first);
    expect(arena.attach(c)).toBe(first);
    expect(arena.object(first)).toBe(c);
    expect(arena.object(second)).toBe(b);
  });
});
