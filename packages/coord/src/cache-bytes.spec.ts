import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReplyValue, systemEnv } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { NodeDisk } from '@holdfast/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Caller } from './caller.js';
import { type LocalStack, openLocalStack } from './local-stack.js';
import { plainOf } from './testing/index.js';
import { Turns } from './turns.js';

const cacheBytes = 64 * 1024;
const wordFor = (i: number): string => `${i}:`.padEnd(200, 'x');

let directory: string;
let stack: LocalStack;
let turns: Turns;
let caller: Caller;
let other: Caller;

function newCaller(): Caller {
  return Caller.open(stack.coordinator, turns, { protocol: 'embedded', address: '', localAddress: '' })!;
}

async function open(bytes: number = cacheBytes): Promise<void> {
  const env = systemEnv();
  const disk = new NodeDisk();
  const parameters = new Map([
    ['cache-bytes', String(bytes)],
    ['enable-debug-command', 'yes'],
  ]);
  stack = await openLocalStack({
    env,
    disk,
    storage: 'level',
    log: 'file',
    fsync: 'no',
    directory,
    parameters,
  });
  turns = new Turns(stack.coordinator, env.timers);
  caller = newCaller();
  other = newCaller();
}

async function run(line: string, by: Caller = caller): Promise<unknown> {
  const { value } = await by.run(line.split(' '));
  return plainOf(value as ReplyValue);
}

/** Everything is on the disk, and what is too much has left memory. */
async function settle(): Promise<void> {
  await stack.storage.flush();
  for (let rounds = 0; rounds < 100; rounds++) {
    await turns.next();
    stack.coordinator.settle();
  }
}

async function fill(count: number): Promise<void> {
  const pairs = Array.from({ length: count }, (_, i) => `key:${i} ${wordFor(i)}`);
  await run(`MSET ${pairs.join(' ')}`);
}

/** Others are read until a key has left memory: which leave first is a matter of chance. */
async function crowdOut(key: string): Promise<void> {
  for (let round = 0; round < 50; round++) {
    for (let i = 200; i < 900; i++) await run(`GET key:${i}`);
    await settle();
    if (!stack.storage.isResident(0, Buffer.from(key), 0, key.length)) return;
  }
  throw new Error(`${key} stays in memory`);
}

function residentBytes(): number {
  return stack.storage.usedBytes - stack.storage.pendingBytes;
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-'));
  await open();
});

afterEach(async () => {
  await stack.close();
  rmSync(directory, { recursive: true });
});

describe('cache-bytes', () => {
  it('bounds what is in memory, and no key is lost or counted wrong', async () => {
    const count = 3000;
    await fill(count);
    await settle();
    expect(residentBytes()).toBeLessThanOrEqual(cacheBytes);
    expect(stack.storage.departures).toBeGreaterThan(count / 2);
    expect(await run('DBSIZE')).toBe(count);
    const random = new SeededRandom(7);
    for (let i = 0; i < 500; i++) {
      const key = random.uint32() % count;
      expect(await run(`GET key:${key}`)).toBe(wordFor(key));
    }
    await settle();
    expect(residentBytes()).toBeLessThanOrEqual(cacheBytes);
    expect(await run('DBSIZE')).toBe(count);
  });

  it('is a hint at what stays: what is read all the time is not read from the disk again', async () => {
    await fill(2000);
    await settle();
    let departures = 0;
    for (let i = 0; i < 1000; i++) {
      await run('GET key:1');
      await run(`GET key:${i}`);
      if (i % 20 !== 19) continue;
      await settle();
      if (!stack.storage.isResident(0, Buffer.from('key:1'), 0, 5)) departures++;
    }
    expect(departures).toBeLessThan(5);
    expect(stack.storage.database(0).size).toBeLessThan(500);
  });

  it('can be changed while the server runs', async () => {
    await run('CONFIG SET cache-bytes 0');
    await fill(2000);
    await settle();
    expect(stack.storage.database(0).size).toBe(2000);
    await run('DEL key:5');
    await run('CONFIG SET cache-bytes 64kb');
    expect(await run('GET key:5')).toBeNull();
    await settle();
    expect(stack.storage.database(0).size).toBeLessThan(500);
    expect(await run('GET key:5')).toBeNull();
    expect(await run('GET key:6')).toBe(wordFor(6));
    expect(await run('CONFIG GET cache-bytes')).toEqual({ 'cache-bytes': '65536' });
  });

  it('one command may need more than there is room for', async () => {
    await fill(2000);
    await settle();
    const keys = Array.from({ length: 2000 }, (_, i) => `key:${i}`).join(' ');
    const expected = Array.from({ length: 2000 }, (_, i) => wordFor(i));
    const replies = await Promise.all([run(`MGET ${keys}`), run(`MGET ${keys}`, other)]);
    expect(replies).toEqual([expected, expected]);
  });

  it('a scan comes by every key, and KEYS names them all', async () => {
    await fill(1500);
    await settle();
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const [next, keys] = (await run(`SCAN ${cursor} COUNT 100`)) as [string, string[]];
      for (const key of keys) seen.add(key);
      cursor = next;
      await run(`GET key:${seen.size}`);
      await settle();
    } while (cursor !== '0');
    expect(seen.size).toBe(1500);
    expect(await run('KEYS *')).toHaveLength(1500);
  });

  it('keys that are on the disk only expire in time', async () => {
    for (let i = 0; i < 1000; i++) await run(`SET key:${i} ${wordFor(i)} PX 1500`);
    await settle();
    for (let waits = 0; (await run('DBSIZE')) !== 0; waits++) {
      expect(waits).toBeLessThan(200);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await run('GET key:5')).toBeNull();
  });

  it('what was deleted and changed is so after a restart too', async () => {
    await fill(1000);
    await settle();
    for (let i = 0; i < 1000; i += 2) await run(`DEL key:${i}`);
    for (let i = 1; i < 1000; i += 4) await run(`APPEND key:${i} more`);
    await run('SADD set a b c');
    await run('XADD stream 1-1 f v');
    await settle();
    await stack.close();
    await open(16 * 1024);
    expect(await run('DBSIZE')).toBe(502);
    for (let i = 0; i < 1000; i++) {
      const expected = i % 2 === 0 ? null : i % 4 === 1 ? `${wordFor(i)}more` : wordFor(i);
      expect(await run(`GET key:${i}`)).toBe(expected);
    }
    expect(await run('SCARD set')).toBe(3);
    expect(await run('XLEN stream')).toBe(1);
  });
});

describe('with cache-bytes', () => {
  beforeEach(async () => {
    await fill(1000);
    await settle();
  });

  /** What a transaction of the other client replies once `key:1` has left memory, and is flushed. */
  async function afterLeavingAndFlush(): Promise<unknown> {
    await settle();
    await crowdOut('key:1');
    await run('FLUSHDB');
    await run('MULTI', other);
    await run('PING', other);
    return run('EXEC', other);
  }

  it('WATCH notices what happens to a key that has left memory', async () => {
    await run('GET key:1');
    await run('WATCH key:1', other);
    expect(await afterLeavingAndFlush()).toBeNull();
  });

  it('WATCH of a key whose time was over is not broken by FLUSHDB, though it has left memory', async () => {
    await run('DEBUG SET-ACTIVE-EXPIRE 0');
    await run('SET key:1 v PX 1');
    await new Promise((resolve) => setTimeout(resolve, 5));
    await run('WATCH key:1', other);
    expect(await afterLeavingAndFlush()).toEqual(['PONG']);
  });

  it('WATCH notices that the time of such a key has come', async () => {
    await run('SET key:1 v PX 300');
    await run('WATCH key:1', other);
    await settle();
    await crowdOut('key:1');
    await run('DEBUG SET-ACTIVE-EXPIRE 0');
    await run('MULTI', other);
    await run('PING', other);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await run('EXEC', other)).toBeNull();
  });

  it('who waits for a list gets what comes, though its other keys leave memory', async () => {
    await run('SET target x');
    await run('DEL target');
    const popped = run('BLMOVE list target LEFT RIGHT 10', other);
    await settle();
    for (let i = 0; i < 900; i++) await run(`GET key:${i}`);
    await settle();
    await run('RPUSH list a');
    expect(await popped).toBe('a');
  });

  it('a script goes on with the keys it declared', async () => {
    const script =
      "local n = 0 for i = 0, 499 do if redis.call('GET', 'key:' .. i) then n = n + 1 end end return n";
    const { value } = await caller.run(['EVAL', script, '1', 'key:1']);
    expect(plainOf(value as ReplyValue)).toBe(500);
  });
});

it('is refused where all data is in memory', async () => {
  const parameters = new Map([['cache-bytes', '1mb']]);
  const options = { env: systemEnv(), storage: 'memory', log: 'none', fsync: 'no' } as const;
  await expect(openLocalStack({ ...options, parameters })).rejects.toMatchObject({ code: 'INVALID' });
});
