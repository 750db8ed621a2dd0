import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReplyValue, systemEnv } from '@holdfast/common';
import { NodeDisk } from '@holdfast/log';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Caller } from './caller.js';
import { type LocalStack, openLocalStack } from './local-stack.js';
import { plainOf } from './testing/index.js';
import { Turns } from './turns.js';

let directory: string;
let stack: LocalStack;
let caller: Caller;

async function open(): Promise<void> {
  const env = systemEnv();
  const disk = new NodeDisk();
  stack = await openLocalStack({ env, disk, storage: 'level', log: 'none', fsync: 'no', directory });
  const options = { protocol: 'embedded', address: '', localAddress: '' };
  caller = Caller.open(stack.coordinator, new Turns(stack.coordinator, env.timers), options)!;
}

/** From here on nothing is in memory. */
async function reopen(): Promise<void> {
  await stack.close();
  await open();
}

async function run(line: string): Promise<unknown> {
  const { value } = await caller.run(line.split(' '));
  return plainOf(value as ReplyValue);
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-'));
  await open();
});

afterEach(async () => {
  await stack.close();
  rmSync(directory, { recursive: true });
});

it('brings the keys into memory that the patterns of SORT name', async () => {
  await run('RPUSH l 1 2 3');
  await run('MSET w_1 30 w_2 10 w_3 20');
  await run('HSET o_2 name two');
  await reopen();
  expect(stack.storage.database(0).size).toBe(0);
  expect(await run('SORT l BY w_* GET # GET o_*->name')).toEqual(['2', 'two', '3', null, '1', null]);
  await reopen();
  expect(await run('SORT l BY w_* STORE d')).toBe(3);
  expect(await run('LRANGE d 0 -1')).toEqual(['2', '3', '1']);
});

it('does so for a transaction, and says so where it can not know what will be sorted', async () => {
  await run('RPUSH l 1 2');
  await run('MSET w_1 30 w_2 10 w_3 20');
  await reopen();
  await run('MULTI');
  await run('SORT l BY w_*');
  await run('RPUSH l 3');
  await run('SORT l BY w_*');
  const [before, , after] = (await run('EXEC')) as unknown[];
  expect(before).toEqual(['2', '1']);
  expect(after).toEqual(new Error('ERR a key that SORT reads is not in memory: sort before the transaction'));
});
