import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { snapshotPieceBytesMax } from './limits.js';
import { decodeSnapshot, encodeSnapshot } from './snapshot-frames.js';

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

async function framesOf(batches: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for await (const frame of encodeSnapshot({ from: 7, batches: each(batches), to: () => 12 })) {
    frames.push(frame);
  }
  return frames;
}

async function restore(frames: readonly Uint8Array[]) {
  const { batches, from, to } = await decodeSnapshot(each(frames));
  const restored: Uint8Array[] = [];
  for await (const batch of batches) restored.push(batch);
  return { from, to: to(), restored };
}

const batches = [Buffer.from('first'), Buffer.alloc(0), Buffer.alloc(2.5 * snapshotPieceBytesMax, 'x')];

describe('a snapshot in frames', () => {
  it('arrives as it was sent, larger batches in pieces that any wire takes', async () => {
    const frames = await framesOf(batches);
    expect(Math.max(...frames.map(({ length }) => length))).toBeLessThan(snapshotPieceBytesMax + 100);
    const { from, restored, to } = await restore(frames);
    expect([from, to, restored.length]).toEqual([7, 12, batches.length]);
    for (const [i, batch] of restored.entries()) expect(Buffer.compare(batch, batches[i])).toBe(0);
  });

  it('arrives whole however the way cuts it', async () => {
    const whole = Buffer.concat(await framesOf(batches));
    for (const size of [1000, 65_536, whole.length]) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < whole.length; at += size) chunks.push(whole.subarray(at, at + size));
      expect((await restore(chunks)).restored.map(({ length }) => length)).toEqual([5, 0, batches[2].length]);
    }
  });

  it('says where it ends only when it was read to its end', async () => {
    const { to } = await decodeSnapshot(each(await framesOf(batches)));
    expect(to).toThrow('not read to its end');
  });

  it('is refused with any bit of it flipped', async () => {
    const random = new SeededRandom(1);
    const whole = await framesOf([Buffer.from('first'), Buffer.from('second')]);
    for (let frame = 0; frame < whole.length; frame++) {
      for (let at = 0; at < whole[frame].length; at++) {
        const damaged = whole.map((each) => Uint8Array.from(each));
        damaged[frame][at] ^= 1 << randomBelow(random, 8);
        await expect(restore(damaged), `frame ${frame}, byte ${at}`).rejects.toMatchObject({
          code: 'CORRUPT',
        });
      }
    }
  });

  it('is refused with a frame missing, doubled, in another place, or cut off', async () => {
    const whole = await framesOf([Buffer.from('first'), Buffer.from('second'), Buffer.from('third')]);
    const broken: Uint8Array[][] = [[]];
    for (let i = 0; i < whole.length; i++) {
      broken.push(whole.toSpliced(i, 1), whole.toSpliced(i, 0, whole[i]), whole.slice(0, i));
      broken.push(whole.with(i, whole[i].subarray(0, -1)));
      if (i > 0) broken.push(whole.with(i, whole[i - 1]).with(i - 1, whole[i]));
    }
    for (const [i, frames] of broken.entries()) {
      await expect(restore(frames), `case ${i}`).rejects.toMatchObject({ code: 'CORRUPT' });
    }
  });
});
