import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '@holdfast/common';
import { afterAll, describe, expect, it } from 'vitest';
import { bytesOfText, StorageDriver } from '../testing/storage-driver.js';
import { DeadRoom } from './dead-room.js';
import { readUint64 } from './disk-keys.js';
import { LevelStorage } from './level-storage.js';
import type { KeyRange, OrderedStore } from './ordered-store.js';

const mebibyte = 1024 * 1024;
const parent = mkdtempSync(join(tmpdir(), 'holdfast-dead-'));
afterAll(() => rmSync(parent, { recursive: true }));

const takenBy = (directory: string): number =>
  readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);

describe('on the disk', () => {
  it('large strings that were written again and again, or flushed, took the room of all that they ever were', async () => {
    const directory = join(parent, 'level');
    const storage = await LevelStorage.open({ directory, env: systemEnv() });
    const driver = new StorageDriver(storage);
    const value = randomBytes(10 * mebibyte).toString('latin1');
    const written = async (): Promise<void> => {
      driver.settle();
      await storage.flush();
      await storage.swept();
    };
    for (let i = 0; i < 14; i++) {
      driver.set('k', value);
      await written();
    }
    expect(takenBy(directory)).toBeLessThan(90 * mebibyte);
    for (let i = 0; i < 7; i++) {
      driver.set(`other ${i}`, value);
      await written();
    }
    driver.flushDatabase();
    driver.set('k', value);
    await written();
    expect(takenBy(directory)).toBeLessThan(30 * mebibyte);
    await storage.close();
    const later = await LevelStorage.open({ directory, env: systemEnv() });
    await later.load([{ database: 0, key: bytesOfText('k') }]);
    expect(new StorageDriver(later).get('k') === value).toBe(true);
    await later.close();
  }, 60_000);
});

describe('DeadRoom', () => {
  /** Each incarnation takes a MiB, whether it is dead or not. */
  function begin(): { room: DeadRoom; compacted: [number, number][] } {
    const compacted: [number, number][] = [];
    const numbers = ({ from, to }: KeyRange): [number, number] => [readUint64(from, 1), readUint64(to, 1)];
    const store = {
      takenBy: async (range: KeyRange) => {
        const [from, to] = numbers(range);
        return (to - from) * mebibyte;
      },
      compact: async (range: KeyRange) => void compacted.push(numbers(range)),
    } as unknown as OrderedStore;
    return { room: new DeadRoom(store), compacted };
  }
  const few = (from: number, to: number, step = 1): number[] =>
    Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);
  const open = (): boolean => false;

  it('takes nothing back while it is little, and then all of it', async () => {
    const { room, compacted } = begin();
    await room.add(few(100, 150));
    await room.reclaim(open);
    expect(compacted).toEqual([]);
    await room.add(few(150, 164).reverse());
    await room.reclaim(open);
    expect(compacted).toEqual([[100, 164]]);
    await room.reclaim(open);
    expect(compacted).toHaveLength(1);
  });

  it('leaves what is dead among much that lives, until there is as much of it', async () => {
    const { room, compacted } = begin();
    await room.add(few(0, 300, 3));
    await room.reclaim(open);
    expect(compacted).toEqual([]);
    await room.add(few(1, 300, 3));
    await room.reclaim(open);
    expect(compacted).toEqual([
      [0, 74],
      [74, 149],
      [149, 224],
      [224, 299],
    ]);
  });

  it('goes no further once the store is to be closed', async () => {
    const { room, compacted } = begin();
    await room.add(few(0, 1000));
    await room.reclaim(() => compacted.length > 0);
    expect(compacted).toHaveLength(1);
  });
});
