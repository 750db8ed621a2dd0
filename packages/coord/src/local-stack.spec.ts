import type { KvError } from '@holdfast/common';
import { SeededRandom, SimulatedEnv } from '@holdfast/common/testing';
import type { LogLevel } from '@holdfast/engine';
import type { FsyncPolicy } from '@holdfast/log';
import { SimulatedDisk } from '@holdfast/log/testing';
import { describe, expect, it } from 'vitest';
import { type LocalStack, openLocalStack } from './local-stack.js';
import { closeWaitMs } from './stack-end.js';
import { StackClient } from './testing/index.js';

interface Machine {
  readonly env: SimulatedEnv;
  readonly disk: SimulatedDisk;
  fatal: KvError | null;
}

function machine(seed = 1): Machine {
  return { env: new SimulatedEnv(seed), disk: new SimulatedDisk(seed), fatal: null };
}

function start(
  on: Machine,
  fsync: FsyncPolicy = 'always',
  inlineSyncMsMax = 0,
  onLog: (level: LogLevel, message: string) => void = () => {},
): Promise<LocalStack> {
  const directory = '/data';
  const { env, disk } = on;
  const onFatal = (error: KvError): void => {
    on.fatal = error;
  };
  return openLocalStack({
    env,
    disk,
    storage: 'memory',
    log: 'file',
    fsync,
    directory,
    onFatal,
    segmentBytes: 1 << 20,
    inlineSyncMsMax,
    onLog,
  });
}

async function untilCommitted({ coordinator }: LocalStack, version: number): Promise<void> {
  for (let i = 0; i < 10_000 && coordinator.committedVersion < version; i++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  expect(coordinator.committedVersion).toBeGreaterThanOrEqual(version);
}

describe('a memory storage over a file log', () => {
  it('finds everything again after an orderly end', async () => {
    const on = machine();
    const first = await start(on);
    const client = new StackClient(first);
    client.run('SET a 1');
    client.run('SET b 2 PX 100000');
    await first.close();
    const second = await start(on);
    expect(second.recovered).toMatchObject({ from: 0, entries: 2 });
    const again = new StackClient(second);
    expect(again.run('GET a').reply).toBe('1');
    expect(again.run('GET b').reply).toBe('2');
    on.env.advance(100_000);
    expect(again.run('GET b').reply).toBe(null);
    await second.close();
  });

  it('gives versions that increase over a restart and a clock that went back', async () => {
    const on = machine();
    const first = await start(on);
    const { dependsOn } = new StackClient(first).run('SET a 1');
    await first.close();
    on.env.jumpClock(-86_400_000);
    const second = await start(on);
    expect(new StackClient(second).run('SET a 2').dependsOn).toBeGreaterThan(dependsOn);
    await second.close();
  });

  it('does not count a write as committed before it is on the disk', async () => {
    const stack = await start(machine());
    const client = new StackClient(stack);
    const { reply, dependsOn } = client.run('SET a 1');
    expect(reply).toBe('OK');
    expect(stack.coordinator.committedVersion).toBeLessThan(dependsOn);
    await untilCommitted(stack, dependsOn);
    await stack.close();
  });

  it.each([0, 1])(
    'loses no acknowledged write in a power cut (syncs at once below %i ms)',
    async (inlineSyncMsMax) => {
      const random = new SeededRandom(7);
      const on = machine(7);
      const acknowledged = new Map<string, number>();
      const attempted = new Map<string, number>();
      for (let round = 0; round < 60; round++) {
        const stack = await start(on, 'always', inlineSyncMsMax);
        const client = new StackClient(stack);
        for (const [key, value] of acknowledged) {
          const found = Number(client.run(`GET ${key}`).reply);
          expect(found, `${key} after round ${round}`).toBeGreaterThanOrEqual(value);
          expect(found, `${key} after round ${round}`).toBeLessThanOrEqual(attempted.get(key)!);
        }
        const cut = on.disk.powerOffAfter(1 + (random.uint32() % 40));
        const pending: { key: string; value: number; version: number }[] = [];
        for (let i = 0; i < 30; i++) {
          const key = `k${random.uint32() % 10}`;
          const value = (attempted.get(key) ?? 0) + 1;
          attempted.set(key, value);
          try {
            pending.push({ key, value, version: client.run(`SET ${key} ${value}`).dependsOn });
          } catch {
            break;
          }
          if (random.uint32() % 3 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
        }
        await Promise.race([cut, new Promise<void>((resolve) => setTimeout(resolve, 5))]);
        const { committedVersion } = stack.coordinator;
        for (const { key, value, version } of pending) {
          if (version <= committedVersion) acknowledged.set(key, Math.max(value, acknowledged.get(key) ?? 0));
        }
        on.disk.crash();
      }
      expect(acknowledged.size).toBeGreaterThan(0);
    },
  );

  it('refuses writes while the disk is full, goes on reading, and recovers by itself', async () => {
    const on = machine();
    const stack = await start(on, 'everysec');
    const client = new StackClient(stack);
    client.run('SET a 1');
    on.disk.setFreeBytes(0);
    const big = 'x'.repeat(100_000);
    client.run(`SET b ${big}`);
    expect(client.run('SET c 3').reply).toMatchObject({ message: expect.stringContaining('MISCONF') });
    expect(client.run('GET a').reply).toBe('1');
    expect(stack.coordinator.refusal).toContain('MISCONF');
    on.disk.setFreeBytes(1 << 30);
    for (let i = 0; i < 100 && stack.coordinator.refusal !== null; i++) {
      on.env.advance(300);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    expect(stack.coordinator.refusal).toBe(null);
    expect(client.run('SET c 3').reply).toBe('OK');
    await stack.close();
    const second = await start(on, 'everysec');
    const again = new StackClient(second);
    expect(again.run('GET b').reply).toBe(big);
    expect(again.run('GET c').reply).toBe('3');
    await second.close();
  });

  it('removes and evicts nothing by itself while the disk is full, shows nothing that expired, and makes up for it', async () => {
    const on = machine();
    const stack = await start(on, 'everysec');
    const client = new StackClient(stack);
    for (let i = 0; i < 200; i++) client.run(`SET short${i} v PX ${100 * i + 1}`);
    client.run('HSET h short v long v');
    client.run('HPEXPIRE h 500 FIELDS 1 short');
    on.disk.setFreeBytes(0);
    client.run(`SET b ${'x'.repeat(100_000)}`);
    expect(stack.coordinator.refusal).toContain('MISCONF');
    client.run('CONFIG SET maxmemory 1 maxmemory-policy allkeys-lru');
    // Far longer than versions are at hand for, as the mark can't be stored.
    for (let i = 0; i < 300; i++) {
      on.env.advance(200);
      await new Promise<void>((resolve) => setImmediate(resolve));
      expect(client.run('GET short0').reply).toBe(null);
      expect(client.run('HKEYS h').reply).toEqual(i < 2 ? ['short', 'long'] : ['long']);
    }
    expect(client.run('DBSIZE').reply).toBe(202);
    client.run('CONFIG SET maxmemory 0');
    on.disk.setFreeBytes(1 << 30);
    for (let i = 0; i < 100 && client.run('DBSIZE').reply !== 2; i++) {
      on.env.advance(300);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    expect(client.run('DBSIZE').reply).toBe(2);
    expect(client.run('SET c 3').reply).toBe('OK');
    await stack.close();
  });

  it('says in its log, and in INFO, that the disk takes no writes, and that it takes them again', async () => {
    const on = machine();
    const said: string[] = [];
    const stack = await start(on, 'everysec', 0, (_, message) => said.push(message));
    const client = new StackClient(stack);
    const status = (): string =>
      /aof_last_write_status:(\w+)/.exec(String(client.run('INFO persistence').reply))![1];
    client.run('SET a 1');
    expect([said, status()]).toEqual([[], 'ok']);
    on.disk.setFreeBytes(0);
    client.run(`SET b ${'x'.repeat(100_000)}`);
    client.run('SET c 3');
    client.run('SET c 4');
    expect(said).toEqual([expect.stringMatching(/^No writes are taken: MISCONF .* to the log: /)]);
    expect(status()).toBe('err');
    on.disk.setFreeBytes(1 << 30);
    for (let i = 0; i < 100 && stack.coordinator.refusal !== null; i++) {
      on.env.advance(300);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    expect([status(), said.slice(1)]).toEqual(['ok', ['The disk takes writes again']]);
    await stack.close();
  });

  it('ends when the disk stays full, and says what the log did not take', async () => {
    const on = machine();
    const stack = await start(on, 'everysec');
    const client = new StackClient(stack);
    client.run('SET a 1');
    on.disk.setFreeBytes(0);
    client.run(`SET b ${'x'.repeat(100_000)}`);
    let end: unknown = null;
    const closed = stack.close().then(
      () => expect.unreachable('all was kept'),
      (error: unknown) => {
        end = error;
      },
    );
    for (let waitedMs = 0; waitedMs < closeWaitMs; waitedMs += 100) {
      expect(end).toBe(null);
      on.env.advance(100);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await closed;
    expect(end).toMatchObject({ code: 'DISK', message: expect.stringContaining('1 batches') });
    on.disk.setFreeBytes(1 << 30);
    const second = await start(on, 'everysec');
    const again = new StackClient(second);
    expect(again.run('GET a').reply).toBe('1');
    expect(again.run('GET b').reply).toBe(null);
    await second.close();
  });

  it('ends without an answer when a sync fails', async () => {
    const on = machine();
    const stack = await start(on);
    const client = new StackClient(stack);
    on.disk.failNext('datasync', 'EIO', { pathPart: 'log' });
    const { dependsOn } = client.run('SET a 1');
    for (let i = 0; i < 1000 && on.fatal === null; i++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    expect(on.fatal).toMatchObject({ code: 'UNDETERMINED' });
    expect(stack.coordinator.committedVersion).toBeLessThan(dependsOn);
  });

  it('takes a snapshot while writes go on, trims the log, and recovers from both', async () => {
    const on = machine();
    const stack = await start(on, 'everysec');
    const client = new StackClient(stack);
    for (let i = 0; i < 2000; i++) client.run(`SET key:${i} ${i}`);
    const taken = stack.persistence!.take();
    for (let i = 0; i < 500; i++) {
      client.run(`SET key:${i} changed`);
      if (i % 50 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await taken;
    client.run('SET last 1');
    await stack.close();
    const second = await start(on, 'everysec');
    expect(second.recovered!.from).toBeGreaterThan(0);
    const again = new StackClient(second);
    for (let i = 0; i < 2000; i++) {
      expect(again.run(`GET key:${i}`).reply).toBe(i < 500 ? 'changed' : String(i));
    }
    expect(again.run('GET last').reply).toBe('1');
    await second.close();
  });

  it('refuses a directory that another server holds', async () => {
    const on = machine();
    const stack = await start(on);
    await expect(start(on)).rejects.toMatchObject({ code: 'LOCKED' });
    await stack.close();
  });

  it('refuses a damaged snapshot, naming the file', async () => {
    const on = machine();
    const stack = await start(on);
    const client = new StackClient(stack);
    await untilCommitted(stack, client.run('SET a 1').dependsOn);
    await stack.persistence!.take();
    await stack.close();
    const [name] = (await on.disk.list('/data/snapshots')).filter((each) => each.endsWith('.kvs'));
    on.disk.flipBit(`/data/snapshots/${name}`, 40);
    await expect(start(on)).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining(name),
    });
  });
});
