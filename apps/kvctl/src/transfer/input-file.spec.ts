import type { Disk, DiskFile } from '@holdfast/log';
import { expect, it } from 'vitest';
import { InputFile } from './input-file.js';

/** A file of so many bytes, each of which says where it is; counts how often it is read. */
function diskWith(size: number): { disk: Disk; reads: () => number } {
  let count = 0;
  const file = {
    size: () => size,
    read: async (target: Uint8Array, at: number) => {
      count++;
      for (let i = 0; i < target.length; i += 4096) target[i] = ((at + i) / 4096) & 0xff;
      return target.length;
    },
    close: async () => {},
  };
  return { disk: { open: () => file as unknown as DiskFile } as unknown as Disk, reads: () => count };
}

it('reads a long value in few pieces: all that was read of it was copied again with each megabyte', async () => {
  const size = 64 << 20;
  const { disk, reads } = diskWith(size);
  const input = new InputFile(disk, 'dump');
  while (await input.more());
  expect([input.bytes.length, reads()]).toEqual([size, 7]);
  expect([0, 1, 5000, 16383].map((i) => input.bytes[i * 4096])).toEqual([0, 1, 5000 & 0xff, 16383 & 0xff]);
});

it('reads small pieces of a long file, none of which is kept', async () => {
  const { disk, reads } = diskWith(8 << 20);
  const input = new InputFile(disk, 'dump');
  for (let i = 0; i < 8; i++) {
    await input.more();
    expect(input.bytes.length).toBe(1 << 20);
    input.pass(1 << 20);
  }
  expect([await input.more(), input.offset, reads()]).toEqual([false, 8 << 20, 8]);
});
