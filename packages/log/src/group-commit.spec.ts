import { SimulatedEnv } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { type FsyncPolicy, GroupCommit, type Unsynced } from './group-commit.js';
import type { AppendOutcome, Position } from './log.js';

/** What is written to a disk whose syncs end when the test says so. */
class Written implements Unsynced {
  last: Position = 0;
  isDirty = false;
  /** Ends the syncs that are under way, by resolving or rejecting. */
  readonly syncs: ((error?: Error) => void)[] = [];
  failsAtOnce = false;

  write(): void {
    this.last++;
    this.isDirty = true;
  }

  sync(): Promise<void> {
    this.isDirty = false;
    return new Promise((resolve, reject) => {
      this.syncs.push((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  needsActiveOnly(): boolean {
    return true;
  }

  syncActive(): void {
    if (this.failsAtOnce) throw new Error('EIO');
    this.isDirty = false;
  }
}

function groupOf(fsync: FsyncPolicy, inlineSyncMsMax = 0) {
  const written = new Written();
  const env = new SimulatedEnv();
  const durable: Position[] = [];
  const onDurable = (position: Position) => durable.push(position);
  const group = new GroupCommit({ written, env, directory: '/log', fsync, inlineSyncMsMax, onDurable });
  const outcomes: AppendOutcome[] = [];
  /** Writes an entry that waits for a sync. */
  const append = () => {
    written.write();
    group.await({ kind: 'committed', position: written.last }, (outcome) => outcomes.push(outcome));
  };
  return { written, env, group, durable, outcomes, append };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const committed = (position: Position): AppendOutcome => ({ kind: 'committed', position });

it('covers what is written in a turn by one sync, and what is written during it by the next', async () => {
  const { written, append, durable, outcomes } = groupOf('always');
  append();
  append();
  await turn();
  append();
  append();
  append();
  await turn();
  expect(written.syncs.length).toBe(1);
  written.syncs[0]();
  await turn();
  expect(outcomes).toEqual([committed(1), committed(2)]);
  expect(written.syncs.length).toBe(2);
  written.syncs[1]();
  await turn();
  expect(outcomes.length).toBe(5);
  expect(durable).toEqual([2, 5]);
  expect(written.syncs.length).toBe(2);
});

it('tells in order, refusals too', async () => {
  const { group, append, outcomes, written } = groupOf('always');
  append();
  expect(group.hasWaiters).toBe(true);
  group.await({ kind: 'refused', reason: 'position', tail: 1 }, (outcome) => outcomes.push(outcome));
  await turn();
  expect(outcomes).toEqual([]);
  written.syncs[0]();
  await turn();
  expect(outcomes.map(({ kind }) => kind)).toEqual(['committed', 'refused']);
  expect(group.hasWaiters).toBe(false);
});

it('whoever waits for a sync keeps no append waiting', async () => {
  const { group, written } = groupOf('everysec');
  written.write();
  let isSynced = false;
  const syncing = group.sync().then(() => {
    isSynced = true;
  });
  await turn();
  expect(group.hasWaiters).toBe(false);
  expect(isSynced).toBe(false);
  written.syncs[0]();
  await syncing;
});

it('after a failed sync all that it and later ones were to cover is unknown, and nothing is synced any more', async () => {
  const { group, append, durable, outcomes, written } = groupOf('always');
  append();
  await turn();
  append();
  group.await({ kind: 'refused', reason: 'position', tail: 2 }, (outcome) => outcomes.push(outcome));
  written.syncs[0](new Error('EIO'));
  await turn();
  expect(outcomes.map(({ kind }) => kind)).toEqual(['unknown', 'unknown', 'refused']);
  expect(group.failure).toMatchObject({ code: 'DISK', message: expect.stringContaining('EIO') });
  await expect(group.sync()).rejects.toBe(group.failure);
  expect(written.syncs.length).toBe(1);
  expect(durable).toEqual([]);
});

it('what a sync under way covers is unknown when a write could not be undone meanwhile', async () => {
  const { group, append, outcomes, written } = groupOf('always');
  append();
  await turn();
  group.fail(new Error('EIO'));
  written.syncs[0]();
  await turn();
  expect(outcomes).toEqual([{ kind: 'unknown', cause: group.failure }]);
});

it('everysec syncs a second after a write, and not while a sync is under way', async () => {
  const { group, env, written } = groupOf('everysec');
  const write = () => {
    written.write();
    group.syncLater();
  };
  write();
  write();
  env.advance(999);
  await turn();
  expect(written.syncs.length).toBe(0);
  env.advance(1);
  await turn();
  expect(written.syncs.length).toBe(1);
  write();
  env.advance(1000);
  await turn();
  expect(written.syncs.length).toBe(1);
  written.syncs[0]();
  await turn();
  env.advance(1000);
  await turn();
  expect(written.syncs.length).toBe(2);
});

it('no never syncs by itself, and goes over to everysec with what is written already', async () => {
  const { group, env, written } = groupOf('no');
  written.write();
  group.syncLater();
  env.advance(10_000);
  await turn();
  expect(written.syncs.length).toBe(0);
  group.fsync = 'everysec';
  env.advance(1000);
  await turn();
  expect(written.syncs.length).toBe(1);
});

it('syncs at once only while no other sync is under way', async () => {
  const { group, append, durable, written } = groupOf('always', 1);
  expect(group.syncsAtOnce(100)).toBe(true);
  written.write();
  expect(group.syncAtOnce({ kind: 'committed', position: 1 })).toEqual(committed(1));
  expect(durable).toEqual([1]);
  append();
  expect(group.syncsAtOnce(100)).toBe(false);
  await turn();
  written.syncs[0]();
  await turn();
  expect(group.syncsAtOnce(100)).toBe(true);
  written.write();
  written.failsAtOnce = true;
  expect(group.syncAtOnce({ kind: 'committed', position: 3 })).toEqual({
    kind: 'unknown',
    cause: group.failure,
  });
});

it('closes when the sync under way has ended, and leaves no timer', async () => {
  const { group, append, env, written } = groupOf('everysec');
  append();
  group.syncLater();
  await turn();
  let isClosed = false;
  void group.close().then(() => {
    isClosed = true;
  });
  await turn();
  expect(isClosed).toBe(false);
  written.syncs[0]();
  await turn();
  expect(isClosed).toBe(true);
  written.write();
  group.syncLater();
  group.fsync = 'everysec';
  env.advance(10_000);
  await turn();
  expect(written.syncs.length).toBe(1);
});
