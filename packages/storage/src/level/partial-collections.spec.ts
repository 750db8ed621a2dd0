/** Large collections of which only what is needed is in memory. */
import { describe, expect, it, vi } from 'vitest';
import { freshMemory, stateOfLog } from '../testing/conformance/storage-case.js';
import { stateOf } from '../testing/digest.js';
import { beginLevelLife } from '../testing/level-life.js';
import { SimulatedContent } from '../testing/simulated-ordered-store.js';
import { bytesOfText } from '../testing/storage-driver.js';
import type { HashValue } from '../values/hash-value.js';
import { prefixes } from './disk-keys.js';
import type { LevelStorage } from './level-storage.js';

const fields = 3000;
const big = bytesOfText('big');

/** Begins a life over what the disk has; counts what is read and written. */
async function begin(content: SimulatedContent, log: Buffer[] = []) {
  const { driver, env, storage, store } = await beginLevelLife(content, log);
  const getMany = vi.spyOn(store, 'getMany');
  const range = vi.spyOn(store, 'range');
  const ranges = () => range.mock.calls.filter(([from]) => from[0] === prefixes.element).length;
  const getNow = vi.spyOn(store, 'getNow');
  const readsNow = () => getNow.mock.results.filter(({ value }) => value !== null).length;
  const reads = () => getMany.mock.calls.reduce((sum, [keys]) => sum + keys.length, readsNow());
  return { storage, driver, env, content, reads, ranges };
}

/** A hash of many fields that is on the disk only. */
async function coldHash(expiring = false) {
  const content = new SimulatedContent();
  const { storage, driver } = await begin(content);
  driver.change('hash', 'big', (hash) => {
    for (let i = 0; i < fields; i++) setField(hash, `field ${i}`, `value ${i}`);
  });
  if (expiring) driver.change('hash', 'big', (hash) => expireField(hash, 'field 7'));
  driver.settle();
  await storage.flush();
  return begin(content, driver.log);
}

function setField(hash: HashValue, field: string, value: string): boolean {
  const [name, bytes] = [bytesOfText(field), bytesOfText(value)];
  return hash.set(name, 0, name.length, bytes, 0, bytes.length);
}

function expireField(hash: HashValue, field: string): void {
  const name = bytesOfText(field);
  hash.setExpiry(hash.table.find(name, 0, name.length), name, 0, name.length, 4_000_000_000_000);
}

const sizeOf = ({ storage }: { storage: LevelStorage }): number => {
  const db = storage.database(0);
  return db.collection(db.find(big, 0, big.length)).size;
};

const isWhole = ({ storage }: { storage: LevelStorage }): boolean =>
  storage.isResident(0, big, 0, big.length);

const elementsOn = (content: SimulatedContent): number =>
  [...content.entries.keys()].filter((name) => name.charCodeAt(0) === prefixes.element).length;

describe('a large collection that is not in memory', () => {
  it('is written to by reading two records, and writing three', async () => {
    const life = await coldHash();
    const before = new Map(life.content.entries);
    await life.driver.loadElements('big', ['field 5']);
    expect([life.reads(), life.ranges(), sizeOf(life)]).toEqual([2, 0, 1]);
    life.driver.change('hash', 'big', (hash) => expect(setField(hash, 'field 5', 'new')).toBe(false));
    life.driver.settle();
    await life.storage.flush();
    const changed = [...life.content.entries].filter(([name, value]) => !before.get(name)?.equals(value));
    // The element, the head, the state; and the mark of the batch.
    expect(changed.length).toBeLessThanOrEqual(4);
    expect(elementsOn(life.content)).toBe(fields);
  });

  it('is there as a whole for who needs that, with what was written meanwhile', async () => {
    const life = await coldHash();
    await life.driver.loadElements('big', ['field 5', 'new field']);
    life.driver.change('hash', 'big', (hash) => {
      setField(hash, 'field 5', 'changed');
      setField(hash, 'new field', 'added');
    });
    expect(isWhole(life)).toBe(false);
    const loading = life.driver.load({ database: 0, key: big });
    await life.driver.loadElements('big', ['field 2999']);
    life.driver.change('hash', 'big', (hash) => setField(hash, 'field 2999', 'changed while it came'));
    await loading;
    expect([isWhole(life), sizeOf(life)]).toEqual([true, fields + 1]);
    life.driver.settle();
    expect(await stateOf(life.storage)).toEqual(await stateOfLog(life.driver.log));
  });

  it('is removed, and expires, without being read', async () => {
    const life = await coldHash();
    await life.driver.loadElements('big', []);
    life.driver.expire('big', 4_000_000_000_000);
    life.driver.delete('big');
    life.driver.settle();
    await life.storage.flush();
    await life.storage.swept();
    expect([life.reads(), elementsOn(life.content), life.storage.keyCount(0)]).toEqual([1, 0, 0]);
  });

  it('a field that is absent is asked for once', async () => {
    const life = await coldHash();
    await life.driver.loadElements('big', ['none']);
    const reads = life.reads();
    await life.driver.loadElements('big', ['none']);
    expect(life.reads()).toBe(reads);
  });

  it('is loaded as a whole for who names very many fields', async () => {
    const life = await coldHash();
    await life.driver.loadElements(
      'big',
      Array.from({ length: 1000 }, (_, i) => `field ${i}`),
    );
    expect(isWhole(life)).toBe(true);
  });

  it('is loaded as a whole when fields expire: there may be none left', async () => {
    const life = await coldHash(true);
    await life.driver.loadElements('big', []);
    expect(isWhole(life)).toBe(true);
  });

  it('a snapshot has all of it, and what was written to a part of it before', async () => {
    const life = await coldHash();
    await life.driver.loadElements('big', ['field 1']);
    life.driver.change('hash', 'big', (hash) => setField(hash, 'field 1', 'changed'));
    life.driver.settle();
    const restored = freshMemory();
    for await (const batch of life.storage.snapshot()) restored.apply(batch, 0);
    expect(isWhole(life)).toBe(false);
    expect(await stateOf(restored)).toEqual(await stateOfLog(life.driver.log));
  });

  it('damage of one field is of concern to who asks for that one', async () => {
    const life = await coldHash();
    for (const [name, value] of life.content.entries) {
      if (!name.endsWith('field 8')) continue;
      life.content.entries.set(name, Buffer.concat([value.subarray(0, -1), Buffer.from('!')]));
    }
    await life.driver.loadElements('big', ['field 9']);
    await expect(life.driver.loadElements('big', ['field 8'])).rejects.toMatchObject({ code: 'CORRUPT' });
    await life.driver.loadElements('big', ['field 10']);
    await expect(life.driver.loadElements('big', ['field 8'])).rejects.toMatchObject({ code: 'CORRUPT' });
    await expect(life.driver.load({ database: 0, key: big })).rejects.toMatchObject({ code: 'CORRUPT' });
  });

  it('a flush while a field is on its way', async () => {
    const life = await coldHash();
    await life.driver.loadElements('big', []);
    const loading = life.driver.requestElements('big', ['field 1']);
    life.driver.flushDatabase();
    life.driver.change('hash', 'big', (hash) => setField(hash, 'field 2', 'after the flush'));
    await loading;
    life.driver.settle();
    expect([isWhole(life), sizeOf(life)]).toEqual([true, 1]);
  });
});
