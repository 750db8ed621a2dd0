import { SimulatedEnv } from '@holdfast/common/testing';
import type { Log, Refused } from '@holdfast/log';
import { MemoryStorage, stringForms } from '@holdfast/storage';
import { expect, it } from 'vitest';
import { momentOf } from './lead-lease.js';
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
  const other = { hasAppended: false, isSilent: false };
  const appended: number[] = [];
  const log: { -readonly [Name in keyof Log]?: Log[Name] } = {
    batchBytesMax: 1 << 20,
    append: async (batch) => {
      appended.push(batch.length);
      env.advance(appendMs);
      if (other.isSilent) return new Promise(() => {});
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
    began: momentOf(env.clock),
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
  return { appended, committer, env, log, losses, other, turn, write };
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

/** As `committerOf`, with a log that stores batches of 10,000 bytes and more until it is told that it has. */
function storingCommitterOf() {
  const made = committerOf();
  const stored: (() => void)[] = [];
  made.log.stage = (batch) =>
    batch.length < 10_000 ? null : new Promise((resolve) => stored.push(() => resolve({ batch })));
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 100) {
      made.env.advance(100);
      await made.turn();
    }
  };
  return { ...made, pass, stored };
}

it('a write that takes longer to store than the lease lasts does not cost the lead', async () => {
  const { appended, committer, env, losses, pass, stored, turn, write } = storingCommitterOf();
  const small = write();
  committer.settle();
  await turn();
  const long = write(20_000);
  committer.settle();
  const behind = write();
  committer.settle();
  const before = appended.length;
  for (let i = 0; i < 50; i++) {
    await pass(100);
    expect([committer.hasLease, committer.committedVersion]).toEqual([true, small]);
  }
  // One for each third of the lease, and none says that the write is there.
  expect(appended.length - before).toBeGreaterThan(12);
  expect(Math.max(...appended)).toBeLessThan(1000);
  stored[0]();
  await turn();
  env.advance(100);
  await turn();
  expect(committer.committedVersion).toBeGreaterThanOrEqual(behind);
  expect([committer.fateOf(long), committer.isClean, losses]).toEqual(['committed', true, []]);
});

it('what is stored is no sign of life: without renewals the lead is lost, and the write was not made', async () => {
  const { committer, losses, other, pass, turn, write } = storingCommitterOf();
  const long = write(20_000);
  committer.settle();
  await turn();
  other.isSilent = true;
  await pass(800);
  expect(losses).toEqual([]);
  await pass(700);
  expect([committer.hasLease, losses]).toEqual([false, ['unresolved']]);
  expect(committer.fateOf(long)).toBe('dropped');
});

it('a lead is handed over once a write is stored, and nobody campaigns until then', async () => {
  const { appended, committer, losses, pass, stored, turn, write } = storingCommitterOf();
  write(20_000);
  committer.settle();
  const concluded = committer.conclude({ kind: 'handover', to: 'b' });
  await pass(3000);
  expect(appended.length).toBeGreaterThan(7);
  expect([committer.hasLease, losses]).toEqual([false, []]);
  stored[0]();
  await turn();
  expect(await concluded).toBe(true);
  expect(appended.at(-2)).toBeGreaterThan(20_000);
});

it('after a sleep of the machine no reply that counts on the lease leaves before the log was asked again', async () => {
  const { appended, committer, env, losses, turn, write } = committerOf();
  committer.countsOnLease = true;
  const version = write();
  committer.settle();
  await turn();
  expect(committer.committedVersion).toBe(version);
  // The calendar goes on meanwhile, the monotonic clock does not.
  env.jumpClock(60_000);
  expect(committer.committedVersion).toBe(Number.NEGATIVE_INFINITY);
  expect(committer.fateOf(version)).toBe('unknown');
  const before = appended.length;
  env.advance(record.leaseMs / 12);
  await turn();
  expect(appended.length).toBe(before + 1);
  expect([committer.committedVersion, losses]).toEqual([version, []]);
});
