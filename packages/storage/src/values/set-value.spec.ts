import { SimulatedEnv } from '@holdfast/common/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { MemoryStorage } from '../memory-storage.js';
import { MutationWriter } from '../mutation.js';
import { putNew, versionedStorage } from '../testing/versioned-storage.js';
import { encodingLimits } from './encoding-limits.js';
import { EntryView } from './field-table.js';
import { SetValue } from './set-value.js';

const key = Buffer.from('key');
const view = new EntryView();

function createSet(storage: MemoryStorage): SetValue {
  return putNew(storage, key, (db) => new SetValue(db));
}

function setIn(storage: MemoryStorage): SetValue {
  const db = storage.database(0);
  return db.collection(db.find(key, 0, key.length)) as SetValue;
}

function add(set: SetValue, member: string): boolean {
  return set.add(Buffer.from(member), 0, member.length);
}

function membersOf({ table }: SetValue): string[] {
  const members: string[] = [];
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) {
    table.read(entry, view);
    members.push(Buffer.from(view.bytes.subarray(view.start, view.start + view.length)).toString('latin1'));
  }
  return members;
}

function drain(journal: MutationWriter): Buffer {
  const batch = Buffer.from(journal.bytes.subarray(0, journal.length));
  journal.clear();
  return batch;
}

function filled(...members: (string | number)[]): SetValue {
  const set = createSet(versionedStorage());
  for (const member of members) add(set, String(member));
  return set;
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

afterEach(() => {
  encodingLimits.setIntsetEntries = 512;
  encodingLimits.setListpackEntries = 128;
  encodingLimits.setListpackValue = 64;
});

describe('SetValue', () => {
  it.each([
    ['integers', 100, (n: number) => String(n - 50), 1],
    ['many integers', 2000, (n: number) => String(n * 1_000_003), 2],
    ['short texts', 60, (n: number) => `member${n}`, 3],
    ['across the limits', 300, (n: number) => (n % 50 === 7 ? `m${n}` : String(n)), 4],
    ['long texts', 100, (n: number) => 'x'.repeat(n) + n, 5],
  ])('agrees with a Set, %s, and so does what its mutations build', async (_, members, nameOf, seed) => {
    const { random } = new SimulatedEnv(seed);
    const below = (n: number) => random.uint32() % n;
    const storage = versionedStorage();
    const replica = versionedStorage();
    const journal = new MutationWriter();
    storage.journal = journal;
    const set = createSet(storage);
    const model = new Set<string>();
    for (let i = 0; i < 4000; i++) {
      storage.stamp.reset();
      const member = nameOf(below(members));
      const bytes = Buffer.from(member);
      const isThere = model.has(member);
      if (set.has(bytes, 0, bytes.length) !== isThere) throw new Error(`wrong about ${member} in step ${i}`);
      if (below(3) > 0) {
        if (add(set, member) === isThere) throw new Error(`wrong about ${member} in step ${i}`);
        model.add(member);
      } else {
        if (set.remove(bytes, 0, bytes.length) !== isThere) throw new Error(`lost ${member} in step ${i}`);
        model.delete(member);
      }
      if (i % 200 !== 199) continue;
      expect(set.size).toBe(model.size);
      expect(membersOf(set).sort()).toEqual([...model].sort());
      replica.apply(drain(journal), i);
      expect(membersOf(setIn(replica)).sort()).toEqual([...model].sort());
      expect(setIn(replica).encoding).toBe(set.encoding);
    }
    const copy = versionedStorage();
    for await (const batch of storage.snapshot()) copy.apply(batch, 1);
    expect(membersOf(setIn(copy)).sort()).toEqual([...model].sort());
  });

  it('keeps the order of its encoding: integers sorted, texts as they came', () => {
    expect(membersOf(filled(5, -3, 10, 4))).toEqual(['-3', '4', '5', '10']);
    expect(membersOf(filled(5, 'b', 10, 'a'))).toEqual(['5', 'b', '10', 'a']);
  });

  it('changes its encoding as Redis does', () => {
    expect(filled(...upTo(512)).encoding).toBe('intset');
    expect(filled(...upTo(513)).encoding).toBe('hashtable');
    expect(filled(...upTo(127), 'text').encoding).toBe('listpack');
    expect(filled(...upTo(128), 'text').encoding).toBe('hashtable');
    expect(filled('text', ...upTo(127)).encoding).toBe('listpack');
    expect(filled('text', ...upTo(128)).encoding).toBe('hashtable');
    expect(filled('x'.repeat(64)).encoding).toBe('listpack');
    expect(filled('x'.repeat(65)).encoding).toBe('hashtable');
    expect(filled(1, 'x'.repeat(65)).encoding).toBe('hashtable');
    encodingLimits.setIntsetEntries = 0;
    expect(filled(1).encoding).toBe('hashtable');
  });

  it('takes the expected number of members as a hint', () => {
    const db = versionedStorage().database(0);
    const expecting = (count: number, first: string) =>
      SetValue.expecting(db, count, Buffer.from(first), 0, first.length).encoding;
    expect([expecting(512, '1'), expecting(513, '1'), expecting(128, 'a'), expecting(129, 'a')]).toEqual([
      'intset',
      'hashtable',
      'listpack',
      'hashtable',
    ]);
    const set = filled('a');
    set.expect(128);
    expect(set.encoding).toBe('listpack');
    set.expect(129);
    expect(set.encoding).toBe('hashtable');
  });

  it('packs a result of integers, and leaves any other as it is', () => {
    const db = versionedStorage().database(0);
    const numbers = new SetValue(db, 'hashtable');
    for (const n of ['3', '1', '2']) add(numbers, n);
    numbers.packIntegers();
    expect([numbers.encoding, membersOf(numbers)]).toEqual(['intset', ['1', '2', '3']]);
    const texts = new SetValue(db, 'hashtable');
    for (const text of ['3', 'x', '2']) add(texts, text);
    texts.packIntegers();
    expect([texts.encoding, texts.size]).toEqual(['hashtable', 3]);
  });

  it('removes a member that is named by a view of itself', () => {
    const { random } = new SimulatedEnv(1);
    for (const set of [filled(1, 2, 3), filled('a', 'b', 'c'), filled(...upTo(600))]) {
      while (set.size > 0) {
        const { table } = set;
        table.read(
          table.random(() => random.uint32()),
          view,
        );
        expect(set.remove(view.bytes, view.start, view.length)).toBe(true);
      }
    }
  });

  it.each([5, 100, 3000])('leaves nothing in the arena when its key goes (%i members)', (members) => {
    const storage = versionedStorage();
    const db = storage.database(0);
    const set = createSet(storage);
    for (let i = 0; i < members; i++) add(set, `member${i}`);
    db.remove(db.find(key, 0, key.length));
    while (!storage.releaseSome(100));
    expect(db.arena.usedBytes).toBe(0);
  });
});
