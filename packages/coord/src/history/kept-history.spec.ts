import { SimulatedEnv } from '@holdfast/common/testing';
import { SimulatedDisk } from '@holdfast/log/testing';
import { MemoryStorage } from '@holdfast/storage';
import { stateOf } from '@holdfast/storage/testing';
import { describe, expect, it } from 'vitest';
import { type LocalStack, openLocalStack } from '../local-stack.js';
import { readAll } from '../testing/history-conformance.js';
import { StackClient } from '../testing/stack-client.js';

interface Machine {
  readonly env: SimulatedEnv;
  readonly disk: SimulatedDisk;
}

function machine(seed = 1): Machine {
  return { env: new SimulatedEnv(seed), disk: new SimulatedDisk(seed) };
}

function start(
  { env, disk }: Machine,
  log: 'none' | 'file',
  more: Record<string, string> = {},
): Promise<LocalStack> {
  return openLocalStack({
    env,
    disk,
    storage: 'memory',
    log,
    fsync: 'everysec',
    directory: '/data',
    segmentBytes: 16384,
    parameters: new Map(Object.entries({ 'history-bytes': '100000', ...more })),
  });
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The state that the history leads to, from an empty one. */
async function rebuilt({ history }: LocalStack, from: number): Promise<string[]> {
  const storage = new MemoryStorage({ uint32: () => 1, fill: (target) => target });
  for (const { mutations } of await readAll(history, from)) storage.apply(mutations, 0);
  return stateOf(storage);
}

async function writeSome(client: StackClient, round: number): Promise<void> {
  for (let i = 0; i < 30; i++) {
    await client.line(`SET key:${i} ${round}`);
    await client.line(`RPUSH list ${round} ${i}`);
    await client.line(`DEL key:${i - 2}`);
  }
  await client.line('MULTI');
  await client.line(`HSET hash f ${round} g ${round}`);
  await client.line(`SADD set ${round}`);
  await client.line('EXEC');
}

describe.each(['none', 'file'] as const)('the history of a server with log %s', (log) => {
  it('leads to the state that it has, with transactions as one commit', async () => {
    const stack = await start(machine(), log);
    const { oldest } = stack.history;
    const client = new StackClient(stack);
    for (let round = 0; round < 3; round++) await writeSome(client, round);
    expect(await rebuilt(stack, oldest)).toEqual(await stateOf(stack.storage));
    const commits = await readAll(stack.history, oldest);
    // 30 SET, 30 RPUSH, 28 DEL that find something, and a transaction.
    expect(commits).toHaveLength(3 * (30 + 30 + 28 + 1));
    await stack.close();
  });

  it('is switched on and off while it runs, and does not reach over a gap', async () => {
    const stack = await start(machine(), log, { 'history-bytes': '0' });
    const client = new StackClient(stack);
    await writeSome(client, 0);
    await expect(stack.history.read(0)).rejects.toMatchObject({ code: 'INVALID' });
    expect(await client.line('CONFIG SET history-bytes 1mb')).toBe('OK');
    const { oldest } = stack.history;
    await client.line('SET a 1');
    expect(await readAll(stack.history, oldest)).toHaveLength(1);
    await expect(stack.history.read(oldest - 1)).rejects.toMatchObject({ code: 'COMPACTED' });
    const waiting = stack.history.waitBeyond(stack.history.newest);
    expect(await client.line('CONFIG SET history-bytes 0')).toBe('OK');
    await waiting;
    await client.line('SET b 1');
    expect(await client.line('CONFIG SET history-bytes 1mb history-seconds 60')).toBe('OK');
    await expect(stack.history.read(oldest)).rejects.toMatchObject({ code: 'COMPACTED' });
    await stack.close();
  });

  it('goes on while a snapshot is saved', async () => {
    const stack = await start(machine(), log);
    const { oldest } = stack.history;
    const client = new StackClient(stack);
    await writeSome(client, 0);
    const saving = new StackClient(stack).line('SAVE');
    await writeSome(client, 1);
    await saving;
    await writeSome(client, 2);
    expect(await rebuilt(stack, oldest)).toEqual(await stateOf(stack.storage));
    await stack.close();
  });
});

describe('a history', () => {
  it('in the log goes on over a restart and over trims, and bounds what the log keeps', async () => {
    const on = machine(2);
    let stack = await start(on, 'file', { 'history-bytes': '60000' });
    let client = new StackClient(stack);
    await writeSome(client, 0);
    let at = stack.history.newest;
    const state = new MemoryStorage(on.env.random);
    for (const { mutations } of await readAll(stack.history, stack.history.oldest)) state.apply(mutations, 0);
    for (let round = 1; round < 12; round++) {
      await writeSome(client, round);
      if (round % 2 === 0) await client.line('SAVE');
      if (round % 4 === 3) {
        await stack.close();
        stack = await start(on, 'file', { 'history-bytes': '60000' });
        client = new StackClient(stack);
      }
      for (const { mutations, version } of await readAll(stack.history, at)) {
        state.apply(mutations, 0);
        at = version;
      }
      expect(await stateOf(state)).toEqual(await stateOf(stack.storage));
    }
    for (let round = 12; round < 30; round++) await writeSome(client, round);
    await client.line('SAVE');
    expect(stack.persistence!.log!.bytes).toBeLessThan(60_000 + 2 * 16_384);
    await expect(stack.history.read(at)).rejects.toMatchObject({ code: 'COMPACTED' });
    await stack.close();
  });

  it('lets go by itself what smaller bounds let go, and of a snapshot only what that covers', async () => {
    const on = machine(3);
    const stack = await start(on, 'file', { 'history-bytes': '10mb' });
    const client = new StackClient(stack);
    const { oldest } = stack.history;
    for (let round = 0; round < 20; round++) await writeSome(client, round);
    const { log } = stack.persistence!;
    const all = log!.bytes;
    expect(all).toBeGreaterThan(60_000);
    await client.line('CONFIG SET history-bytes 20kb');
    const letGo = async (): Promise<void> => {
      await on.env.advance(3000);
      for (let i = 0; i < 50; i++) await nextTurn();
    };
    await letGo();
    expect([log!.bytes, stack.history.oldest]).toEqual([all, oldest]);
    await client.line('CONFIG SET history-bytes 10mb');
    await client.line('SAVE');
    expect(log!.bytes).toBe(all);
    await client.line('CONFIG SET history-bytes 20kb');
    await letGo();
    expect(log!.bytes).toBeLessThan(20_480 + 2 * 16_384);
    expect(stack.history.oldest).toBeGreaterThan(oldest);
    await stack.close();
  });

  it('without bounds costs no journal and leaves no file', async () => {
    const on = machine();
    const without = await start(on, 'none', { 'history-bytes': '0' });
    expect(without.storage.journal).toBe(null);
    await without.close();
    const stack = await start(on, 'file', { 'history-bytes': '0' });
    expect(await on.disk.exists('/data/history')).toBe(false);
    await stack.close();
  });

  it('begins anew where the log is switched on and off', async () => {
    const on = machine();
    const stack = await start(on, 'none');
    const client = new StackClient(stack);
    await client.line('SET a 1');
    const first = stack.history.newest;
    expect(await client.line('CONFIG SET appendonly yes')).toBe('OK');
    await expect(stack.history.read(first)).rejects.toMatchObject({ code: 'COMPACTED' });
    await client.line('SET b 1');
    expect(await readAll(stack.history, stack.history.oldest)).toHaveLength(1);
    const second = stack.history.newest;
    expect(await client.line('CONFIG SET appendonly no')).toBe('OK');
    expect(await on.disk.exists('/data/history')).toBe(false);
    await expect(stack.history.read(second)).rejects.toMatchObject({ code: 'COMPACTED' });
    await client.line('SET c 1');
    expect(await readAll(stack.history, stack.history.oldest)).toHaveLength(1);
    expect(await client.line('CONFIG SET appendonly yes')).toBe('OK');
    await expect(stack.history.read(second)).rejects.toMatchObject({ code: 'COMPACTED' });
    await stack.close();
  });

  it('of a server without a log begins with each start', async () => {
    const on = machine();
    const first = await start(on, 'none');
    const client = new StackClient(first);
    await client.line('SET a 1');
    const seen = first.history.newest;
    await first.close();
    await on.env.advance(1000);
    const second = await start(on, 'none');
    await expect(second.history.read(seen)).rejects.toMatchObject({ code: 'COMPACTED' });
    await second.close();
  });
});
