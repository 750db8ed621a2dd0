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
function committerOf() {
  const env = new SimulatedEnv();
  const storage = new MemoryStorage(env.random);
  let position = 1;
  const other = { hasAppended: false };
  const log: Partial<Log> = {
    batchBytesMax: 1 << 20,
    append: async () => {
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
  const write = (): number => {
    storage.stamp.use(++version);
    const key = Buffer.from('k');
    storage.database(0).putString(0, key, 0, 1, key, 0, 1, 0, stringForms.plain);
    return version;
  };
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { committer, env, losses, other, turn, write };
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
