import { expect, it } from 'vitest';
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
