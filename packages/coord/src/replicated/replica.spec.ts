import { KvError, Request } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { KV } from '@holdfast/engine';
import type { AppendOutcome, Position } from '@holdfast/log';
import { MemoryLog } from '@holdfast/log/testing';
import { LevelStorage, MemoryStorage, type Storage } from '@holdfast/storage';
import { SimulatedContent, SimulatedOrderedStore } from '@holdfast/storage/testing';
import { LocalOracle, MemoryHighWaterMark } from '@holdfast/tso';
import { afterEach, describe, expect, it } from 'vitest';
import { KeptHistory } from '../history/kept-history.js';
import { LocalCoordinator } from '../local-coordinator.js';
import { readAll } from '../testing/history-conformance.js';
import { StackClient } from '../testing/stack-client.js';
import { anyRoom, type LogRoom } from './log-room.js';
import { LocalFront } from './oracle-front.js';
import { Replica } from './replica.js';
import { ReplicaState } from './replica-state.js';
import type { Role } from './role.js';
import { noSnapshots } from './snapshot-source.js';

const leaseMs = 1000;

/** A log whose appends get lost when that is asked for, so that nobody can ever tell, or are answered late. */
class LossyLog extends MemoryLog {
  losesNext = false;
  /** What answers the next append, when it comes to that. */
  nextAnswer: Promise<AppendOutcome> | null = null;
  /** Nobody answers. */
  isAway = false;
  #hasLost = false;

  override async append(batch: Uint8Array, after: Position, epoch: number): Promise<never> {
    const answer = this.nextAnswer;
    this.nextAnswer = null;
    if (answer !== null) return (await answer) as never;
    if (this.isAway) return { kind: 'unknown', cause: new Error('no answer') } as never;
    const outcome: AppendOutcome = this.losesNext
      ? { kind: 'unknown', cause: new Error('no answer') }
      : await super.append(batch, after, epoch);
    this.#hasLost = this.losesNext;
    this.losesNext = false;
    return outcome as never;
  }

  override async resolve(): Promise<never[]> {
    if (this.isAway) throw new KvError('UNAVAILABLE', 'nobody answers');
    if (!this.#hasLost) return [];
    this.#hasLost = false;
    throw new KvError('UNDETERMINED', 'nobody can tell');
  }
}

/** The only replica of a shard. `failures`: how often its storage can't be opened again. */
async function openReplica(open?: (env: SimulatedEnv) => Promise<Storage>, room?: LogRoom) {
  const env = new SimulatedEnv();
  const log = new LossyLog();
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const disk = { failures: 0 };
  const openStorage = async (): Promise<Storage> => {
    if (disk.failures-- > 0) throw new KvError('DISK', 'the disk is gone');
    return open?.(env) ?? new MemoryStorage(env.random);
  };
  const place = { openStorage, resetStorage: openStorage, snapshots: null };
  const state = await ReplicaState.open({ shard: 's', env, log, place, source: noSnapshots, onError });
  const oracle = await LocalOracle.open({ env, mark: new MemoryHighWaterMark() });
  const kv = new KV({ storage: state.storage, oracle, env });
  const coordinator = new LocalCoordinator({ kv, env });
  const bounds = { bytes: 100_000, seconds: 0 };
  const history = new KeptHistory({ clock: env.clock, oracle, place: null, bounds });
  history.beginReplicated();
  const replica = new Replica({
    shard: 's',
    node: 'a',
    addresses: { redis: 'a:1', node: 'a:2' },
    env,
    log,
    state,
    coordinator,
    front: new LocalFront(oracle),
    leaseMs,
    history,
    onError,
    ...(room && { room }),
  });
  const until = async (condition: () => boolean): Promise<void> => {
    for (let i = 0; !condition(); i++) {
      if (i > 2000) throw new Error(`the replica is still ${replica.role}`);
      env.advance(5);
      await new Promise(setImmediate);
    }
  };
  const enters = (role: Role): Promise<void> => until(() => replica.role === role);
  opened.push({ env, replica });
  return { coordinator, disk, enters, env, errors, kv, log, replica, until };
}

const opened: { readonly env: SimulatedEnv; readonly replica: Replica }[] = [];

afterEach(async () => {
  for (const { env, replica } of opened.splice(0)) await env.until(replica.close());
});

it('leads when it has heard of nobody for longer than a lease', async () => {
  const { coordinator, enters, env, replica } = await openReplica();
  await enters('follower');
  expect(replica.leader).toBeNull();
  await enters('leader');
  expect(env.clock.monotonic()).toBeGreaterThan(leaseMs);
  expect(replica.leader).toMatchObject({ node: 'a', epoch: 1 });
  await new Promise(setImmediate);
  expect(new StackClient({ coordinator }).run('SET k v').reply).toBe('OK');
});

it('said that it led while its log could not be reached, and knows for how long nobody did since', async () => {
  const { enters, env, log, replica } = await openReplica();
  await enters('leader');
  expect(replica.leaderlessMs).toBe(0);
  log.isAway = true;
  await enters('follower');
  expect(replica.leader).toBeNull();
  expect(replica.leaderlessMs).toBeLessThan(leaseMs);
  for (let i = 0; i < 100; i++) {
    env.advance(100);
    await new Promise(setImmediate);
  }
  expect([replica.role, replica.leaderlessMs >= 10_000]).toEqual(['follower', true]);
  log.isAway = false;
  await enters('leader');
  expect([replica.leaderlessMs, replica.leader?.node]).toEqual([0, 'a']);
});

it('gives up what may never have been, and does not follow or lead before that has worked', async () => {
  const { coordinator, disk, enters, errors, log, replica, until } = await openReplica();
  await enters('leader');
  await new Promise(setImmediate);
  expect(new StackClient({ coordinator }).run('SET k old').reply).toBe('OK');
  await until(() => replica.position === 2);
  disk.failures = 3;
  log.losesNext = true;
  expect(new StackClient({ coordinator }).run('SET k new').reply).toBe('OK');
  await until(() => errors.length > 0);
  for (let count = 1; count < 3; count++) {
    expect(replica.role).toBe('starting');
    expect(replica.isSound).toBe(false);
    await until(() => errors.length > count);
  }
  await enters('leader');
  await new Promise(setImmediate);
  expect(new StackClient({ coordinator }).run('GET k').reply).toBe('old');
  expect(errors.length).toBe(3);
});

it('leaves nothing on its own disk that was executed and not handed over when it lost the lead', async () => {
  const content = new SimulatedContent();
  const openLevel = (env: SimulatedEnv) =>
    LevelStorage.over(new SimulatedOrderedStore(content), env, 'the disk');
  const { coordinator, enters, log, until, replica } = await openReplica(openLevel);
  await enters('leader');
  await new Promise(setImmediate);
  const client = new StackClient({ coordinator });
  client.run('SET k a');
  client.run('APPEND k b');
  await until(() => replica.position > 2);
  // A read is being confirmed by an append without data: what is written meanwhile gathers behind it.
  let answer!: (outcome: AppendOutcome) => void;
  log.nextAnswer = new Promise((resolve) => {
    answer = resolve;
  });
  client.run('GET k');
  expect(client.run('APPEND k c').reply).toBe(3);
  answer({ kind: 'refused', reason: 'position', tail: replica.position });
  await until(() => replica.role !== 'leader');
  await enters('leader');
  await new Promise(setImmediate);
  const reader = new StackClient({ coordinator });
  reader.run('GET k');
  await until(() => reader.session.dependsOn <= coordinator.committedVersion);
  expect(new StackClient({ coordinator }).run('GET k').reply).toBe('ab');
});

it('filled memory while its disk took nothing: it takes no writes then, and applies none of others', async () => {
  const stuck = { isStuck: false, failure: new KvError('DISK', 'no space') };
  const openStuck = async ({ random }: SimulatedEnv): Promise<Storage> =>
    Object.defineProperties(new MemoryStorage(random), {
      isStuck: { get: () => stuck.isStuck },
      failure: { get: () => (stuck.isStuck ? stuck.failure : null) },
    });
  const { coordinator, enters, env, log, replica, until } = await openReplica(openStuck);
  await enters('leader');
  await new Promise(setImmediate);
  const client = new StackClient({ coordinator });
  expect(client.run('SET k a').reply).toBe('OK');
  stuck.isStuck = true;
  expect(client.run('SET k b').reply).toMatchObject({
    message: 'MISCONF Errors writing to the disk: no space',
  });
  await until(() => replica.position > 2);
  await replica.handOver('b');
  await enters('follower');
  const { position } = replica;
  expect(await log.append(Buffer.alloc(0), log.committedPosition, 100)).toMatchObject({ kind: 'committed' });
  for (let i = 0; i < 10; i++) {
    env.advance(100);
    await new Promise(setImmediate);
  }
  expect(replica.position).toBe(position);
  stuck.isStuck = false;
  await until(() => replica.position > position);
});

describe('what writes more than its arguments', () => {
  /** A leader with two equal sets of so many members of 100,000 bytes, and a string of as many bytes. */
  async function leaderWith(members: number, room?: LogRoom) {
    const made = await openReplica(undefined, room);
    await made.enters('leader');
    await new Promise(setImmediate);
    const client = new StackClient(made);
    const length = 100_000;
    const names = Array.from({ length: members }, (_, i) => `${i}`.padEnd(length, 'x'));
    for (const key of ['s', 't']) expect(await client.line(`SADD ${key} ${names.join(' ')}`)).toBe(members);
    expect(await client.line(`SET k ${'x'.repeat(length * members)}`)).toBe('OK');
    return { ...made, client };
  }

  it('is refused beyond what a request may have, where it cost the shard its lead, and nothing of it is done', async () => {
    const { client, replica } = await leaderWith(300);
    const refused = 'ERR the write has more than 67043328 bytes, too many for the log';
    expect(await client.line('COPY k c')).toBe(1);
    for (const line of ['MULTI', 'SUNIONSTORE c s t', 'COPY k d', 'COPY k e', 'SET f 1']) client.run(line);
    expect(await client.line('EXEC')).toEqual([300, 1, new Error(refused), 'OK']);
    const script = "for\ti=1,3\tdo\tredis.call('COPY','k','g'..i)\tend";
    expect(String(await client.line(`EVAL ${script} 0`))).toContain(refused);
    expect(await client.line('EXISTS c d e f g1 g2 g3')).toBe(5);
    expect([replica.role, replica.leader?.epoch]).toEqual(['leader', 1]);
  });

  it('is refused while etcd is nearly full, where it took the room of all others', async () => {
    let roomBytes = 100_000_000;
    const room = {
      ...anyRoom,
      get roomBytes() {
        return roomBytes;
      },
    };
    const { client, coordinator, replica, until } = await leaderWith(20, room);
    expect(await client.line('COPY s c')).toBe(1);
    roomBytes = 0;
    const { dependsOn } = client.run('SET a 1');
    await until(() => coordinator.committedVersion >= dependsOn);
    const refused = 'ERR the write has more than 1048576 bytes, too many for etcd, which is nearly full';
    expect(await client.line('COPY s d')).toEqual(new Error(refused));
    expect(await client.line('SUNIONSTORE d s')).toEqual(new Error(refused));
    expect(await client.line('SMOVE s d none')).toBe(0);
    expect(await client.line('EXISTS a c d')).toBe(2);
    expect(replica.role).toBe('leader');
  });
});

it('lets commands in although a library of functions can not be loaded', async () => {
  const { coordinator, enters, errors, kv } = await openReplica();
  kv.scripting.functions.prepare = () => {
    throw new KvError('CORRUPT', 'a library of functions can not be loaded');
  };
  await enters('leader');
  await new Promise(setImmediate);
  expect(errors).toMatchObject([{ code: 'CORRUPT' }]);
  expect(new StackClient({ coordinator }).run('SET k v').reply).toBe('OK');
});

it('is handed over to one node at a time', async () => {
  const { coordinator, enters, env, kv, replica } = await openReplica();
  await expect(replica.handOver('b')).rejects.toMatchObject({ code: 'INVALID' });
  await enters('leader');
  const client = new StackClient({ coordinator });
  const handedOver = replica.handOver('b');
  await expect(replica.handOver('c')).rejects.toMatchObject({ code: 'INVALID' });
  await expect(replica.suspend()).rejects.toMatchObject({ code: 'INVALID' });
  await env.until(handedOver);
  expect(replica.role).toBe('follower');
  expect(kv.isFollower).toBe(true);
  expect(client.run('SET k v').reply).toBeInstanceOf(Error);
});

it('holds commands back while it is suspended, and lets them go on', async () => {
  const { coordinator, enters, env, replica, until } = await openReplica();
  await enters('leader');
  const client = new StackClient({ coordinator });
  const goOn = await env.until(replica.suspend());
  const { position } = replica;
  expect(client.run('SET k v').reply).toBeUndefined();
  for (let i = 0; i < 5; i++) {
    env.advance(leaseMs / 5);
    await new Promise(setImmediate);
  }
  expect(replica.position).toBe(position);
  goOn();
  await new Promise(setImmediate);
  expect(client.take()).toBe('OK');
  await until(() => replica.position > position);
});

it('keeps the history of what is committed, and goes on with it as the next leader', async () => {
  const { coordinator, enters, env, log, replica, until } = await openReplica();
  const history = replica.history!;
  await expect(history.read(0)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await enters('leader');
  const { oldest } = history;
  await new Promise(setImmediate);
  const client = new StackClient({ coordinator });
  client.run('SET k old');
  await until(() => replica.position === 2);
  const before = await readAll(history, oldest);
  expect(before).toHaveLength(1);
  // Executed, and never to be known whether it is in the log.
  log.losesNext = true;
  client.run('SET k new');
  expect(await readAll(history, oldest)).toEqual(before);
  await until(() => replica.role !== 'leader');
  await enters('leader');
  await new Promise(setImmediate);
  expect(await readAll(history, oldest)).toEqual(before);
  new StackClient({ coordinator }).run('SET other v');
  await until(() => history.newest > before[0].version && replica.position >= 4);
  const all = await env.until(readAll(history, oldest));
  expect(all).toHaveLength(2);
  expect(all[0]).toEqual(before[0]);
});

it('says that all is in its history up to a version, once it has asked the log', async () => {
  const { coordinator, enters, env, replica } = await openReplica();
  await expect(replica.offers.past(0, 1)).rejects.toMatchObject({ code: 'UNAVAILABLE', version: 0 });
  await enters('leader');
  const { oldest } = replica.history!;
  await new Promise(setImmediate);
  const client = new StackClient({ coordinator });
  client.run('SET a 1');
  client.run('SET b 1');
  const version = client.session.dependsOn + 1000;
  const { batches } = await env.until(replica.offers.past(oldest, version));
  expect(replica.history!.newest).toBeGreaterThan(version);
  const bytes: Uint8Array[] = [];
  for await (const batch of batches) bytes.push(batch);
  const storage = new MemoryStorage(env.random);
  for (const batch of bytes) storage.apply(batch, 0);
  expect(storage.keyCount(0)).toBe(2);
});

it('a script that writes more than the log takes is told so, and costs nobody the lead', async () => {
  const { coordinator, enters, env, log, replica } = await openReplica();
  Object.defineProperty(log, 'batchBytesMax', { value: 200_000 });
  await enters('leader');
  await new Promise(setImmediate);
  const client = new StackClient({ coordinator });
  const script = "for i=1,3 do redis.call('SET',KEYS[1]..i,string.rep('x',60000)) end".replaceAll(' ', '\t');
  const { reply } = client.run(`EVAL ${script} 1 k`);
  expect(String(reply)).toContain('ERR the write has more than 134464 bytes');
  // As after any other error in a script: what it had written stays.
  expect(client.run('EXISTS k1 k2 k3').reply).toBe(2);
  env.advance(leaseMs / 2);
  await new Promise(setImmediate);
  expect(replica.role).toBe('leader');
});

it('the libraries of functions that it shows are committed, and it leads still', async () => {
  const { coordinator, enters } = await openReplica();
  await enters('leader');
  await new Promise(setImmediate);
  const [loader, reader] = [new StackClient({ coordinator }), new StackClient({ coordinator })];
  const library = "#!lua name=l\nredis.register_function('f', function() return 1 end)";
  coordinator.beginTurn();
  coordinator.coordinate(loader.session, Request.of('FUNCTION', 'LOAD', library), loader.reply);
  coordinator.settle();
  const written = loader.session.dependsOn;
  expect(written).toBeGreaterThan(coordinator.committedVersion);
  for (const line of ['FUNCTION LIST', 'FUNCTION DUMP']) {
    expect(reader.run(line).dependsOn).toBeGreaterThan(written);
  }
});
