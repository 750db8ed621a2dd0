import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { beginColdLife, type LevelLife } from '../testing/level-life.js';

const random = new SeededRandom(1);

/** The keys of one sample. */
async function sample({ storage }: LevelLife): Promise<string[]> {
  for (let loading = storage.prepareSample(0); loading !== null; loading = storage.prepareSample(0))
    await loading;
  const { arena, dict } = storage.database(0);
  const names: string[] = [];
  storage.visitSample(0, random, (ref) => {
    const start = dict.keyStart(ref);
    names.push(arena.chunk(ref).toString('latin1', start, start + dict.keyLength(ref)));
  });
  // The turn is over: the next one is another one.
  await new Promise((resolve) => setImmediate(resolve));
  return names;
}

describe('keys chosen at random of those that are not in memory', () => {
  it('are few of many, and other ones each time', async () => {
    const life = await beginColdLife(({ driver }) => {
      for (let i = 0; i < 5000; i++) driver.set(`key ${i}`, 'x');
    });
    expect((await sample(life)).length).toBeGreaterThan(0);
    expect(life.storage.database(0).size).toBeLessThan(10);
    const seen = new Set<string>();
    for (let i = 0; i < 100; i++) for (const name of await sample(life)) seen.add(name);
    expect(seen.size).toBeGreaterThan(500);
  });

  it('are any of a slot, when all keys have one hash tag', async () => {
    const life = await beginColdLife(({ driver }) => {
      for (let i = 0; i < 1000; i++) driver.set(`{tag} ${i}`, 'x');
    });
    const seen = new Set<string>();
    for (let i = 0; i < 100; i++) for (const name of await sample(life)) seen.add(name);
    expect(seen.size).toBeGreaterThan(300);
  });

  it('have one among them that has not expired, if there is any', async () => {
    const life = await beginColdLife(({ driver, env }) => {
      for (let i = 0; i < 300; i++) driver.set(`key ${i}`, 'x', env.clock.now());
      driver.set('alive', 'x');
    });
    for (let i = 0; i < 10; i++) expect(await sample(life)).toContain('alive');
  });

  it('are none of a database that was flushed meanwhile', async () => {
    const life = await beginColdLife(({ driver }) => driver.set('key', 'x'));
    const preparing = life.storage.prepareSample(0);
    life.driver.flushDatabase(0);
    life.driver.settle();
    await preparing;
    expect(await sample(life)).toEqual([]);
  });
});
