import { hashSlotOf } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { allNames, namesIn, namesWith } from '../testing/conformance/naming.js';
import { beginColdLife, beginLevelLife, type LevelLife } from '../testing/level-life.js';
import { RandomWrites } from '../testing/random-writes.js';
import { SimulatedContent } from '../testing/simulated-ordered-store.js';
import { bytesOfText } from '../testing/storage-driver.js';

const databases = 3;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** As the log says that it is. */
async function namesOfLog(log: readonly Uint8Array[], database: number): Promise<string[]> {
  const { storage } = await beginLevelLife(new SimulatedContent(), log as Buffer[]);
  return namesIn(storage, database, allNames);
}

/** For names, again and again: others write meanwhile, and what leaves memory leaves. */
async function ask({ storage, driver }: LevelLife, random: SeededRandom): Promise<void> {
  for (let round = 0; round < 25; round++) {
    const database = random.uint32() % databases;
    const prepare = (): Promise<void> | null => storage.prepareNames(database, allNames);
    for (let loading = prepare(); loading !== null; loading = prepare()) await loading;
    if (random.uint32() % 2 === 0) {
      // Something else has to be waited for.
      for (let i = random.uint32() % 5; i >= 0; i--) await nextTurn();
      if (prepare() !== null) continue;
    }
    driver.settle();
    const names = namesIn(storage, database, allNames);
    expect(names, `round ${round}`).toEqual(await namesOfLog([...driver.log], database));
  }
}

describe('names of keys that are not in memory', () => {
  it('are those that the log says, whatever is written, loaded and let go while they are gathered', async () => {
    for (let seed = 1; seed <= 3; seed++) {
      const random = new SeededRandom(seed);
      const life = await beginLevelLife(new SimulatedContent(), [], 1);
      const { storage, driver } = life;
      const writes = new RandomWrites(driver, random, {
        keys: 40,
        databases,
        wholesale: true,
        partial: true,
      });
      const asking = ask(life, random);
      let isOver = false;
      const end = (): void => {
        isOver = true;
      };
      asking.then(end, end);
      while (!isOver) {
        for (let i = random.uint32() % 4; i >= 0; i--) await writes.next();
        driver.settle();
        if (random.uint32() % 3 === 0) await storage.flush();
        driver.letGo();
        await nextTurn();
      }
      await asking;
    }
  });

  it('are found without loading anything', async () => {
    const { storage } = await beginColdLife(({ driver }) => {
      for (let i = 0; i < 3000; i++) driver.set(`key ${i}`, 'x'.repeat(100));
      for (let i = 0; i < 10; i++) driver.set(`other ${i}`, 'x', 4e12);
    });
    await storage.prepareNames(0, namesWith('other'));
    expect(namesIn(storage, 0, namesWith('other'))).toEqual(
      Array.from({ length: 10 }, (_, i) => `other ${i} 4000000000000`),
    );
    await storage.prepareNames(0, allNames);
    expect(namesIn(storage, 0, allNames).length).toBe(3010);
    expect(storage.database(0).size).toBe(0);
  });

  it('are read of one slot alone, when all are in one', async () => {
    const { storage, store } = await beginColdLife(({ driver }) => {
      for (let i = 0; i < 2000; i++) driver.set(`key ${i}`, 'x');
      for (let i = 0; i < 10; i++) driver.set(`{tag} ${i}`, 'x');
    });
    const slot = hashSlotOf(bytesOfText('{tag}'), 0, 5);
    let looks = 0;
    const range = store.range.bind(store);
    store.range = (from, to) => {
      const entries = range(from, to);
      const next = entries.next.bind(entries);
      entries.next = async (count) => {
        const found = await next(count);
        looks += found.length;
        return found;
      };
      return entries;
    };
    await storage.prepareNames(0, { ...namesWith('{tag}'), slot });
    expect(storage.coldNames(0, { ...namesWith('{tag}'), slot }).count).toBe(10);
    expect(looks).toBeLessThan(20);
  });

  it('are those of the keys that swapped databases have', async () => {
    const { storage, driver } = await beginColdLife(({ driver }) => {
      driver.set('a', 'x', 0, 1);
      driver.set('b', 'x', 0, 2);
    });
    for (const database of [1, 2]) await storage.prepareNames(database, allNames);
    driver.swap(1, 2);
    expect([1, 2].map((database) => namesIn(storage, database, allNames))).toEqual([['b 0'], ['a 0']]);
    driver.settle();
  });

  it('are gathered anew by the next command', async () => {
    const { storage } = await beginColdLife(({ driver }) => driver.set('key', 'x'));
    await storage.prepareNames(0, allNames);
    expect(storage.coldNames(0, allNames).count).toBe(1);
    await nextTurn();
    expect(() => storage.coldNames(0, allNames)).toThrow('were not prepared');
  });

  it('that nobody came back for are forgotten, and with them what was removed meanwhile', async () => {
    const { storage, env } = await beginColdLife(({ driver }) => driver.set('key', 'x'));
    await storage.prepareNames(0, allNames);
    expect(storage.prepareNames(0, allNames)).toBeNull();
    env.advance(9000);
    expect(storage.prepareNames(0, allNames)).toBeNull();
    env.advance(11_000);
    expect(storage.prepareNames(0, allNames)).not.toBeNull();
  });

  it('are not gathered where a record is damaged, which is said', async () => {
    const content = new SimulatedContent();
    const first = await beginLevelLife(content);
    first.driver.set('key', 'x');
    first.driver.settle();
    await first.storage.flush();
    for (const [name, value] of content.entries) if (name.startsWith('d')) value[value.length - 1] ^= 1;
    const { storage } = await beginLevelLife(content, first.driver.log);
    await expect(storage.prepareNames(0, allNames)).rejects.toMatchObject({ code: 'CORRUPT' });
  });
});
