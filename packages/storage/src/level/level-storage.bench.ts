/**
 * What the disk behind memory costs, over LevelDB on a real disk: a plain script. After a build:
 *
 *     node packages/storage/dist/level/level-storage.bench.js [directory]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemEnv } from '@holdfast/common';
import { valueTypes } from '../collection.js';
import { MemoryStorage } from '../memory-storage.js';
import { MutationWriter } from '../mutation.js';
import type { Storage } from '../storage.js';
import { stringForms } from '../string-forms.js';
import { createCollection } from '../values/create.js';
import type { HashValue } from '../values/hash-value.js';
import { LevelStorage } from './level-storage.js';

const parent = process.argv[2] ?? process.cwd();
const env = systemEnv();
const durationMs = 4000;
const writesPerTurn = 100;
/** Writers are held back when this much is pending, as a coordinator does. */
const pendingBytesMax = 64 * 1024 * 1024;

const key = Buffer.alloc(16);
const value = Buffer.alloc(100, 0x61);

function nameKey(n: number): void {
  key.write(`key:${String(n).padStart(12, '0')}`, 'latin1');
}

function set(storage: Storage, n: number): void {
  nameKey(n);
  const db = storage.database(0);
  storage.stamp.reset();
  db.putString(db.find(key, 0, 16), key, 0, 16, value, 0, value.length, 0, stringForms.plain);
}

function setField(storage: Storage, n: number): void {
  const db = storage.database(0);
  storage.stamp.reset();
  const name = Buffer.from('hash');
  let ref = db.find(name, 0, 4);
  if (ref === 0) ref = db.putCollection(name, 0, 4, createCollection(valueTypes.hash, db));
  nameKey(n);
  (db.collection(ref) as HashValue).set(key, 0, 16, value, 0, 100);
}

/** Runs turns of writes, each staged and committed at once; prints what came of it. */
async function measure(name: string, storage: Storage, write: (n: number) => void): Promise<void> {
  let version = storage.stamp.last;
  storage.stamp.source = { next: (count) => (version += count) - count + 1 };
  const journal = new MutationWriter();
  storage.journal = journal;
  let position = storage.durablePosition;
  let writes = 0;
  let busyMs = 0;
  let longestMs = 0;
  const start = performance.now();
  let last = start;
  while (performance.now() - start < durationMs) {
    if (storage.pendingBytes < pendingBytesMax) {
      const began = performance.now();
      for (let i = 0; i < writesPerTurn; i++) write(writes++);
      storage.staged(journal.bytes.subarray(0, journal.length));
      storage.committed(++position);
      journal.clear();
      busyMs += performance.now() - began;
    }
    await new Promise<void>((resolve) => env.timers.setImmediate(resolve));
    const now = performance.now();
    longestMs = Math.max(longestMs, now - last);
    last = now;
  }
  const seconds = (performance.now() - start) / 1000;
  const flushing = performance.now();
  await storage.flush();
  console.log(
    `${name.padEnd(44)} ${Math.round(writes / seconds).toLocaleString('en')}/s, ` +
      `${((busyMs * 1000) / writes).toFixed(2)} us each in the writer's turn, longest turn ${longestMs.toFixed(0)} ms, ` +
      `${(performance.now() - flushing).toFixed(0)} ms to flush`,
  );
}

async function inDirectory(run: (open: () => Promise<LevelStorage>) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(parent, '.bench-'));
  await run(() => LevelStorage.open({ directory: join(directory, 'level'), env }));
  rmSync(directory, { recursive: true });
}

async function measureLoads(storage: LevelStorage, count: number): Promise<void> {
  const start = performance.now();
  for (let n = 0; n < count; n += 100) {
    const names = Array.from({ length: 100 }, (_, i) => {
      nameKey((n + i) * 7);
      return { database: 0, key: Buffer.from(key) };
    });
    await storage.load(names);
  }
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${'load of 100 cold keys at a time'.padEnd(44)} ${Math.round(count / seconds).toLocaleString('en')}/s`,
  );
}

const spread = (keys: number) => (n: number) => (Math.imul(n, 0x9e3779b1) >>> 0) & (keys - 1);

const memory = new MemoryStorage(env.random);
await measure('memory alone, 1 M keys', memory, (n) => set(memory, spread(1 << 20)(n)));
for (const [label, keys] of [
  ['1 M keys', 1 << 20],
  ['64 K keys', 1 << 16],
  ['1 K keys', 1 << 10],
] as const) {
  await inDirectory(async (open) => {
    const storage = await open();
    await measure(`level, ${label}`, storage, (n) => set(storage, spread(keys)(n)));
    await storage.close();
    if (keys !== 1 << 20) return;
    const opening = performance.now();
    const reopened = await open();
    console.log(
      `${'opening'.padEnd(44)} ${(performance.now() - opening).toFixed(0)} ms, ${reopened.keyCount(0)} keys`,
    );
    await measureLoads(reopened, 100_000);
    await reopened.close();
  });
}
await inDirectory(async (open) => {
  const storage = await open();
  await measure('level, HSET of one hash of 64 K fields', storage, (n) =>
    setField(storage, spread(1 << 16)(n)),
  );
  await storage.close();
});
