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

const counters = 300;
const rounds = 60;
/** Counts everything up, again and again, for some hundred ms: a slice of it ends in the middle. */
const script = `
  for round = 1, ${rounds} do
    for i = 1, ${counters} do redis.call('INCR', 'counter:' .. i) end
    local n = 0 for i = 1, 5e4 do n = n + i % 3 end
  end`;

let directory: string;
let stack: LocalStack;
let turns: Turns;
let caller: Caller;

async function open(): Promise<void> {
  const env = systemEnv();
  const disk = new NodeDisk();
  const parameters = new Map([['busy-reply-threshold', '1']]);
  stack = await openLocalStack({
    env,
    disk,
    storage: 'memory',
    log: 'file',
    fsync: 'no',
    directory,
    parameters,
  });
  turns = new Turns(stack.coordinator, env.timers);
  caller = Caller.open(stack.coordinator, turns, { protocol: 'embedded', address: '', localAddress: '' })!;
}

async function run(...args: string[]): Promise<unknown> {
  const { value } = await caller.run(args);
  return plainOf(value as ReplyValue);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

it('a snapshot that is taken while a long script goes on holds all of it, or nothing', async () => {
  await open();
  const filling = Array.from({ length: 20_000 }, (_, i) => [`key:${i}`, 'x'.repeat(100)]);
  await run('MSET', ...filling.flat());
  let isDone = false;
  const counting = run('EVAL', script, '0').finally(() => {
    isDone = true;
  });
  await turns.next();
  const saving = stack.persistence!.take();
  await turns.next();
  expect(isDone).toBe(false);
  await Promise.all([counting, saving]);
  await stack.close();
  await open();
  const names = Array.from({ length: counters }, (_, i) => `counter:${i + 1}`);
  expect(new Set((await run('MGET', ...names)) as string[])).toEqual(new Set([String(rounds)]));
  await stack.close();
});
