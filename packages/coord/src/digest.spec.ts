import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReplyValue, systemEnv } from '@holdfast/common';
import { NodeDisk } from '@holdfast/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Caller } from './caller.js';
import { type LocalStack, openLocalStack } from './local-stack.js';
import { type Plain, plainOf } from './testing/index.js';
import { Turns } from './turns.js';

const cacheBytes = 64 * 1024;
const keyCount = 1500;
const env = systemEnv();

let directory: string;
let memory: LocalStack;
let level: LocalStack;

class Client {
  readonly #caller: Caller;

  constructor({ coordinator }: LocalStack) {
    const options = { protocol: 'embedded', address: '', localAddress: '' };
    this.#caller = Caller.open(coordinator, new Turns(coordinator, env.timers), options)!;
  }

  async line(line: string): Promise<Plain> {
    const { value } = await this.#caller.run(line.split(' '));
    return plainOf(value as ReplyValue);
  }
}

function openLevel(): Promise<LocalStack> {
  const parameters = new Map([
    ['cache-bytes', String(cacheBytes)],
    ['enable-debug-command', 'yes'],
  ]);
  const disk = new NodeDisk();
  return openLocalStack({ env, disk, storage: 'level', log: 'file', fsync: 'no', directory, parameters });
}

/** From here on nothing is in memory. */
async function reopen(): Promise<Client> {
  await level.close();
  level = await openLevel();
  return new Client(level);
}

function linesOfAllTypes(): string[] {
  const lines = ['SELECT 0'];
  for (let i = 0; i < keyCount; i += 100) {
    const pairs = Array.from({ length: 100 }, (_, j) => `key:${i + j} ${`${i + j}:`.padEnd(100, 'x')}`);
    lines.push(`MSET ${pairs.join(' ')}`);
  }
  const members = Array.from({ length: 300 }, (_, i) => `m${i}`);
  lines.push(`RPUSH list ${members.join(' ')}`, `SADD set ${members.join(' ')}`, 'SADD small a b');
  lines.push(`ZADD zset ${members.map((name, i) => `${i / 8} ${name}`).join(' ')}`);
  lines.push(`HSET hash ${members.map((name) => `${name} of-${name}`).join(' ')}`, 'HSET few a 1');
  for (let i = 1; i < 40; i++) lines.push(`XADD stream ${i}-1 field ${i}`);
  lines.push('EXPIRE key:7 100000', 'EXPIRE hash 100000');
  lines.push('SELECT 3', 'SET other value', 'SELECT 0');
  return lines;
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-'));
  const parameters = new Map([['enable-debug-command', 'yes']]);
  memory = await openLocalStack({ env, storage: 'memory', log: 'none', fsync: 'no', parameters });
  level = await openLevel();
  for (const stack of [memory, level]) {
    const client = new Client(stack);
    for (const line of linesOfAllTypes()) await client.line(line);
  }
});

afterEach(async () => {
  await memory.close();
  await level.close();
  rmSync(directory, { recursive: true });
});

describe('DEBUG DIGEST of more than is in memory', () => {
  it('is that of all the data, loaded a piece at a time within the bound', async () => {
    const expected = await new Client(memory).line('DEBUG DIGEST');
    expect(expected).toMatch(/^[0-9a-f]{40}$/);
    await level.storage.flush();
    level.coordinator.settle();
    expect(await new Client(level).line('DEBUG DIGEST')).toBe(expected);
    const client = await reopen();
    expect(level.storage.database(0).size).toBe(0);
    expect(await client.line('DEBUG DIGEST')).toBe(expected);
    expect(level.storage.departures).toBeGreaterThan(keyCount / 2);
    expect(await client.line('DBSIZE')).toBe(keyCount + 7);
    await client.line('SETRANGE key:8 3 y');
    expect(await client.line('DEBUG DIGEST')).not.toBe(expected);
  });

  it('says so when somebody wrote meanwhile', async () => {
    const client = await reopen();
    const [digest] = await Promise.all([
      client.line('DEBUG DIGEST'),
      new Client(level).line('SET key:1 new'),
    ]);
    expect(digest).toEqual(
      new Error('ERR the data changed while its digest was made: ask again when nobody writes'),
    );
  });

  it('is refused in a transaction, which can not wait', async () => {
    const client = await reopen();
    await client.line('MULTI');
    await client.line('DEBUG DIGEST');
    expect(await client.line('EXEC')).toEqual([
      new Error("ERR DEBUG DIGEST of more than is in memory can't run in a transaction"),
    ]);
  });
});

describe('DEBUG RELOAD and LOADAOF of level storage', () => {
  it('let go of what is in memory, which is read from the disk again', async () => {
    const expected = await new Client(memory).line('DEBUG DIGEST');
    const client = await reopen();
    for (const subcommand of ['RELOAD', 'LOADAOF', 'RELOAD NOFLUSH MERGE']) {
      await client.line('CONFIG SET cache-bytes 0');
      for (let i = 0; i < keyCount; i++) await client.line(`GET key:${i}`);
      await client.line('RPUSH list new');
      await client.line('RPOP list');
      expect(level.storage.database(0).size).toBeGreaterThan(keyCount);
      expect(await client.line(`DEBUG ${subcommand}`)).toBe('OK');
      expect(level.storage.database(0).size).toBe(0);
      expect(level.storage.cacheBytes).toBe(0);
      expect(await client.line('DBSIZE')).toBe(keyCount + 7);
      expect(await client.line('DEBUG DIGEST')).toBe(expected);
    }
  });

  it('have no older state than that of the disk, and do not wait in a transaction', async () => {
    const client = new Client(level);
    expect(await client.line('DEBUG RELOAD NOSAVE')).toEqual(
      new Error('ERR DEBUG RELOAD NOSAVE needs memory storage: the disk has what was written last'),
    );
    expect(await client.line('DEBUG RELOAD NOFLUSH')).toEqual(
      new Error('ERR Error trying to load the RDB dump, check server logs.'),
    );
    await client.line('MULTI');
    await client.line('DEBUG RELOAD');
    expect(await client.line('EXEC')).toEqual([
      new Error("ERR DEBUG RELOAD and LOADAOF of level storage can't run in a transaction"),
    ]);
  });
});

it('has what other subcommands of DEBUG look at loaded first', async () => {
  const names = 'key:3 list set zset hash stream none';
  const expected = await new Client(memory).line(`DEBUG DIGEST-VALUE ${names}`);
  const client = await reopen();
  expect(await client.line(`DEBUG DIGEST-VALUE ${names}`)).toEqual(expected);
  expect(await client.line('DEBUG OBJECT key:4')).toMatch(/^Value at:/);
  await client.line('MULTI');
  await client.line('DEBUG DIGEST-VALUE key:5 small');
  const [inTransaction] = (await client.line('EXEC')) as string[];
  expect(inTransaction).toEqual(await new Client(memory).line('DEBUG DIGEST-VALUE key:5 small'));
  expect(await client.line(`DEBUG POPULATE ${keyCount + 1} key`)).toBe('OK');
  expect(await client.line('DBSIZE')).toBe(keyCount + 8);
});
