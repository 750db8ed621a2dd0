import { SeededRandom, SimulatedEnv } from '@holdfast/common/testing';
import type { Log } from '@holdfast/log';
import { MemoryStorage, stringForms } from '@holdfast/storage';
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
