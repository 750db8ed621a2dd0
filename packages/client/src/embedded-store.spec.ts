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
});
