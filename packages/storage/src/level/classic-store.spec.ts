import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '@holdfast/common';
import { afterAll, describe, expect, it } from 'vitest';
import { bytesOfText, StorageDriver } from '../testing/storage-driver.js';
import { ClassicStore } from './classic-store.js';
import { LevelStorage } from './level-storage.js';

const parent = mkdtempSync(join(tmpdir(), 'holdfast-classic-'));
afterAll(() => rmSync(parent, { recursive: true }));
let count = 0;
const newDirectory = () => join(parent, String(++count));

async function put(store: ClassicStore, key: string, value: string): Promise<void> {
  const batch = store.batch();
  batch.put(bytesOfText(key), bytesOfText(value));
  await batch.write();
}

describe('ClassicStore', () => {
  it('may be opened anew while others wait to read', async () => {
    const store = await ClassicStore.open(newDirectory(), systemEnv());
    await put(store, 'a', '1');
    const reopening = store.reopen();
    const reading = store.getMany([bytesOfText('a'), bytesOfText('b')]);
    await reopening;
    expect((await reading).map((value) => value && Buffer.from(value).toString())).toEqual(['1', undefined]);
    await put(store, 'b', '2');
    await store.close();
  });

  it('a batch may be discarded, and its bytes may be used again while it is being filled', async () => {
    const store = await ClassicStore.open(newDirectory(), systemEnv());
    const discarded = store.batch();
    discarded.put(bytesOfText('a'), bytesOfText('1'));
    await discarded.discard();
    const key = bytesOfText('k1');
    const batch = store.batch();
    batch.put(key, key);
    key[1] = 50;
    batch.put(key, key);
    await batch.write();
    const range = store.range(bytesOfText('a'), bytesOfText('z'));
    const entries = await range.next(10);
    await range.close();
    expect(entries.map(([name]) => Buffer.from(name).toString())).toEqual(['k1', 'k2']);
    await store.close();
  });

  it('is LOCKED while another part of the process has it, and CLOSED after close', async () => {
    const directory = newDirectory();
    const store = await ClassicStore.open(directory, systemEnv());
    await expect(ClassicStore.open(directory, systemEnv())).rejects.toMatchObject({ code: 'LOCKED' });
    await store.close();
    await expect(store.getMany([bytesOfText('a')])).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(put(store, 'a', '1')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('a batch waits while the store is opened anew', async () => {
    const store = await ClassicStore.open(newDirectory(), systemEnv());
    const reopening = store.reopen();
    await put(store, 'a', '1');
    await reopening;
    expect((await store.getMany([bytesOfText('a')]))[0]).toEqual(Buffer.from('1'));
    await store.close();
  });

  it('says when the directory can not be used', async () => {
    const file = newDirectory();
    writeFileSync(file, 'not a directory');
    await expect(ClassicStore.open(file, systemEnv())).rejects.toMatchObject({ code: 'DISK' });
  });
});

describe('LevelStorage over LevelDB', () => {
  it('refuses the database of another program and lets it go', async () => {
    const directory = newDirectory();
    const store = await ClassicStore.open(directory, systemEnv());
    await put(store, 'theirs', 'x');
    await store.close();
    await expect(LevelStorage.open({ directory, env: systemEnv() })).rejects.toMatchObject({
      code: 'INVALID',
    });
    const again = await ClassicStore.open(directory, systemEnv());
    expect((await again.getMany([bytesOfText('theirs')]))[0]).toBeDefined();
    await again.close();
  });

  it('a table with a wrong byte is CORRUPT, not other data', async () => {
    const directory = newDirectory();
    const storage = await LevelStorage.open({ directory, env: systemEnv() });
    const driver = new StorageDriver(storage);
    for (let i = 0; i < 200; i++) driver.set(`key ${i}`, (Math.imul(i, 0x9e3779b1) >>> 0).toString(36));
    driver.settle();
    await storage.close();
    // Opening moves what is in LevelDB's log to a table.
    await (await LevelStorage.open({ directory, env: systemEnv() })).close();
    const table = readdirSync(directory).find((name) => name.endsWith('.ldb')) as string;
    const bytes = readFileSync(join(directory, table));
    const at = bytes.indexOf((Math.imul(150, 0x9e3779b1) >>> 0).toString(36));
    expect(at).toBeGreaterThan(0);
    bytes[at + 2] ^= 1;
    writeFileSync(join(directory, table), bytes);
    const damaged = await LevelStorage.open({ directory, env: systemEnv() });
    const loading = damaged.load([{ database: 0, key: bytesOfText('key 150') }]);
    await expect(loading).rejects.toMatchObject({ code: 'CORRUPT' });
    await damaged.close();
  });
});
