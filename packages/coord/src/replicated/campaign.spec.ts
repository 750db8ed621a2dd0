import { KvError } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import type { AppendOutcome, Committed, Log, LogState, Refused } from '@holdfast/log';
import { MemoryStorage } from '@holdfast/storage';
import { expect, it } from 'vitest';
import { Candidate } from './campaign.js';
import { Election } from './election.js';
import { shardRecordOf } from './leadership.js';
import { retryDelayMs } from './limits.js';
import { ReplicaState } from './replica-state.js';
import { noSnapshots } from './snapshot-source.js';

const leaseMs = 1000;

/** A candidate for a log at position 0 with the last epoch 4, whose answers are given. */
function candidateFor(answers: {
  readonly tail?: number;
  readonly append: AppendOutcome;
  readonly resolve?: () => (Committed | Refused)[];
}) {
  const env = new SimulatedEnv();
  const appended: { batch: Uint8Array; epoch: number }[] = [];
  let resolutions = 0;
  const state: LogState = { head: 1, tail: answers.tail ?? 0, epoch: 4, isSealed: false };
  const log: Partial<Log> = {
    state: async () => state,
    // The first one only sees to it that nothing is unresolved.
    resolve: async () => (resolutions++ === 0 ? [] : (answers.resolve?.() ?? [])),
    append: async (batch, _after, epoch) => {
      appended.push({ batch, epoch });
      return answers.append;
    },
  };
  const storage = new MemoryStorage(env.random);
  const place = { openStorage: async () => storage, resetStorage: async () => storage, snapshots: null };
  const options = { shard: 's', env, log: log as Log, place, source: noSnapshots, onError: () => {} };
  const replicaState = ReplicaState.over(storage, 0, options);
  const election = new Election({ env, node: 'a', leaseMs });
  const candidate = new Candidate({
    env,
    log: log as Log,
    node: 'a',
    addresses: { redis: 'a:1', node: 'a:2' },
    leaseMs,
    state: replicaState,
    election,
    catchUp: async () => {},
  });
  election.hurry();
  return { appended, candidate, election, env, state: replicaState };
}

const committed: Committed = { kind: 'committed', position: 1 };
const refused: Refused = { kind: 'refused', reason: 'position', tail: 1 };
const unknown: AppendOutcome = { kind: 'unknown', cause: new Error('no answer') };

it('wins with the epoch after the last, and has applied the entry that says so', async () => {
  const { appended, candidate, election, state } = candidateFor({ append: committed });
  const victory = await candidate.campaign();
  expect(victory?.record).toMatchObject({ kind: 'leader', node: 'a', epoch: 5, leaseMs });
  expect(appended.map(({ epoch }) => epoch)).toEqual([5]);
  expect(shardRecordOf(appended[0].batch)).toEqual(victory?.record);
  expect(state.position).toBe(1);
  expect(election.leader?.node).toBe('a');
});

it('loses to whoever was faster, and waits before it tries again', async () => {
  const { candidate, election, state } = candidateFor({ append: refused });
  expect(await candidate.campaign()).toBeNull();
  expect(state.position).toBe(0);
  expect(election.leftMs).toBe(retryDelayMs);
});

it('finds out what became of an append without an answer, either way', async () => {
  const won = candidateFor({ append: unknown, resolve: () => [committed] });
  expect(await won.candidate.campaign()).not.toBeNull();
  const lost = candidateFor({ append: unknown, resolve: () => [refused] });
  expect(await lost.candidate.campaign()).toBeNull();
  const open = candidateFor({
    append: unknown,
    resolve: () => {
      throw new KvError('UNAVAILABLE', 'not yet');
    },
  });
  await expect(open.candidate.campaign()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(open.state.position).toBe(0);
});

it('does not run while somebody else may lead, or before it has applied all there is', async () => {
  const heard = candidateFor({ append: committed });
  heard.election.defer();
  expect(await heard.candidate.campaign()).toBeNull();
  const behind = candidateFor({ append: committed, tail: 3 });
  expect(await behind.candidate.campaign()).toBeNull();
  expect([...heard.appended, ...behind.appended]).toEqual([]);
});
