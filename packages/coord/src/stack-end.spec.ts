import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KvError } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { SimulatedDisk } from '@holdfast/log/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LocalStack, openLocalStack } from './local-stack.js';
import { closeWaitMs } from './stack-end.js';
import { StackClient } from './testing/index.js';

let directory: string;
let env: SimulatedEnv;
let disk: SimulatedDisk;

/** The log is on a simulated disk, LevelDB on a real one. */
function start(log: 'file' | 'none' = 'file'): Promise<LocalStack> {
  return openLocalStack({ env, disk, storage: 'level', log, fsync: 'everysec', directory });
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-'));
  env = new SimulatedEnv(1);
  disk = new SimulatedDisk(1);
});

afterEach(() => rmSync(directory, { recursive: true }));

it('does not wait for LevelDB to write what the log never took', async () => {
  const stack = await start();
  const client = new StackClient(stack);
  client.run('SET a 1');
  disk.setFreeBytes(0);
  client.run(`SET b ${'x'.repeat(100_000)}`);
  // Waits for a batch of which the end is refused.
  const flushed = stack.storage.flush().catch((error: unknown) => error);
  let isClosed = false;
  const closed = stack.close().catch((error: unknown) => {
    isClosed = true;
    return error;
  });
  for (let waitedMs = 0; waitedMs < closeWaitMs; waitedMs += 100) {
    env.advance(100);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  expect(await closed).toMatchObject({
    code: 'DISK',
    message: expect.stringContaining('the log did not take'),
  });
  expect(isClosed).toBe(true);
  expect(await flushed).toMatchObject({ code: 'CLOSED' });
  disk.setFreeBytes(1 << 30);
  const second = await start();
  const again = new StackClient(second);
  expect(await again.line('GET a')).toBe('1');
  expect(await again.line('GET b')).toBe(null);
  await second.close();
});

it.each([
  ['file', 'The log has them, in positions 1 to 1: the next start writes them.'],
  ['none', 'There is no log: they are lost.'],
] as const)(
  'says what is not on the disk, with a log "%s", and lets the directory go',
  async (log, where) => {
    const stack = await start(log);
    new StackClient(stack).run('SET a 1');
    Object.assign(stack.storage, {
      finish: async () => {
        throw new KvError('DISK', 'no room');
      },
    });
    const error = await stack.close().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'DISK', message: expect.stringContaining('no room') });
    expect((error as KvError).message).toContain(where);
    await (await start(log)).close();
  },
);

it('leaves little in the log, and much to LevelDB, which would have a small file in the way of every read', async () => {
  env.timers.setImmediate = (callback) => void setImmediate(callback);
  const stack = await start();
  const client = new StackClient(stack);
  client.run('SET a 1');
  const position = stack.storage.durablePosition;
  await stack.close();
  const second = await start();
  expect(second.recovered).toMatchObject({ from: position, entries: 1 });
  const again = new StackClient(second);
  expect(await again.line('GET a')).toBe('1');
  for (let i = 0; i < 50; i++) again.run(`SET long:${i} ${'x'.repeat(100_000)}`);
  await second.close();
  const third = await start();
  expect(third.recovered).toMatchObject({ entries: 0 });
  expect(await new StackClient(third).line('DBSIZE')).toBe(51);
  await third.close();
});

it('leaves nothing in the log after SAVE', async () => {
  const stack = await start();
  const client = new StackClient(stack);
  client.run('SET a 1');
  await client.line('SAVE');
  await stack.close();
  const second = await start();
  expect(second.recovered).toMatchObject({ entries: 0 });
  await second.close();
});
