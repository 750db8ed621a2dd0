import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
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
    const range = store.range(bytesOfText('a'), bytesOfText('z'));
    await reopening;
    expect((await range.next(10)).length).toBe(1);
    await range.close();
    expect((await reading).map((value) => value && Buffer.from(value).toString())).toEqual(['1', undefined]);
    await put(store, 'b', '2');
    await store.close();
  });

  it('a range ended where the store was opened anew: a large string could not be loaded then', async () => {
    const store = await ClassicStore.open(newDirectory(), systemEnv());
    const names = Array.from({ length: 50 }, (_, i) => `k${i + 10}`);
    const batch = store.batch();
    for (const name of names) batch.put(bytesOfText(name), Buffer.alloc(50_000, name));
    await batch.write();
    const range = store.range(bytesOfText('k'), bytesOfText('l'));
    const found: string[] = [];
    for (;;) {
      const entries = await range.next(10);
      if (entries.length === 0) break;
      found.push(...entries.map(([key]) => Buffer.from(key).toString()));
      await store.reopen();
    }
    expect(found).toEqual(names);
    await range.close();
    const other = store.range(bytesOfText('k'), bytesOfText('l'));
    await store.close();
    await expect(other.next(10)).rejects.toMatchObject({ code: 'CLOSED' });
    await other.close();
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

  it('hands out large entries of a range in several reads: only none is the end', async () => {
    const store = await ClassicStore.open(newDirectory(), systemEnv());
    const batch = store.batch();
    for (let i = 10; i < 60; i++) batch.put(bytesOfText(`k${i}`), Buffer.alloc(50_000, i));
    await batch.write();
    const range = store.range(bytesOfText('k'), bytesOfText('l'));
    const reads: number[] = [];
    do reads.push((await range.next(1000)).length);
    while (reads.at(-1) !== 0);
    await range.close();
    expect(reads[0]).toBeLessThan(50);
    expect(reads.reduce((a, b) => a + b)).toBe(50);
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

  it('a write that failed is the last one until the store is opened anew: what came behind it would be lost', async () => {
    const directory = newDirectory();
    const store = await ClassicStore.open(directory, systemEnv());
    await put(store, 'a', '1');
    // A large batch begins a log file, which can't be made.
    renameSync(directory, `${directory} away`);
    await expect(put(store, 'b', 'x'.repeat(9_000_000))).rejects.toMatchObject({ code: 'DISK' });
    renameSync(`${directory} away`, directory);
    await expect(put(store, 'c', '1')).rejects.toMatchObject({ code: 'DISK' });
    await expect(store.clear([{ from: bytesOfText('a'), to: bytesOfText('b') }])).rejects.toMatchObject({
      code: 'DISK',
    });
    await store.reopen();
    await put(store, 'd', '1');
    // Of the one that failed nothing is known: it may be there.
    const found = await store.getMany(['a', 'c', 'd'].map(bytesOfText));
    expect(found.map((value) => value?.length)).toEqual([1, undefined, 1]);
    await store.close();
  });

  it('a large batch is in a table when its write resolves, and the log that has it is gone', async () => {
    const directory = newDirectory();
    const store = await ClassicStore.open(directory, systemEnv());
    await put(store, 'small', '1');
    await put(store, 'large', randomBytes(5_000_000).toString('hex'));
    const sizes = (end: string): number[] =>
      readdirSync(directory)
        .filter((name) => name.endsWith(end))
        .map((name) => statSync(join(directory, name)).size);
    expect(sizes('.log')).toEqual([0]);
    expect(sizes('.ldb')).toEqual([expect.closeTo(10_000_000, -7)]);
    await store.close();
  });

  it('a range of thousands is cleared while batches are written, and nothing beside it', async () => {
    const store = await ClassicStore.open(newDirectory(), systemEnv());
    const batch = store.batch();
    for (let i = 0; i < 3500; i++) batch.put(bytesOfText(`b${i}`), bytesOfText('1'));
    for (const name of ['a', 'c']) batch.put(bytesOfText(name), bytesOfText('1'));
    await batch.write();
    const clearing = store.clear([
      { from: bytesOfText('b1'), to: bytesOfText('b2') },
      { from: bytesOfText('b0'), to: bytesOfText('b1') },
      { from: bytesOfText('b'), to: bytesOfText('c') },
      { from: bytesOfText('x'), to: bytesOfText('y') },
    ]);
    await put(store, 'd', '1');
    await clearing;
    const range = store.range(bytesOfText('a'), bytesOfText('z'));
    const entries = await range.next(10);
    await range.close();
    expect(entries.map(([key]) => Buffer.from(key).toString())).toEqual(['a', 'c', 'd']);
    await store.close();
  });

  it('says when the directory can not be used', async () => {
    const file = newDirectory();
    writeFileSync(file, 'not a directory');
    await expect(ClassicStore.open(file, systemEnv())).rejects.toMatchObject({ code: 'DISK' });
  });
});

describe('what a power cut leaves of LevelDB', () => {
  /** A store with one entry, and what `change` makes of its files. */
  async function left(change: (directory: string) => void): Promise<string> {
    const directory = newDirectory();
    const store = await ClassicStore.open(directory, systemEnv());
    await put(store, 'a', '1');
    await store.close();
    change(directory);
    return directory;
  }

  const manifestOf = (directory: string): string =>
    join(directory, readFileSync(join(directory, 'CURRENT'), 'utf8').trim());

  async function valueOfA(directory: string): Promise<string | undefined> {
    const store = await ClassicStore.open(directory, systemEnv());
    const [value] = await store.getMany([bytesOfText('a')]);
    await store.close();
    return value && Buffer.from(value).toString();
  }

  it('a manifest whose last record did not arrive does not keep the store from opening', async () => {
    for (const rest of [Buffer.alloc(50, 7), Buffer.from('123456\x00\x01'), Buffer.alloc(5000)]) {
      const directory = await left((path) => appendFileSync(manifestOf(path), rest));
      expect(await valueOfA(directory)).toBe('1');
    }
  });

  it('a manifest with a bad record before a good one is CORRUPT, and is left as it is', async () => {
    let bytes = Buffer.alloc(0);
    const directory = await left((path) => {
      bytes = readFileSync(manifestOf(path));
      bytes[10] ^= 1;
      writeFileSync(manifestOf(path), bytes);
    });
    await expect(ClassicStore.open(directory, systemEnv())).rejects.toMatchObject({ code: 'CORRUPT' });
    expect(readFileSync(manifestOf(directory))).toEqual(bytes);
  });

  it('a store that was being made is begun anew', async () => {
    const directory = newDirectory();
    mkdirSync(directory);
    writeFileSync(join(directory, 'CURRENT'), 'MANIFEST-000001\n');
    writeFileSync(join(directory, 'MANIFEST-000001'), '');
    writeFileSync(join(directory, '000003.log'), 'xx');
    expect(await valueOfA(directory)).toBeUndefined();
  });

  it('without CURRENT what is there is not taken for a new store, which LevelDB would clear', async () => {
    const directory = await left((path) => rmSync(join(path, 'CURRENT')));
    await expect(ClassicStore.open(directory, systemEnv())).rejects.toMatchObject({ code: 'CORRUPT' });
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
