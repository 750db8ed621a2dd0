/** What reads are to promise, as the calls of a store say. */
import { systemEnv } from '@holdfast/common';
import { openLocalStack, type ReadMode } from '@holdfast/coord';
import { observeReadModes } from '@holdfast/coord/testing';
import { GrpcExporter } from '@holdfast/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConnectOptions, connect, type Freshness, type KeyValueStore, open } from './index.js';

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A store, and how what it asked was to be read. */
async function observed(
  options: Partial<ConnectOptions> = {},
): Promise<{ store: KeyValueStore; modes: ReadMode[] }> {
  const env = systemEnv();
  const stack = await openLocalStack({ env, storage: 'memory', log: 'none', fsync: 'no' });
  const { config, coordinator } = stack;
  const modes = observeReadModes(coordinator);
  const exporter = new GrpcExporter({ coordinator, env, config });
  const port = await exporter.listen(0, '127.0.0.1');
  const store = connect({ address: `127.0.0.1:${port}`, ...options });
  closing.push(async () => {
    await store.close();
    await exporter.close();
    await stack.close();
  });
  return { store, modes };
}

const all: readonly Freshness[] = ['linearizable', 'lease', 'stale'];

describe('freshness', () => {
  it('is what each call says, and what the server begins with otherwise', async () => {
    const { modes, store } = await observed();
    for (const freshness of all) await store.get('k', { freshness });
    await store.get('k');
    expect(modes.splice(0)).toEqual([...all, 'linearizable']);
    for (const freshness of all) await store.execute(['GET', 'k'], { freshness });
    await store.execute(['GET', 'k']);
    expect(modes.splice(0)).toEqual([...all, 'linearizable']);
    for (const freshness of all) await store.getMany(['k'], { freshness });
    expect(new Set(modes.splice(0))).toEqual(new Set(all));
    for (const freshness of all) await store.transact([['GET', 'k']], { freshness });
    expect(new Set(modes.splice(0))).toEqual(new Set(all));
  });

  it('is what the store was connected with, unless a call says otherwise', async () => {
    const { modes, store } = await observed({ freshness: 'stale' });
    await store.get('k');
    await store.get('k', { freshness: 'linearizable' });
    await store.execute(['GET', 'k']);
    expect(modes).toEqual(['stale', 'linearizable', 'stale']);
  });

  it('that is none is refused before anything is sent', async () => {
    const { modes, store } = await observed();
    const options = { freshness: 'fresh' as Freshness };
    const calls = [
      () => store.get('k', options),
      () => store.getMany(['k'], options),
      () => store.execute(['GET', 'k'], options),
      () => store.transact([['GET', 'k']], options),
      () => store.scan(options)[Symbol.asyncIterator]().next(),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'INVALID' });
    expect(modes).toEqual([]);
    expect(() => connect({ address: 'localhost:1', ...options })).toThrow('freshness must be linearizable');
  });

  it('is of no matter where there is one server alone: in this process', async () => {
    const store = await open();
    closing.push(() => store.close());
    await store.put('k', 'v');
    for (const freshness of all) {
      expect((await store.get('k', { freshness }))?.value.toString()).toBe('v');
      expect(await store.getMany(['k'], { freshness })).toHaveLength(1);
    }
  });
});
