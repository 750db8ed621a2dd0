import { expect, it, vi } from 'vitest';
import { beginColdLife } from '../testing/level-life.js';
import { bytesOfText } from '../testing/storage-driver.js';

const fieldCount = 200;

it('large collections that expired on the disk come without their elements', async () => {
  const { storage, driver } = await beginColdLife(({ driver }) => {
    for (let i = 0; i < 20; i++) {
      driver.change('hash', `hash ${i}`, (hash) => {
        for (let j = 0; j < fieldCount; j++) {
          const field = bytesOfText(`field ${j}`);
          hash.set(field, 0, field.length, field, 0, field.length);
        }
      });
      driver.expire(`hash ${i}`, 1000);
    }
  });
  await storage.prepareExpired(1000);
  const db = storage.database(0);
  const sizes: number[] = [];
  db.dict.forEach((ref) => {
    sizes.push(db.collection(ref).size);
  });
  expect(sizes).toEqual(Array(20).fill(0));
  for (let ref = db.expiries.next(1000); ref > 0; ref = db.expiries.next(1000))
    driver.write(() => db.remove(ref));
  driver.settle();
  await storage.flush();
  expect(storage.keyCount(0)).toBe(0);
  expect(storage.prepareExpired(1000)).toBeNull();
});

it('what expired is not read again and again while its removals wait to be written', async () => {
  const count = 3000;
  const { storage, driver, store } = await beginColdLife(({ driver }) => {
    for (let i = 0; i < count; i++) driver.set(`key ${i}`, 'value', 1000 + i);
  });
  let read = 0;
  const { range } = store;
  vi.spyOn(store, 'range').mockImplementation((from, to) => {
    const found = range.call(store, from, to);
    return {
      next: async (some) => {
        const entries = await found.next(some);
        read += entries.length;
        return entries;
      },
      close: () => found.close(),
    };
  });
  const db = storage.database(0);
  for (let left = count; left > 0; ) {
    await storage.prepareExpired(9000);
    expect(db.size, `${left} are left`).toBeGreaterThan(0);
    for (let ref = db.expiries.next(9000); ref > 0; ref = db.expiries.next(9000), left--)
      driver.write(() => db.remove(ref));
    driver.settle();
  }
  expect(read).toBeLessThan(3 * count);
});

it('a key that had expired, was there and has left memory since is found', async () => {
  const { storage, driver } = await beginColdLife(({ driver }) => {
    for (let i = 0; i < 10; i++) driver.set(`key ${i}`, 'value', 1000);
  });
  await storage.prepareExpired(2000);
  expect(storage.database(0).size).toBe(10);
  storage.cacheBytes = 1;
  for (let round = 0; round < 10; round++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    driver.letGo();
  }
  expect(storage.database(0).size).toBe(0);
  await storage.prepareExpired(2000);
  expect(storage.database(0).size).toBe(10);
});

it('large strings that expired on the disk came all at once, more than memory has', async () => {
  const mebibyte = 1024 * 1024;
  const count = 40;
  const { storage, driver } = await beginColdLife(({ driver }) => {
    for (let i = 0; i < count; i++)
      driver.set(`key ${i}`, 'x'.repeat(i % 2 === 0 ? mebibyte : mebibyte / 4), 1000 + i);
  });
  const db = storage.database(0);
  for (let left = count; left > 0; ) {
    await storage.prepareExpired(9000);
    expect(db.size, `${left} are left`).toBeGreaterThan(0);
    expect(storage.usedBytes - storage.pendingBytes).toBeLessThan(8 * mebibyte);
    for (let ref = db.expiries.next(9000); ref > 0; ref = db.expiries.next(9000), left--)
      driver.write(() => db.remove(ref));
    driver.settle();
  }
  await storage.flush();
  expect(storage.keyCount(0)).toBe(0);
  await storage.prepareExpired(9000);
  expect(storage.prepareExpired(9000)).toBeNull();
});
