import { checksum, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { type BackupItem, readBackup } from './backup-reader.js';
import { BackupWriter } from './backup-writer.js';

const batchOf = (length: number, byte: number): Buffer => Buffer.alloc(length, byte);
const parts: Record<string, Buffer[]> = {
  s0: [batchOf(10, 1), batchOf(3 << 20, 2), batchOf(0, 0), batchOf(700_000, 3), batchOf(700_000, 4)],
  s1: [],
  s2: [Buffer.from('one')],
};
const small: Record<string, Buffer[]> = {
  s0: [batchOf(300, 1), Buffer.from('two')],
  s1: [Buffer.from('three')],
};

/** Long ones by their checksum: comparing them byte by byte takes seconds. */
const shown = (batch: Uint8Array): string => `${batch.length} ${checksum(batch, 0, batch.length, 0)}`;

async function written(parts: Record<string, Buffer[]>): Promise<Buffer> {
  const writer = new BackupWriter();
  const pieces = [writer.head({ of: 'a test', at: 7 })];
  for (const [name, batches] of Object.entries(parts)) {
    pieces.push(writer.part(name));
    for (const batch of batches) pieces.push(await writer.batch(batch));
    pieces.push(await writer.close(batches.length, 1e15 + 7));
  }
  return Buffer.concat([...pieces, writer.end()]);
}

async function* cut(file: Buffer, size: () => number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.length; ) {
    const end = at + size();
    yield file.subarray(at, end);
    at = end;
  }
}

async function read(file: Buffer, size: () => number = () => 1 << 16): Promise<BackupItem[]> {
  const items: BackupItem[] = [];
  for await (const item of readBackup(cut(file, size))) items.push(item);
  return items;
}

describe('a backup', () => {
  it('holds what was put into it, in pieces of any size, and takes less room', async () => {
    const file = await written(parts);
    expect(file.length).toBeLessThan(100_000);
    const random = new SeededRandom(1);
    for (const size of [() => 1, () => 1 + randomBelow(random, 999), () => file.length]) {
      const items = await read(file, size);
      expect(items.map((item) => (item.kind === 'batch' ? shown(item.batch) : item))).toEqual([
        { kind: 'head', fields: { of: 'a test', at: 7 } },
        ...Object.entries(parts).flatMap(([name, batches]) => [
          { kind: 'part', name },
          ...batches.map(shown),
          { kind: 'close', position: batches.length, version: 1e15 + 7 },
        ]),
      ]);
    }
  });

  it('has nothing of what was written behind a mark and taken back', async () => {
    const writer = new BackupWriter();
    const pieces = [writer.head({ of: 'a test', at: 7 })];
    for (const [name, batches] of Object.entries(parts)) {
      const mark = writer.mark();
      writer.part(name);
      await writer.batch(batchOf(5 << 20, 9));
      await writer.batch(Buffer.from('waits to be packed'));
      if (name === 's1') await writer.close(9, 9);
      writer.rewind(mark);
      pieces.push(writer.part(name));
      for (const batch of batches) pieces.push(await writer.batch(batch));
      pieces.push(await writer.close(batches.length, 1e15 + 7));
    }
    expect(Buffer.concat([...pieces, writer.end()])).toEqual(await written(parts));
  });

  it('is refused when any bit is another one', async () => {
    const file = await written(small);
    const random = new SeededRandom(2);
    for (let round = 0; round < 300; round++) {
      const damaged = Buffer.from(file);
      damaged[round < 100 ? round : randomBelow(random, file.length)] ^= 1 << randomBelow(random, 8);
      await expect(read(damaged)).rejects.toMatchObject({ code: /CORRUPT|INVALID/ });
    }
  });

  it('is refused when it is cut short anywhere, goes on after its end, or lacks a frame', async () => {
    const file = await written(small);
    for (const length of [0, 20, 60, 100, file.length - 17, file.length - 1])
      await expect(read(file.subarray(0, length))).rejects.toThrow(/cut short|no backup/);
    await expect(read(Buffer.concat([file, Buffer.from('x')]))).rejects.toThrow('after its end');
    const writer = new BackupWriter();
    const [head, part, data] = [writer.head({}), writer.part('p'), await writer.batch(batchOf(2 << 20, 1))];
    const close = await writer.close(1, 1);
    await expect(read(Buffer.concat([head, part, close, writer.end()]))).rejects.toThrow('checksum');
    expect(data.length).toBeGreaterThan(0);
  });
});
