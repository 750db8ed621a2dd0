import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KvError, systemEnv } from '@holdfast/common';
import { Caller, type LocalStack, openLocalStack, Turns } from '@holdfast/coord';
import { type Plain, plainOf } from '@holdfast/coord/testing';
import { RedisDownstream } from '@holdfast/downstream';
import { NodeDisk } from '@holdfast/log';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DirectoryRedisFile } from './redis-file.js';

const env = systemEnv();
const disk = new NodeDisk();
let directory: string;
let stack: LocalStack;
let caller: Caller;
let downstream: RedisDownstream;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-'));
  stack = await openLocalStack({ env, disk, storage: 'memory', log: 'none', fsync: 'no', directory });
  const { config, coordinator, kv, persistence } = stack;
  downstream = new RedisDownstream({ kv, env, onLog: () => {}, onReplicas: () => {} });
  coordinator.downstream = downstream;
  persistence!.redisFile = new DirectoryRedisFile({
    disk,
    directory,
    name: () => config.text('dbfilename'),
    downstream,
  });
  caller = open();
});

afterEach(async () => {
  await stack.close();
  rmSync(directory, { recursive: true });
});

function open(): Caller {
  const { coordinator } = stack;
  const options = { protocol: 'embedded', address: '', localAddress: '' };
  return Caller.open(coordinator, new Turns(coordinator, env.timers), options)!;
}

async function run(line: string, by = caller): Promise<Plain> {
  return plainOf((await by.run(line.split(' '))).value);
}

const file = (): string => readFileSync(join(directory, 'dump.rdb'), 'latin1');
const names = (): string[] => readdirSync(directory).filter((name) => name.startsWith('dump'));

it('SAVE leaves an RDB file, and what follows a write no more when it is written', async () => {
  await run('MSET a 1 b 2');
  expect(await run('SAVE')).toBe('OK');
  expect(names()).toEqual(['dump.rdb']);
  expect(file().slice(0, 9)).toBe('REDIS0010');
  expect(stack.kv.propagation).toBeNull();
  await run('SET c 3');
  await run('SAVE');
  expect(file()).toContain('\x01c');
});

it('the half of a file that another process was killed amid is removed, and the whole one before it stays', async () => {
  await run('SAVE');
  writeFileSync(join(directory, 'dump.rdb.tmp'), 'REDIS0010 and no more');
  const name = (): string => 'dump.rdb';
  await new DirectoryRedisFile({ disk, directory, name, downstream }).removeUnfinished();
  expect(names()).toEqual(['dump.rdb']);
});

it('a hash with fields that expire is said in the format of Redis 7.4', async () => {
  await run('HSET h f v');
  await run('HEXPIRE h 100 FIELDS 1 f');
  await run('SAVE');
  expect(file().slice(0, 9)).toBe('REDIS0012');
});

it('holds what was there when it began, whatever is written meanwhile', async () => {
  for (let i = 0; i < 2000; i++) await run(`SET key:${i} before`);
  const saving = run('SAVE', open());
  for (let i = 1999; i >= 0; i--) await run(`SET key:${i} after!`);
  await saving;
  const count = (word: string) => file().split(word).length - 1;
  expect(count('before') + count('after!')).toBe(2000);
});

it('holds all of what a long script wrote, or nothing, though it begins while that goes on', async () => {
  const count = 300;
  const script = `
    for i = 1, ${count} do
      redis.call('SET', 'key:' .. i, 'written')
      local n = 0 for j = 1, 2e4 do n = n + j % 3 end
    end`;
  await run('CONFIG SET busy-reply-threshold 1');
  const other = open();
  let writing: Promise<unknown> | null = null;
  const copy = vi.spyOn(downstream, 'copy').mockImplementationOnce(async () => {
    writing = other.run(['EVAL', script, '0']);
    await vi.waitFor(() => expect(stack.kv.scripting.execution.isSuspended).toBe(true));
    throw new KvError('UNAVAILABLE', 'whole databases were replaced meanwhile');
  });
  expect(await run('SAVE')).toBe('OK');
  expect(copy).toHaveBeenCalledTimes(2);
  expect([0, count]).toContain(file().split('written').length - 1);
  await writing;
});

it('BGREWRITEAOF is no save: it leaves no file, and LASTSAVE where it was', async () => {
  const before = await run('LASTSAVE');
  await run('BGREWRITEAOF');
  await vi.waitFor(() => expect(stack.persistence!.isRunning).toBe(false));
  expect([await run('LASTSAVE'), names()]).toEqual([before, []]);
});

it('what could not be saved is said, and leaves the old file', async () => {
  await run('SET a 1');
  await run('SAVE');
  const before = file();
  vi.spyOn(downstream, 'copy').mockRejectedValueOnce(new KvError('DISK', 'No space left on device'));
  await run('SET b 2');
  expect(await run('SAVE')).toEqual(new Error('ERR No space left on device'));
  expect([file(), names()]).toEqual([before, ['dump.rdb']]);
  expect(String(await run('INFO persistence'))).toContain('rdb_last_bgsave_status:err');
  await run('SAVE');
  expect(String(await run('INFO persistence'))).toContain('rdb_last_bgsave_status:ok');
});
