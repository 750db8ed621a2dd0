import { describe, expect, it } from 'vitest';
import { open } from './index.js';
import { storeConformance } from './testing/index.js';

describe('an embedded store', () => {
  for (const { name, run } of storeConformance) {
    it(name, async () => {
      const store = await open();
      await run(store);
      await store.close();
    });
  }

  it('is one of its own each time it is opened', async () => {
    const [a, b] = [await open(), await open()];
    await a.put('k', 'v');
    expect(await b.get('k')).toBeNull();
    await Promise.all([a.close(), b.close()]);
  });

  it('uses the database and the parameters it was opened with', async () => {
    const store = await open({ database: 3, parameters: new Map([['requirepass', 'secret']]) });
    await store.put('k', 'v');
    expect(await store.execute(['CONFIG', 'GET', 'requirepass'], { encoding: 'utf8' })).toEqual(
      new Map([['requirepass', 'secret']]),
    );
    await store.close();
    for (const database of [16, 1.5, -1]) {
      await expect(open({ database })).rejects.toMatchObject({ code: 'INVALID' });
    }
  });

  it('ends the removal of a range when its time is over', async () => {
    const store = await open();
    for (let i = 0; i < 50; i++) {
      await Promise.all(Array.from({ length: 1000 }, (_, j) => store.put(`${i}:${j}`, 'v')));
    }
    const removal = store.deleteRange({ prefix: '' }, { timeoutMs: 1 });
    await expect(removal).rejects.toMatchObject({ code: 'UNDETERMINED' });
    expect(await store.execute(['DBSIZE'])).toBeGreaterThan(0);
    await store.close();
  });
});
