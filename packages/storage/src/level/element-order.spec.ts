/** Small hashes and sets have the order in which their elements were added, whether they left memory meanwhile or not. */
import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import type { Collection } from '../collection.js';
import type { Storage } from '../storage.js';
import { freshMemory } from '../testing/conformance/storage-case.js';
import { beginColdLife, beginLevelLife, type LevelLife } from '../testing/level-life.js';
import { SimulatedContent } from '../testing/simulated-ordered-store.js';
import { bytesOfText, type StorageDriver } from '../testing/storage-driver.js';
import { EntryView, type FieldTable } from '../values/field-table.js';
import { prefixes } from './disk-keys.js';
import { checksumBytes, headBytes, seal } from './disk-records.js';

const names = ['zebra', 'apple', 'mango', 'b', 'zz', 'a', 'kiwi'];
const kinds = ['hash', 'set'] as const;
type Kind = (typeof kinds)[number];

function add(driver: StorageDriver, kind: Kind, ...elements: string[]): void {
  for (const element of elements) {
    const name = bytesOfText(element);
    if (kind === 'set') driver.change('set', kind, (set) => void set.add(name, 0, name.length));
    else driver.change('hash', kind, (hash) => void hash.set(name, 0, name.length, name, 0, name.length));
  }
}

function remove(driver: StorageDriver, kind: Kind, element: string): void {
  const name = bytesOfText(element);
  driver.change(kind, kind, (collection) => void collection.remove(name, 0, name.length));
}

function orderOf(storage: Storage, kind: Kind): string[] {
  const key = bytesOfText(kind);
  const database = storage.database(0);
  const ref = database.find(key, 0, key.length);
  if (ref === 0) return [];
  const { table } = database.collection(ref) as Collection & { table: FieldTable };
  const view = new EntryView();
  const order: string[] = [];
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) {
    table.read(entry, view);
    order.push(Buffer.from(view.bytes.subarray(view.start, view.start + view.length)).toString('latin1'));
  }
  return order;
}

const load = ({ driver }: LevelLife, kind: Kind): Promise<void> =>
  driver.load({ database: 0, key: bytesOfText(kind) });

async function leaveMemory({ driver, storage }: LevelLife, kind: Kind): Promise<void> {
  driver.settle();
  await storage.flush();
  storage.cacheBytes = 1;
  const key = bytesOfText(kind);
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    driver.letGo();
  }
  expect(storage.database(0).find(key, 0, key.length)).toBe(0);
  storage.cacheBytes = 0;
}

/** Makes the only head what programs wrote that kept no order. */
function forgetOrder(content: SimulatedContent): void {
  for (const [name, value] of content.entries) {
    if (name.charCodeAt(0) !== prefixes.head) continue;
    const key = Buffer.from(name, 'latin1');
    const head = value.subarray(0, checksumBytes + headBytes(0, 1));
    expect(head.length).toBeLessThan(value.length);
    seal(key, 0, key.length, head, 0, head.length);
    content.entries.set(name, head);
  }
}

describe.each(kinds)('a small %s that is on the disk only', (kind) => {
  it('comes back in the order in which its elements were added', async () => {
    const life = await beginColdLife(({ driver }) => add(driver, kind, ...names));
    await load(life, kind);
    expect(orderOf(life.storage, kind)).toEqual(names);
  });

  it('gets elements behind those that it has, without being loaded', async () => {
    const life = await beginColdLife(({ driver }) => add(driver, kind, ...names));
    await life.driver.loadElements(kind, ['c', 'kiwi']);
    add(life.driver, kind, 'c', 'kiwi');
    await leaveMemory(life, kind);
    await life.driver.loadElements(kind, ['aa', 'c', 'b']);
    add(life.driver, kind, 'aa', 'c', 'b');
    await load(life, kind);
    expect(orderOf(life.storage, kind)).toEqual([...names, 'c', 'aa']);
  });

  it('is in that order in a snapshot', async () => {
    const life = await beginColdLife(({ driver }) => add(driver, kind, ...names));
    const restored = freshMemory();
    for await (const batch of life.storage.snapshot()) restored.apply(batch, 0);
    expect(orderOf(restored, kind)).toEqual(names);
  });

  it('comes by name, with what is added behind, when its head says nothing of an order: it was written before', async () => {
    const content = new SimulatedContent();
    const first = await beginLevelLife(content);
    add(first.driver, kind, ...names);
    first.driver.settle();
    await first.storage.flush();
    forgetOrder(content);
    const life = await beginLevelLife(content, first.driver.log);
    await load(life, kind);
    add(life.driver, kind, 'between');
    expect(orderOf(life.storage, kind)).toEqual([...names].sort().concat('between'));
  });

  it('is in any order of changes, departures and starts as if it had never left', async () => {
    const random = new SeededRandom(8);
    const content = new SimulatedContent();
    const log: Buffer[] = [];
    let life = await beginLevelLife(content, log);
    let expected: string[] = [];
    for (let step = 0; step < 600; step++) {
      const element = `x${randomBelow(random, 40)}`;
      switch (randomBelow(random, 10)) {
        case 0:
          await leaveMemory(life, kind);
          break;
        case 1:
          life.driver.settle();
          await life.storage.flush();
          life = await beginLevelLife(content, log);
          break;
        case 2:
        case 3:
        case 4:
          await load(life, kind);
          if (expected.includes(element)) remove(life.driver, kind, element);
          expected = expected.filter((other) => other !== element);
          break;
        default:
          await life.driver.loadElements(kind, [element]);
          add(life.driver, kind, element);
          if (!expected.includes(element)) expected.push(element);
      }
      if (step % 25 !== 0) continue;
      await load(life, kind);
      expect(orderOf(life.storage, kind)).toEqual(expected);
    }
  });
});
