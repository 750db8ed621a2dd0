import { SimulatedEnv } from '@holdfast/common/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { MemoryStorage } from '../memory-storage.js';
import { MutationWriter } from '../mutation.js';
import { putNew, versionedStorage } from '../testing/versioned-storage.js';
import { encodingLimits } from './encoding-limits.js';
import { EntryView } from './field-table.js';
import { HashValue } from './hash-value.js';

interface Kept {
  value: string;
  expiryMs: number;
}

const key = Buffer.from('key');
const view = new EntryView();

function createHash(storage: MemoryStorage): HashValue {
  return putNew(storage, key, (db) => new HashValue(db));
}

function hashIn(storage: MemoryStorage): HashValue {
  const db = storage.database(0);
  return db.collection(db.find(key, 0, key.length)) as HashValue;
}

function put(hash: HashValue, field: string, value: string): boolean {
  return hash.set(Buffer.from(field), 0, field.length, Buffer.from(value), 0, value.length);
}

function expireAt(hash: HashValue, field: string, expiryMs: number): void {
  const bytes = Buffer.from(field);
  hash.setExpiry(hash.table.find(bytes, 0, bytes.length), bytes, 0, bytes.length, expiryMs);
}

/** All fields in the order of their names. */
function contentOf({ table }: HashValue): [string, Kept][] {
  const content: [string, Kept][] = [];
  const text = (bytes: Uint8Array, start: number, length: number) =>
    Buffer.from(bytes.subarray(start, start + length)).toString('latin1');
  const entries: number[] = [];
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) entries.push(entry);
  for (const entry of entries) {
    table.read(entry, view);
    const value = text(view.valueBytes, view.valueStart, view.valueLength);
    content.push([text(view.bytes, view.start, view.length), { value, expiryMs: table.expiry(entry) }]);
  }
  return content.sort(([a], [b]) => (a < b ? -1 : 1));
}

function sorted(model: Map<string, Kept>): [string, Kept][] {
  return [...model].sort(([a], [b]) => (a < b ? -1 : 1));
}

function drain(journal: MutationWriter): Buffer {
  const batch = Buffer.from(journal.bytes.subarray(0, journal.length));
  journal.clear();
  return batch;
}

afterEach(() => {
  encodingLimits.hashListpackEntries = 512;
  encodingLimits.hashListpackValue = 64;
});

describe('HashValue', () => {
  it.each([
    ['packed', 30, 1],
    ['packed', 30, 2],
    ['across the limit', 200, 3],
    ['large', 900, 4],
  ])(
    'agrees with a map, %s, and so does what its mutations build (%i fields, seed %i)',
    async (_, fields, seed) => {
      encodingLimits.hashListpackEntries = 100;
      const { random } = new SimulatedEnv(seed);
      const below = (n: number) => random.uint32() % n;
      const storage = versionedStorage();
      const replica = versionedStorage();
      const journal = new MutationWriter();
      storage.journal = journal;
      const hash = createHash(storage);
      const model = new Map<string, Kept>();
      let nowMs = 1_000_000;
      for (let i = 0; i < 4000; i++) {
        storage.stamp.reset();
        const number = below(fields);
        const field = 'f'.repeat(number % 20) + number;
        const bytes = Buffer.from(field);
        const value = 'v'.repeat(below(50)) + i;
        const kept = model.get(field);
        const action = below(100);
        if (action < 45) {
          const isNew = put(hash, field, value);
          if (isNew !== (kept === undefined)) throw new Error(`wrong about ${field} in step ${i}`);
          model.set(field, { value, expiryMs: 0 });
        } else if (action < 60 && kept !== undefined) {
          const entry = hash.table.find(bytes, 0, bytes.length);
          hash.update(entry, bytes, 0, bytes.length, Buffer.from(value), 0, value.length);
          kept.value = value;
        } else if (action < 75 && kept !== undefined) {
          kept.expiryMs = below(5) === 0 ? 0 : nowMs + below(1000);
          expireAt(hash, field, kept.expiryMs);
        } else if (action < 98) {
          if (hash.remove(bytes, 0, bytes.length) !== model.delete(field)) throw new Error(`lost ${field}`);
        } else {
          nowMs += below(300);
          const due = sorted(model).filter(([, { expiryMs }]) => expiryMs !== 0 && expiryMs <= nowMs);
          const budget = below(4) === 0 ? 3 : 1000;
          expect(hash.removeExpired(nowMs, budget)).toBe(Math.min(budget, due.length));
          hash.removeExpired(nowMs, 1000);
          for (const [name] of due) model.delete(name);
        }
        if (i % 100 !== 99) continue;
        const earliestMs = Math.min(...sorted(model).map(([, { expiryMs }]) => expiryMs || Infinity));
        expect(storage.database(0).expiringCollections.earliestMs).toBeLessThanOrEqual(earliestMs);
        expect(contentOf(hash)).toEqual(sorted(model));
        replica.apply(drain(journal), i);
        expect(contentOf(hashIn(replica))).toEqual(sorted(model));
      }
      const copy = versionedStorage();
      for await (const batch of storage.snapshot()) copy.apply(batch, 1);
      expect(contentOf(hashIn(copy))).toEqual(sorted(model));
      expect(hashIn(copy).encoding).toBe(hash.encoding);
      if (model.size > 0) expect(copy.database(0).expiringCollections.size).toBe(1);
    },
  );

  it('changes nothing when its mutations are applied again over the later state', () => {
    const storage = versionedStorage();
    const replica = versionedStorage();
    const journal = new MutationWriter();
    storage.journal = journal;
    const hash = createHash(storage);
    const batches: Buffer[] = [];
    for (let i = 0; i < 50; i++) {
      storage.stamp.reset();
      put(hash, `f${i % 10}`, `v${i}`);
      if (i % 3 === 0) hash.remove(Buffer.from(`f${i % 7}`), 0, 2);
      if (i % 4 === 0) put(hash, 'ttl', 'x');
      if (i % 4 === 0) expireAt(hash, 'ttl', 5000 + i);
      batches.push(drain(journal));
      replica.apply(batches[i], i);
    }
    for (const [i, batch] of batches.entries()) replica.apply(batch, i);
    expect(contentOf(hashIn(replica))).toEqual(contentOf(hash));
    expect(replica.database(0).version(hashIn(replica).ref)).toBe(storage.database(0).version(hash.ref));
  });

  it('becomes a table beyond the entries or the length that the limits allow, and stays one', () => {
    const storage = versionedStorage();
    encodingLimits.hashListpackEntries = 4;
    const byCount = createHash(storage);
    for (let i = 0; i < 4; i++) put(byCount, `f${i}`, 'v');
    put(byCount, 'f0', 'w');
    expect(byCount.encoding).toBe('listpack');
    put(byCount, 'f4', 'v');
    expect(byCount.encoding).toBe('hashtable');
    for (let i = 1; i < 5; i++) byCount.remove(Buffer.from(`f${i}`), 0, 2);
    expect(byCount.encoding).toBe('hashtable');

    const byValue = new HashValue(storage.database(0));
    put(byValue, 'f', 'v'.repeat(64));
    expect(byValue.encoding).toBe('listpack');
    put(byValue, 'f', 'v'.repeat(65));
    expect(byValue.encoding).toBe('hashtable');

    const byHint = new HashValue(storage.database(0));
    byHint.expect(5);
    expect(byHint.encoding).toBe('hashtable');
  });

  it('reports listpackex from the first expiry on', () => {
    const hash = createHash(versionedStorage());
    put(hash, 'f', 'v');
    expireAt(hash, 'f', 5000);
    expect(hash.encoding).toBe('listpackex');
    expireAt(hash, 'f', 0);
    expect(hash.encoding).toBe('listpackex');
  });

  it('keeps a value beyond what a record holds beside the arena, and gives it back', () => {
    const storage = versionedStorage();
    const hash = createHash(storage);
    const { arena } = storage.database(0);
    const emptyBytes = arena.usedBytes;
    const huge = Buffer.alloc(3 << 20, 'x');
    hash.set(Buffer.from('f'), 0, 1, huge, 0, huge.length);
    expect(arena.usedBytes).toBeGreaterThan(huge.length);
    hash.table.read(hash.table.find(Buffer.from('f'), 0, 1), view);
    expect(Buffer.compare(view.valueBytes.subarray(view.valueStart, view.valueLength), huge)).toBe(0);
    put(hash, 'f', 'small');
    expect(arena.usedBytes).toBeLessThan(emptyBytes + 1000);
    hash.set(Buffer.from('g'), 0, 1, huge, 0, huge.length);
    while (!hash.release(1));
    expect(arena.usedBytes).toBe(emptyBytes);
  });

  it('leaves nothing in the arena and in the queue of what expires when its key goes', () => {
    const storage = versionedStorage();
    const db = storage.database(0);
    for (const fields of [10, 2000]) {
      const hash = createHash(storage);
      for (let i = 0; i < fields; i++) put(hash, `field${i}`, 'value');
      for (let i = 0; i < fields; i += 2) expireAt(hash, `field${i}`, 5000 + i);
      expect(db.expiringCollections.size).toBe(1);
      db.remove(db.find(key, 0, key.length));
      while (!storage.releaseSome(100));
      expect(db.expiringCollections.size).toBe(0);
      expect(db.arena.usedBytes).toBe(0);
    }
  });
});
