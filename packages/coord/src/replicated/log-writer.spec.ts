import { KvError } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import type { AppendOutcome, Committed, Log, Refused, Staged } from '@holdfast/log';
import { expect, it } from 'vitest';
import { momentOf } from './lead-lease.js';
import { type LeaderBatch, LogWriter, type WriteLoss } from './log-writer.js';

/** A log that answers what it is told to, and a writer of it. */
function writerOf() {
  const env = new SimulatedEnv();
  const appends: {
    byte: number;
    after: number;
    staged: Staged | undefined;
    answer: (outcome: AppendOutcome | KvError) => void;
  }[] = [];
  const resolutions: ((answer: (Committed | Refused)[] | KvError) => void)[] = [];
  const answered =
    <T>(resolve: (answer: T) => void, reject: (error: KvError) => void) =>
    (answer: T | KvError): void =>
      answer instanceof KvError ? reject(answer) : resolve(answer);
  const log: { -readonly [Name in keyof Log]?: Log[Name] } = {
    append: (batch, after, _epoch, staged) =>
      new Promise((resolve, reject) => {
        appends.push({ byte: batch[0], after, staged, answer: answered(resolve, reject) });
      }),
    resolve: () => new Promise((resolve, reject) => resolutions.push(answered(resolve, reject))),
  };
  const committed: number[] = [];
  const losses: WriteLoss[] = [];
  const writer = new LogWriter({
    env,
    log: log as Log,
    epoch: 3,
    position: 10,
    began: momentOf(env.clock),
    onCommitted: ({ version }) => {
      committed.push(version);
      writer.begin();
    },
    onLost: (reason) => losses.push(reason),
  });
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  /** Time passes, and who waited goes on. */
  const pass = async (ms: number): Promise<void> => {
    env.advance(ms);
    await turn();
  };
  return { appends, committed, env, log, losses, pass, resolutions, turn, writer };
}

const batchOf = (version: number): LeaderBatch => ({
  bytes: Uint8Array.of(version),
  version,
  hasData: true,
  isLast: false,
});
const at = (position: number): Committed => ({ kind: 'committed', position });
const refused = (reason: Refused['reason']): Refused => ({ kind: 'refused', reason, tail: 10 });
const unknown: AppendOutcome = { kind: 'unknown', cause: new Error('no answer') };

it('has one append on its way, each after the one before', async () => {
  const { appends, committed, turn, writer } = writerOf();
  for (const version of [1, 2, 3]) writer.put(batchOf(version));
  expect(appends).toEqual([]);
  writer.begin();
  writer.begin();
  expect(appends).toMatchObject([{ byte: 1, after: 10 }]);
  expect(writer.last?.version).toBe(3);
  appends[0].answer(at(11));
  await turn();
  appends[1].answer(at(12));
  await turn();
  appends[2].answer(at(13));
  await turn();
  expect(appends.map(({ after }) => after)).toEqual([10, 11, 12]);
  expect(committed).toEqual([1, 2, 3]);
  expect([writer.sending, writer.last, writer.position]).toEqual([null, null, 13]);
});

it('resolves an append without an answer before it appends anything else', async () => {
  const { appends, committed, pass, resolutions, turn, writer } = writerOf();
  writer.put(batchOf(1));
  writer.put(batchOf(2));
  writer.begin();
  appends[0].answer(unknown);
  await turn();
  expect([appends.length, resolutions.length]).toEqual([1, 1]);
  resolutions[0](new KvError('UNAVAILABLE', 'not yet'));
  await turn();
  await pass(20);
  expect(resolutions.length).toBe(2);
  resolutions[1]([at(11)]);
  await turn();
  expect(committed).toEqual([1]);
  expect(appends.map(({ byte, after }) => [byte, after])).toEqual([
    [1, 10],
    [2, 11],
  ]);
});

it('appends again what got lost, or was refused for now, as one append that began when it was first tried', async () => {
  const { appends, losses, pass, resolutions, turn, writer } = writerOf();
  writer.put(batchOf(1));
  writer.begin();
  const { beganMs } = writer;
  appends[0].answer(unknown);
  await turn();
  resolutions[0]([refused('unavailable')]);
  await turn();
  await pass(20);
  appends[1].answer(refused('disk'));
  await turn();
  await pass(20);
  expect(appends.map(({ byte, after }) => [byte, after])).toEqual([
    [1, 10],
    [1, 10],
    [1, 10],
  ]);
  expect(writer.beganMs).toBe(beganMs);
  expect(losses).toEqual([]);
});

it('is lost when another has appended, and what it sent is known not to be there', async () => {
  for (const reason of ['position', 'epoch', 'sealed'] as const) {
    const { appends, losses, turn, writer } = writerOf();
    writer.put(batchOf(1));
    writer.begin();
    appends[0].answer(refused(reason));
    await turn();
    expect(losses).toEqual(['another']);
    expect(writer.appending).toBeNull();
  }
});

it('is lost when nobody can tell what became of an append, which stays under way', async () => {
  const { appends, losses, resolutions, turn, writer } = writerOf();
  writer.put(batchOf(1));
  writer.begin();
  appends[0].answer(unknown);
  await turn();
  resolutions[0](new KvError('UNDETERMINED', 'nobody can tell'));
  await turn();
  expect(losses).toEqual(['unresolved']);
  expect(writer.sending?.version).toBe(1);
});

it('is lost with a batch that the log does not take, or a log that is closed', async () => {
  for (const [code, loss] of [
    ['LIMIT', 'limit'],
    ['CLOSED', 'closed'],
  ] as const) {
    const { appends, losses, turn, writer } = writerOf();
    writer.put(batchOf(1));
    writer.begin();
    appends[0].answer(new KvError(code, 'no'));
    await turn();
    expect(losses).toEqual([loss]);
  }
});

it('tells who waits for a batch, and sends nothing more once it is stopped', async () => {
  const { appends, committed, pass, turn, writer } = writerOf();
  const [first, second] = [batchOf(1), batchOf(2)];
  writer.put(first);
  writer.put(second);
  writer.begin();
  const outcomes = Promise.allSettled([writer.settled(first), writer.settled(second)]);
  appends[0].answer(at(11));
  await turn();
  appends[1].answer(refused('disk'));
  await turn();
  writer.stop(new KvError('UNDETERMINED', 'stopped'));
  expect(await outcomes).toMatchObject([
    { status: 'fulfilled', value: 11 },
    { status: 'rejected', reason: { code: 'UNDETERMINED' } },
  ]);
  await pass(100);
  writer.put(batchOf(3));
  writer.begin();
  expect(appends.length).toBe(2);
  expect(committed).toEqual([1]);
});

/** As `writerOf`, and batches of version 100 and more are so long that they are stored first. */
function longWriterOf() {
  const made = writerOf();
  const stagings: { signal: AbortSignal; answer: (answer: Staged | KvError) => void }[] = [];
  made.log.stage = (batch, signal) => {
    if (batch[0] < 100) return null;
    return new Promise((resolve, reject) => {
      stagings.push({
        signal,
        answer: (answer) => (answer instanceof KvError ? reject(answer) : resolve(answer)),
      });
    });
  };
  return { ...made, stagings };
}

const renewal = (version: number): LeaderBatch => ({ ...batchOf(version), hasData: false });

it('renews the lead while a long batch is stored, and appends that behind', async () => {
  const { appends, committed, env, stagings, turn, writer } = longWriterOf();
  writer.put(batchOf(100));
  writer.put(batchOf(101));
  writer.begin();
  expect([appends.length, writer.isStaging, writer.appending]).toEqual([0, true, null]);
  env.advance(500);
  writer.renew(renewal(1));
  writer.renew(renewal(2));
  expect(writer.beganMs).toBe(env.clock.monotonic());
  expect(appends.map(({ byte, after }) => [byte, after])).toEqual([[1, 10]]);
  appends[0].answer(at(11));
  await turn();
  writer.renew(renewal(3));
  const staged = { batch: Uint8Array.of(100) };
  stagings[0].answer(staged);
  await turn();
  // One at a time: the renewal is still on its way.
  expect([appends.length, writer.isStaging]).toEqual([2, false]);
  writer.renew(renewal(4));
  env.advance(500);
  appends[1].answer(at(12));
  await turn();
  expect(appends[2]).toMatchObject({ byte: 100, after: 12, staged });
  expect(writer.beganMs).toBe(env.clock.monotonic());
  appends[2].answer(refused('unavailable'));
  await turn();
  env.advance(20);
  expect(appends[3]).toMatchObject({ byte: 100, after: 12, staged });
  appends[3].answer(at(13));
  await turn();
  expect(committed).toEqual([1, 3, 100]);
  expect([stagings.length, writer.isStaging, writer.sending?.version]).toEqual([2, true, 101]);
});

it('knows that a batch that was only stored is not in the log, when another has appended meanwhile', async () => {
  const { appends, losses, stagings, turn, writer } = longWriterOf();
  writer.put(batchOf(100));
  writer.begin();
  writer.renew(renewal(1));
  appends[0].answer(refused('epoch'));
  await turn();
  expect(losses).toEqual(['another']);
  expect(writer.appending).toBeNull();
  writer.stop(new KvError('UNDETERMINED', 'lost'));
  expect(stagings[0].signal.aborted).toBe(true);
  stagings[0].answer({ batch: Uint8Array.of(100) });
  await turn();
  expect([appends.length, losses.length]).toEqual([1, 1]);
});

it('stores a batch again when there was no room, and is lost with one that can not be stored', async () => {
  const { appends, losses, pass, stagings, turn, writer } = longWriterOf();
  writer.put(batchOf(100));
  writer.begin();
  stagings[0].answer(new KvError('DISK', 'full'));
  await turn();
  expect(writer.isStaging).toBe(true);
  await pass(20);
  expect(stagings.length).toBe(2);
  stagings[1].answer(new KvError('LIMIT', 'too long'));
  await turn();
  expect([losses, appends]).toEqual([['limit'], []]);
});

/** As `longWriterOf`, with a log that tells what is removed again. */
function forgettingWriterOf() {
  const made = longWriterOf();
  const unstaged: Staged[] = [];
  made.log.unstage = async (staged) => void unstaged.push(staged);
  const staged = { batch: Uint8Array.of(100) };
  made.writer.put(batchOf(100));
  made.writer.begin();
  return { ...made, staged, unstaged };
}

it('has removed what was stored for a batch that is never appended, because the lead was lost before', async () => {
  const { appends, staged, stagings, turn, unstaged, writer } = forgettingWriterOf();
  writer.renew(renewal(1));
  stagings[0].answer(staged);
  await turn();
  // The renewal is on its way.
  expect(appends.length).toBe(1);
  writer.stop(new KvError('UNDETERMINED', 'lost'));
  writer.stop(new KvError('UNDETERMINED', 'closed'));
  expect(unstaged).toEqual([staged]);
});

it('has removed what was stored when nobody wanted it any more', async () => {
  const { staged, stagings, turn, unstaged, writer } = forgettingWriterOf();
  writer.stop(new KvError('UNDETERMINED', 'lost'));
  stagings[0].answer(staged);
  await turn();
  expect(unstaged).toEqual([staged]);
});

it('leaves what was stored where its append may be in the log', async () => {
  const { appends, staged, stagings, turn, unstaged, writer } = forgettingWriterOf();
  stagings[0].answer(staged);
  await turn();
  appends[0].answer(unknown);
  await turn();
  writer.stop(new KvError('UNDETERMINED', 'lost'));
  expect(unstaged).toEqual([]);
});

it('has removed what was stored when its append was refused for good', async () => {
  const { appends, losses, staged, stagings, turn, unstaged, writer } = forgettingWriterOf();
  stagings[0].answer(staged);
  await turn();
  appends[0].answer(refused('epoch'));
  await turn();
  expect(losses).toEqual(['another']);
  writer.stop(new KvError('UNDETERMINED', 'lost'));
  expect(unstaged).toEqual([staged]);
});
