import { SeededRandom, SimulatedEnv } from '@holdfast/common/testing';
import { FileLog, type Log } from '@holdfast/log';
import { SimulatedDisk } from '@holdfast/log/testing';
import { BatchWrites, MemoryStorage, stringForms } from '@holdfast/storage';
import { expect, it } from 'vitest';
import { LocalCommitter } from './local-committer.js';

/** A log that has a batch when the call returns, as the one in files does without fsync. */
function promptLog(): Log {
  let position = 0;
  const log: Partial<Log> = {
    committedPosition: 0,
    appendSync: () => ({ kind: 'committed', position: ++position }),
  };
  return log as Log;
}

it('tells who waits of what was committed when it is released: a reply before a slow script was never sent', () => {
  const env = new SimulatedEnv();
  const storage = new MemoryStorage(new SeededRandom(1));
  const committer = new LocalCommitter({ storage, env, log: promptLog(), onFatal: () => {} });
  const told: number[] = [];
  committer.onCommitted(() => told.push(committer.committedVersion));
  storage.stamp.use(7);
  const key = Buffer.from('k');
  storage.database(0).putString(0, key, 0, key.length, key, 0, key.length, 0, stringForms.plain);
  committer.hold();
  committer.settle();
  expect(told).toEqual([]);
  committer.release();
  expect(told.at(-1)).toBe(7);
});

it('has the log synced for a storage with a disk of its own, where what is committed may not be on the disk', async () => {
  const storage = new MemoryStorage(new SeededRandom(1));
  let syncs = 0;
  const log = { ...promptLog(), sync: async () => void syncs++ };
  const options = { storage, env: new SimulatedEnv(), onFatal: () => {} };
  new LocalCommitter({ ...options, log });
  await storage.syncLog?.();
  expect(syncs).toBe(1);
  new LocalCommitter({ ...options, log: null });
  expect(storage.syncLog).toBe(null);
});

it('keeps all that was on its way to a log without room, in its order: the second batch ended the server', async () => {
  const env = new SimulatedEnv();
  const disk = new SimulatedDisk();
  const log = await FileLog.open({ disk, env, directory: '/log', fsync: 'always', segmentBytes: 1 << 20 });
  const storage = new MemoryStorage(new SeededRandom(1));
  const failures: unknown[] = [];
  const committer = new LocalCommitter({ storage, env, log, onFatal: (error) => failures.push(error) });
  let version = 0;
  const write = (bytes: number): void => {
    storage.stamp.use(++version);
    const key = Buffer.from(`k${version}`);
    const value = Buffer.alloc(bytes);
    storage.database(0).putString(0, key, 0, key.length, value, 0, bytes, 0, stringForms.plain);
    storage.stamp.reset();
    committer.settle();
  };
  write(100);
  disk.setFreeBytes(0);
  // Large ones wait for none that is on its way.
  for (let i = 0; i < 3; i++) write(2 << 20);
  while (committer.refusal === null) await Promise.resolve();
  for (let i = 0; i < 100; i++) {
    if (i % 10 === 0) write(10);
    await Promise.resolve();
  }
  expect(committer.committedVersion).toBe(1);
  expect(committer.refusal).toMatch(/^MISCONF .*ENOSPC/);
  disk.setFreeBytes(1 << 30);
  await env.until(committer.drained());
  expect(failures).toEqual([]);
  const versions: number[] = [];
  for await (const { batch } of log.read(1)) versions.push(new BatchWrites().lastVersion(batch));
  expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  expect(versions.at(-1)).toBe(version);
  expect(committer.committedVersion).toBe(version);
  await log.close();
});
