import { SimulatedEnv } from '@holdfast/common/testing';
import type { Log, Refused } from '@holdfast/log';
import { MemoryStorage, stringForms } from '@holdfast/storage';
import { expect, it } from 'vitest';
import type { LeadershipRecord } from './leadership.js';
import { type LossReason, ReplicatedCommitter } from './replicated-committer.js';

const record: LeadershipRecord = {
  kind: 'leader',
  node: 'a',
  epoch: 1,
  leaseMs: 900,
  addresses: { redis: 'a:1', node: 'a:2' },
};

/** A committer to a log that takes everything, until another writer has appended. */
function committerOf(appendMs = 0) {
  const env = new SimulatedEnv();
  const storage = new MemoryStorage(env.random);
  let position = 1;
  const other = { hasAppended: false };
  const appended: number[] = [];
  const log: Partial<Log> = {
    batchBytesMax: 1 << 20,
    append: async (batch) => {
      appended.push(batch.length);
      env.advance(appendMs);
      const refused: Refused = { kind: 'refused', reason: 'position', tail: position };
      return other.hasAppended ? refused : { kind: 'committed', position: ++position };
    },
  };
  const losses: LossReason[] = [];
  let version = 0;
  const committer = new ReplicatedCommitter({
    storage,
    env,
    log: log as Log,
    record,
    position,
    beganMs: env.clock.monotonic(),
    nextVersion: () => ++version,
    onLost: (reason) => losses.push(reason),
  });
  const write = (length = 1): number => {
    storage.stamp.use(++version);
    const key = Buffer.from('k');
    const value = Buffer.alloc(length);
    storage.database(0).putString(0, key, 0, 1, value, 0, length, 0, stringForms.plain);
    return version;
  };
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { appended, committer, env, losses, other, turn, write };
}

it('renews the lease when nothing is written', async () => {
  const { committer, env, turn } = committerOf();
  for (let i = 0; i < 40; i++) {
    env.advance(100);
    await turn();
    expect(committer.hasLease).toBe(true);
  }
});

it('what is written after the lead was lost and before its owner hears of it counts as uncommitted', async () => {
  const { committer, env, losses, other, turn, write } = committerOf();
  write();
  committer.settle();
  await turn();
  expect(committer.isClean).toBe(true);
  other.hasAppended = true;
  let version = 0;
  // In the same turn of the loop as the refusal of a renewal, which has no data.
  const refused = committer.confirmed().catch(() => {
    version = write();
  });
  await refused;
  await turn();
  env.advance(1000);
  expect(losses).toEqual(['another']);
  expect(committer.fateOf(version)).toBe('dropped');
  expect(committer.isClean).toBe(false);
});

it('lets what many clients write gather for as long as the batch before it took', async () => {
  const { appended, committer, env, turn, write } = committerOf(7);
  const settle = async (length?: number): Promise<void> => {
    write(length);
    committer.settle();
    await turn();
  };
  await settle();
  await settle(10_000);
  expect(appended.length).toBe(2);
  await settle();
  await settle();
  env.advance(6);
  await turn();
  expect(appended.length).toBe(2);
  env.advance(1);
  await turn();
  expect(appended.length).toBe(3);
  expect(committer.isClean).toBe(true);
  // After a small one nothing waits, and nobody who waits for all to be settled waits for that.
  await settle();
  expect(appended.length).toBe(4);
  await settle(10_000);
  await settle();
  await committer.settled();
  expect(appended.length).toBe(6);
});
