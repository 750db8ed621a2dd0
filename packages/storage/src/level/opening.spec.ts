import { SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { SimulatedContent, SimulatedOrderedStore } from '../testing/simulated-ordered-store.js';
import { bytesOfText, StorageDriver } from '../testing/storage-driver.js';
import { metaKey } from './disk-keys.js';
import { LevelStorage } from './level-storage.js';

const open = (content: SimulatedContent): Promise<LevelStorage> =>
  LevelStorage.over(new SimulatedOrderedStore(content), new SimulatedEnv(1), 'the store');

/** A life of some batches. */
async function live(content: SimulatedContent, batches: number): Promise<void> {
  const storage = await open(content);
  const driver = new StorageDriver(storage);
  for (let i = 0; i < batches; i++) {
    driver.write((db) => {
      const key = bytesOfText(`key ${i}`);
      db.putString(db.find(key, 0, key.length), key, 0, key.length, key, 0, key.length, 0, 0);
    });
    driver.stage();
    driver.commit();
    await storage.flush();
  }
  await storage.close();
}

const copyOf = (content: SimulatedContent): SimulatedContent => {
  const copy = new SimulatedContent();
  for (const [key, value] of content.entries) copy.entries.set(key, value);
  return copy;
};

describe('a store', () => {
  it('opens with all of its batches, life after life', async () => {
    const content = new SimulatedContent();
    for (let life = 0; life < 3; life++) await live(content, 2);
    await expect(open(content)).resolves.toBeDefined();
  });

  it('is refused when a batch in the middle is gone', async () => {
    const content = new SimulatedContent();
    await live(content, 2);
    const before = copyOf(content);
    await live(content, 1);
    const lost = copyOf(content);
    await live(content, 1);
    // What LevelDB makes of a damaged record in its log: all batches but one.
    const damaged = copyOf(before);
    for (const [key, value] of content.entries)
      if (lost.entries.get(key) !== value) damaged.entries.set(key, value);
    for (const key of lost.entries.keys()) if (!content.entries.has(key)) damaged.entries.delete(key);
    await expect(open(damaged)).rejects.toMatchObject({ code: 'CORRUPT', message: /kvctl check/ });
  });

  it('of the format before is taken over, and leaves marks from then on', async () => {
    const content = new SimulatedContent();
    await live(content, 1);
    for (const key of [...content.entries.keys()]) if (key.startsWith('mbatch')) content.entries.delete(key);
    content.put(metaKey('format'), Buffer.from('holdfast level 2 7\n'));
    await live(content, 2);
    expect(content.get(metaKey('format'))!.toString()).toMatch(/^holdfast level 4 7 [\da-f]{8}\n$/);
    await expect(open(content)).resolves.toBeDefined();
  });

  it.each([
    ['holdfast level 5 7 00000000 and more\n', 'CORRUPT'],
    ['holdfast level 5 whatever\n', 'INVALID'],
    ['holdfast level 4 7 00000000\n', 'CORRUPT'],
    ['holdfast level 3 7 00000000\n', 'CORRUPT'],
    ['holdfast level 2 7x\n', 'CORRUPT'],
    ['something else\n', 'INVALID'],
  ])('with the format %j is refused as %s', async (format, code) => {
    const content = new SimulatedContent();
    await live(content, 1);
    content.put(metaKey('format'), Buffer.from(format));
    await expect(open(content)).rejects.toMatchObject({ code });
  });
});
