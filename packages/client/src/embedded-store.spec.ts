import { spawn } from 'node:child_process';
import { once } from 'node:events';
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

  it('answers more calls of a turn than there may be clients, which were refused', async () => {
    const store = await open({ parameters: new Map([['maxclients', '50']]) });
    const keys = Array.from({ length: 500 }, (_, i) => `k${i}`);
    await Promise.all(keys.map((key) => store.put(key, key)));
    const found = await Promise.all(keys.map((key) => store.get(key)));
    expect(found.map((each) => each?.value.toString())).toEqual(keys);
    const replies = await Promise.all(keys.map((key) => store.execute(['GET', key], { encoding: 'utf8' })));
    expect(replies).toEqual(keys);
    await store.close();
  });

  it('is let go when it was closed: stores that were opened and closed in a loop filled the memory', async () => {
    for (let i = 0; i < 20; i++) {
      const store = await open();
      await store.put('k', 'v');
      await store.close();
    }
    // Each that waits for the end of the turn would hold a store.
    const waiting = process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate');
    expect(waiting.length).toBeLessThan(10);
  });

  it('is closed once for all who close it', async () => {
    const store = await open();
    await store.put('k', 'v');
    const order: string[] = [];
    const closings = [1, 2].map((n) => store.close().then(() => order.push(`closed ${n}`)));
    await expect(store.get('k')).rejects.toMatchObject({ code: 'CLOSED' });
    order.push('refused');
    await Promise.all(closings);
    expect(order).toEqual(['refused', 'closed 1', 'closed 2']);
  });

  it('answers what it was asked before it was closed, and ends what waits', async () => {
    const store = await open();
    const asked = [store.put('k', 'v'), store.execute(['INCR', 'k']), store.execute(['BLPOP', 'list', '0'])];
    const closing = store.close();
    const answers = await Promise.allSettled(asked);
    expect(answers[0]).toMatchObject({ status: 'fulfilled' });
    expect(answers[1]).toMatchObject({ reason: { code: 'COMMAND' } });
    expect(answers[2]).toMatchObject({ reason: { code: 'CLOSED' } });
    await closing;
  });

  it('is closed by SHUTDOWN, which was never answered', async () => {
    const store = await open();
    const shutdown = store.execute(['SHUTDOWN', 'NOSAVE']);
    await expect(shutdown).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(store.get('k')).rejects.toMatchObject({ code: 'CLOSED' });
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

  it('lets a process end that left a scan in the middle, once no call waits: it was held for ever', async () => {
    const script = `
      import { open } from '@holdfast/client/embedded';
      const store = await open();
      await store.put('k', 'v');
      await store.scan()[Symbol.asyncIterator]().next();
      await store.execute(['BLPOP', 'list', '0'], { timeoutMs: 50 }).catch(({ code }) => console.log(code));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
      timeout: 10_000,
    });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes;
    });
    const [code] = await once(child, 'exit');
    expect([code, output]).toEqual([0, 'UNDETERMINED\n']);
  }, 20_000);
});
