/**
 * Hashes and sets as the commands use them: one key with a million fields, and many small hashes. A plain
 * script, because what counts is time per operation once nothing fits the caches any more. After a build:
 *
 *     node packages/storage/dist/values/hash-value.bench.js
 */
import { randomBelow, systemEnv } from '@holdfast/common';
import { MemoryStorage } from '../memory-storage.js';
import { MutationWriter } from '../mutation.js';
import { encodingLimits } from './encoding-limits.js';
import { HashValue } from './hash-value.js';
import { SetValue } from './set-value.js';

const count = 1_000_000;
const fieldBytes = 20;
const { random } = systemEnv();
const storage = new MemoryStorage(random);
let version = 0;
storage.stamp.source = { next: () => ++version };
const database = storage.database(0);
const field = Buffer.from('element:'.padEnd(fieldBytes, '0'));
const value = Buffer.from('0123456789');

function writeField(n: number): void {
  for (let i = fieldBytes - 1, rest = n; i >= 8; i--, rest = Math.floor(rest / 10))
    field[i] = 48 + (rest % 10);
}

function putKey<C extends HashValue | SetValue>(name: string, collection: C): C {
  const key = Buffer.from(name);
  database.find(key, 0, key.length);
  database.putCollection(key, 0, key.length, collection);
  return collection;
}

function measure(what: string, operation: (i: number) => void): void {
  const began = performance.now();
  for (let i = 0; i < count; i++) {
    storage.stamp.reset();
    operation(i);
  }
  const ns = ((performance.now() - began) * 1e6) / count;
  console.log(`${what.padEnd(34)} ${ns.toFixed(0).padStart(6)} ns`);
}

const below = () => randomBelow(random, count);

const set = putKey('set', new SetValue(database));
measure('add distinct members', (i) => {
  writeField(i);
  set.add(field, 0, fieldBytes);
});
measure('ask for random members', () => {
  writeField(below());
  set.has(field, 0, fieldBytes);
});
console.log(`${(database.arena.usedBytes / count).toFixed(0)} bytes a member, its slot in the index aside`);

const hash = putKey('hash', new HashValue(database));
measure('set distinct fields', (i) => {
  writeField(i);
  hash.set(field, 0, fieldBytes, value, 0, value.length);
});
measure('set random fields again', () => {
  writeField(below());
  hash.set(field, 0, fieldBytes, value, 0, value.length);
});
const journal = new MutationWriter();
storage.journal = journal;
measure('the same, journaled', () => {
  writeField(below());
  hash.set(field, 0, fieldBytes, value, 0, value.length);
  if (journal.length > 1 << 20) journal.clear();
});
storage.journal = null;
measure('set random expiries', () => {
  writeField(below());
  hash.setExpiry(hash.table.find(field, 0, fieldBytes), field, 0, fieldBytes, 1 + below());
});
measure('remove what has expired', () => hash.removeExpired(count / 2, 1));

for (const [encoding, fields] of [
  ['listpack', 10],
  ['hashtable', 10],
  ['listpack', 100],
  ['hashtable', 100],
] as const) {
  encodingLimits.hashListpackEntries = encoding === 'listpack' ? 512 : 0;
  const small: HashValue[] = [];
  const { usedBytes } = database.arena;
  for (let i = 0; i < 10_000; i++) {
    const each = new HashValue(database);
    for (let n = 0; n < fields; n++) {
      writeField(n);
      each.set(field, 0, fieldBytes, value, 0, value.length);
    }
    small.push(each);
  }
  measure(`set in one of ${small.length}, ${fields} fields, ${encoding}`, (i) => {
    writeField(randomBelow(random, fields));
    small[i % small.length].set(field, 0, fieldBytes, value, 0, value.length);
  });
  console.log(`${Math.round((database.arena.usedBytes - usedBytes) / small.length)} bytes of arena each`);
  for (const each of small) each.release(Number.POSITIVE_INFINITY);
}
