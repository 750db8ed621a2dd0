import { SimulatedEnv } from '@holdfast/common/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { Database } from '../database.js';
import type { MemoryStorage } from '../memory-storage.js';
import { MutationWriter } from '../mutation.js';
import { putNew, versionedStorage } from '../testing/versioned-storage.js';
import { encodingLimits } from './encoding-limits.js';
import { ZSetBound } from './zset-bound.js';
import { ZSetCursor } from './zset-cursor.js';
import { ZSetValue } from './zset-value.js';

const key = Buffer.from('key');
const bytesOf = (member: string) => Buffer.from(member, 'latin1');

type Entry = readonly [score: number, member: string];

function createZSet(storage: MemoryStorage): ZSetValue {
  return putNew(storage, key, (db) => new ZSetValue(db));
}

function zsetIn(db: Database): ZSetValue {
  return db.collection(db.find(key, 0, key.length)) as ZSetValue;
}

function put(zset: ZSetValue, score: number, member: string): void {
  zset.put(bytesOf(member), 0, member.length, score);
}

function entriesOf(zset: ZSetValue): Entry[] {
  const cursor = new ZSetCursor();
  const entries: Entry[] = [];
  if (zset.size > 0) zset.seek(cursor, 0);
  for (let isThere = zset.size > 0; isThere; isThere = zset.stepForward(cursor)) entries.push(at(cursor));
  return entries;
}

function reversedEntriesOf(zset: ZSetValue): Entry[] {
  const cursor = new ZSetCursor();
  const entries: Entry[] = [];
  if (zset.size > 0) zset.seek(cursor, zset.size - 1);
  for (let isThere = zset.size > 0; isThere; isThere = zset.stepBack(cursor)) entries.push(at(cursor));
  return entries;
}

function at({ score, bytes, start, length }: ZSetCursor): Entry {
  return [score, Buffer.from(bytes.subarray(start, start + length)).toString('latin1')];
}

function ordered(model: Map<string, number>): Entry[] {
  return [...model].map(([member, score]): Entry => [score, member]).sort(order);
}

/** Byte strings compare as bytes do. */
function order(a: Entry, b: Entry): number {
  return a[0] - b[0] || (a[1] < b[1] ? -1 : 1);
}

afterEach(() => {
  encodingLimits.zsetListpackEntries = 128;
  encodingLimits.zsetListpackValue = 64;
});

describe('ZSetValue', () => {
  it.each([
    ['packed', 40, 1],
    ['packed', 40, 2],
    ['across the limit', 300, 3],
    ['large', 3000, 4],
  ])(
    'agrees with a sorted array, %s, and so does what its mutations build (%i members, seed %i)',
    (_, members, seed) => {
      const { random } = new SimulatedEnv(seed);
      const below = (n: number) => random.uint32() % n;
      const storage = versionedStorage();
      const replica = versionedStorage();
      const journal = new MutationWriter();
      storage.journal = journal;
      const zset = createZSet(storage);
      const model = new Map<string, number>();
      const bound = new ZSetBound();
      for (let i = 0; i < 6000; i++) {
        storage.stamp.reset();
        const number = below(members);
        const member = 'x'.repeat(number % 20) + number;
        const bytes = bytesOf(member);
        const action = below(100);
        if (action < 60 || model.size === 0) {
          const score = below(50) - 25 + below(2) / 2;
          put(zset, score, member);
          model.set(member, score);
        } else if (action < 97) {
          expect(zset.remove(bytes, 0, bytes.length)).toBe(model.delete(member));
        } else {
          const rank = below(model.size);
          const count = 1 + below(Math.min(8, model.size - rank));
          for (const [, removed] of ordered(model).slice(rank, rank + count)) model.delete(removed);
          zset.removeRange(rank, count);
        }
        const score = zset.score(bytes, 0, bytes.length);
        expect(score).toBe(model.get(member) ?? Number.NaN);
        if (i % 100 !== 0) continue;
        const expected = ordered(model);
        expect(entriesOf(zset)).toEqual(expected);
        expect(reversedEntriesOf(zset)).toEqual(expected.reverse());
        expected.reverse();
        if (expected.length === 0) continue;
        const rank = below(expected.length);
        const [rankScore, rankMember] = expected[rank];
        zset.score(bytesOf(rankMember), 0, rankMember.length);
        expect(zset.rank()).toBe(rank);
        bound.atEntry(rankScore, bytesOf(rankMember), 0, rankMember.length, false);
        expect(zset.countBefore(bound)).toBe(rank);
        bound.atScore(rankScore, true);
        expect(zset.countBefore(bound)).toBe(expected.filter(([each]) => each <= rankScore).length);
        replica.apply(journal.bytes.subarray(0, journal.length), 0);
        journal.clear();
        expect(entriesOf(zsetIn(replica.database(0)))).toEqual(expected);
      }
      expect(zset.encoding).toBe(members > 100 ? 'skiplist' : 'listpack');
      const writer = new MutationWriter();
      zset.describe(writer);
      const copy = versionedStorage();
      copy.apply(writer.bytes.subarray(0, writer.length), 0);
      expect(entriesOf(zsetIn(copy.database(0)))).toEqual(ordered(model));
    },
  );

  it('is large once it has too many members, or too long ones, and stays it', () => {
    const zset = createZSet(versionedStorage());
    for (let i = 0; i < 128; i++) put(zset, i, `m${i}`);
    expect(zset.encoding).toBe('listpack');
    put(zset, 1, 'one more');
    expect(zset.encoding).toBe('skiplist');
    zset.removeRange(0, 128);
    expect(zset.encoding).toBe('skiplist');
    const other = createZSet(versionedStorage());
    put(other, 1, 'x'.repeat(64));
    expect(other.encoding).toBe('listpack');
    put(other, 1, 'x'.repeat(65));
    expect(other.encoding).toBe('skiplist');
    expect(entriesOf(other)).toHaveLength(2);
  });

  it('is large when so many members are expected', () => {
    const zset = createZSet(versionedStorage());
    zset.expect(128);
    expect(zset.encoding).toBe('listpack');
    zset.expect(129);
    expect(zset.encoding).toBe('skiplist');
  });

  it('does not pack more than 64 KiB, whatever the limits', () => {
    encodingLimits.zsetListpackEntries = 1_000_000;
    encodingLimits.zsetListpackValue = 1_000_000;
    const zset = createZSet(versionedStorage());
    put(zset, 2, 'x'.repeat(60_000));
    put(zset, 1, 'y');
    expect(zset.encoding).toBe('listpack');
    put(zset, 3, 'z'.repeat(6_000));
    expect(zset.encoding).toBe('skiplist');
    put(zset, 4, 'a'.repeat(100_000));
    expect(entriesOf(zset).map(([, member]) => member.length)).toEqual([1, 60_000, 6_000, 100_000]);
  });

  it('names every entry in a scan', () => {
    for (const count of [100, 5000]) {
      const zset = createZSet(versionedStorage());
      for (let i = 0; i < count; i++) put(zset, i, `m${i}`);
      const seen = new Set<string>();
      const cursor = new ZSetCursor();
      let position = 0;
      do {
        const names: number[] = [];
        position = zset.scan(position, 10, names);
        for (const name of names) {
          zset.read(cursor, name);
          const [score, member] = at(cursor);
          expect(member).toBe(`m${score}`);
          seen.add(member);
        }
      } while (position !== 0);
      expect(seen.size).toBe(count);
    }
  });

  it('gives all its memory back', () => {
    const storage = versionedStorage();
    const db = storage.database(0);
    const before = db.arena.usedBytes;
    for (const count of [50, 20_000]) {
      const zset = createZSet(storage);
      for (let i = 0; i < count; i++) put(zset, i % 7, `m${i}`);
      db.remove(db.find(key, 0, key.length));
      let steps = 0;
      for (; !storage.releaseSome(1000); steps++) expect(steps).toBeLessThan(1000);
      if (count > 1000) expect(steps).toBeGreaterThan(10);
      expect(db.arena.usedBytes).toBe(before);
    }
  });

  it('gives the memory of removed members back', () => {
    const storage = versionedStorage();
    const zset = createZSet(storage);
    put(zset, 0, 'first');
    const { arena } = storage.database(0);
    const before = arena.usedBytes;
    for (let i = 0; i < 120; i++) put(zset, i, `m${i}`);
    zset.removeRange(1, 120);
    expect(arena.usedBytes).toBeLessThan(before + 64);
  });

  it('reads a removal that does not concern it', () => {
    const storage = versionedStorage();
    const journal = new MutationWriter();
    storage.journal = journal;
    const zset = createZSet(storage);
    for (let i = 0; i < 10; i++) put(zset, i, `m${i}`);
    journal.clear();
    zset.removeRange(2, 5);
    zset.remove(bytesOf('m1'), 0, 2);
    put(zset, 5, 'last');
    const replica = versionedStorage();
    replica.apply(journal.bytes.subarray(0, journal.length), 0);
    expect(entriesOf(zsetIn(replica.database(0)))).toEqual([[5, 'last']]);
  });
});
