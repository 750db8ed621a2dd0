/**
 * Rot: a bit is turned somewhere in a whole directory, again and again. Either the check finds it, or nobody needs the
 * bit, which all data of a server that starts on it show. HOLDFAST_ROT_FLIPS and HOLDFAST_SEED say how often and where.
 */
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Findings, KvError, type Random, randomBelow, systemEnv } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { NodeDisk } from '@holdfast/log';
import { LevelStorage, MemoryStorage } from '@holdfast/storage';
import { stateOf } from '@holdfast/storage/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Caller } from './caller.js';
import { checkDirectory, type DirectoryReport } from './directory-check.js';
import { type LocalStack, openLocalStack } from './local-stack.js';
import { SnapshotFiles } from './snapshot-files.js';
import { Turns } from './turns.js';

const { HOLDFAST_ROT_FLIPS, HOLDFAST_SEED } = process.env;
const flips = Number(HOLDFAST_ROT_FLIPS ?? 60);
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const env = systemEnv();
const disk = new NodeDisk();
const never = '9999999999999';

type StorageKind = 'memory' | 'level';

function open(directory: string, storage: StorageKind): Promise<LocalStack> {
  return openLocalStack({
    env,
    disk,
    storage,
    log: 'file',
    fsync: 'always',
    directory,
    segmentBytes: 64 * 1024,
  });
}

/** Commands of all types; keys that expire do so when this test is long forgotten. */
function randomCommand(random: Random): string[] {
  const n = String(randomBelow(random, 40));
  const text = 'x'.repeat(randomBelow(random, 300)) + randomBelow(random, 1000);
  const commands: string[][] = [
    ['SET', `s${n}`, text],
    ['SET', `t${n}`, text, 'PXAT', never],
    ['INCR', `n${n}`],
    ['RPUSH', `l${n}`, text, n],
    ['HSET', `h${n}`, n, text, text, n],
    ['SADD', `e${n}`, text],
    ['ZADD', `z${n}`, n, text],
    ['XADD', `x${n}`, '*', 'f', text],
    ['PEXPIREAT', `h${n}`, never],
    ['DEL', `l${n}`],
    ['RENAME', `s${n}`, `r${n}`],
  ];
  return commands[randomBelow(random, commands.length)];
}

async function write(stack: LocalStack, random: Random, count: number): Promise<void> {
  const turns = new Turns(stack.coordinator, env.timers);
  const caller = Caller.open(stack.coordinator, turns, { protocol: 'test', address: '', localAddress: '' })!;
  for (let left = count; left > 0; left--) await caller.run(randomCommand(random));
  await caller.run(['SELECT', '3']);
  await caller.run(['SET', 'k', 'v']);
  caller.session.database = 0;
}

class Found implements Findings {
  readonly damages: string[] = [];
  readonly notes: string[] = [];
  bytes = 0;

  damage(place: string, what: string): void {
    this.damages.push(`${place}: ${what}`);
  }

  note(place: string, what: string): void {
    this.notes.push(`${place}: ${what}`);
  }

  passed(bytes: number): void {
    this.bytes += bytes;
  }
}

async function check(directory: string): Promise<{ found: Found; report: DirectoryReport }> {
  const found = new Found();
  return { report: await checkDirectory(disk, directory, found), found };
}

async function filesOf(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true });
  const files: string[] = [];
  for (const name of names) {
    const { isFile, size } = await stat(join(directory, name)).then((s) => ({
      isFile: s.isFile(),
      size: s.size,
    }));
    if (isFile && size > 0) files.push(name);
  }
  return files.sort();
}

async function flipBit(directory: string, random: Random): Promise<string> {
  const files = await filesOf(directory);
  const name = files[randomBelow(random, files.length)];
  const bytes = await readFile(join(directory, name));
  // Half of the time near the beginning: files are prepared longer than what is in them.
  const end = randomBelow(random, 2) === 0 ? bytes.length : Math.min(bytes.length, 4096);
  const at = randomBelow(random, end);
  bytes[at] ^= 1 << randomBelow(random, 8);
  await writeFile(join(directory, name), bytes);
  return `${name}, byte ${at}`;
}

describe.each<StorageKind>(['memory', 'level'])('a directory of %s storage', (storage) => {
  let root: string;
  let whole: string;
  let expected: string[];

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'holdfast-check-'));
    whole = join(root, 'whole');
    const random = new SeededRandom(seed);
    for (let life = 0; life < 3; life++) {
      const stack = await open(whole, storage);
      await write(stack, random, 600);
      if (life < 2) await stack.persistence!.take();
      if (life === 2) {
        expected = await stateOf(stack.storage);
        await stack.storage.flush();
      }
      await stack.close();
    }
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  it('is whole', async () => {
    const { found, report } = await check(whole);
    expect([found.damages, found.notes]).toEqual([[], []]);
    expect(report.batches).toBeGreaterThan(0);
    expect(found.bytes).toBeGreaterThan(100_000);
    if (storage === 'level') expect(report.keys).toBe(expected.length);
  });

  it('is not looked at while a server has it', async () => {
    const stack = await open(whole, storage);
    await expect(check(whole)).rejects.toMatchObject({ code: 'LOCKED', message: /in use by process \d+/ });
    await stack.close();
  });

  it(`has no bit that changes unnoticed what is read (HOLDFAST_SEED=${seed})`, {
    timeout: 600_000,
  }, async () => {
    const random = new SeededRandom(seed + 1);
    const directory = join(root, 'rotten');
    let found = 0;
    let refused = 0;
    for (let i = 0; i < flips; i++) {
      await cp(whole, directory, { recursive: true });
      const place = await flipBit(directory, random);
      const { found: findings } = await check(directory);
      const isFound = findings.damages.length > 0;
      if (isFound) found++;
      // LevelDB does not look at the checksums of its tables, and may end the process when one is damaged.
      const state = isFound && place.includes('.ldb') ? null : await readAll(directory, storage);
      if (!isFound) expect(state, place).toEqual(expected);
      if (state instanceof KvError) refused++;
      await rm(directory, { recursive: true });
    }
    console.log(`${storage}: ${flips} bits turned, ${found} found, ${refused} refused by the server`);
    expect(found).toBeGreaterThan(flips / 10);
  });

  it('tells what is missing', async () => {
    const directory = join(root, 'missing');
    await cp(whole, directory, { recursive: true });
    const part = storage === 'memory' ? 'snapshots' : 'level';
    await rm(join(directory, part), { recursive: true });
    expect((await check(directory)).found.damages.join()).toContain('the log begins with');
    await rm(directory, { recursive: true });
  });
});

/** All data of a server that starts on the directory, or why it does not. */
async function readAll(directory: string, storage: StorageKind): Promise<string[] | KvError> {
  let stack: LocalStack | null = null;
  try {
    stack = await open(directory, storage);
    return await stateOf(stack.storage);
  } catch (error) {
    if (error instanceof KvError) return error;
    throw error;
  } finally {
    await stack?.close();
  }
}

/** What a node of a cluster has: a state for each shard, on the disk or in snapshots; their logs are elsewhere. */
describe('a directory of a node', () => {
  let root: string;
  let whole: string;
  let expected: unknown;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'holdfast-check-'));
    whole = join(root, 'whole');
    const random = new SeededRandom(seed + 2);
    for (const [shard, storage, part] of [
      ['s1', 'level', 'level'],
      ['s2', 'memory', 'snapshots'],
    ] as const) {
      const server = join(root, shard);
      const stack = await open(server, storage);
      await write(stack, random, 600);
      await stack.persistence!.take();
      await stack.close();
      await cp(join(server, part), join(whole, 'shards', shard, part), { recursive: true });
    }
    expected = await readShards(whole);
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  it('is whole', async () => {
    const { found, report } = await check(whole);
    expect([found.damages, found.notes]).toEqual([[], []]);
    expect(report.keys).toBeGreaterThan(0);
    expect(report.batches).toBeGreaterThan(0);
  });

  it(`has no bit that changes unnoticed what is read (HOLDFAST_SEED=${seed})`, {
    timeout: 600_000,
  }, async () => {
    const random = new SeededRandom(seed + 3);
    const directory = join(root, 'rotten');
    let found = 0;
    for (let i = 0; i < flips; i++) {
      await cp(whole, directory, { recursive: true });
      const place = await flipBit(directory, random);
      const { found: findings } = await check(directory);
      if (findings.damages.length > 0) found++;
      else expect(await readShards(directory), place).toEqual(expected);
      await rm(directory, { recursive: true });
    }
    console.log(`a node: ${flips} bits turned, ${found} found`);
    expect(found).toBeGreaterThan(flips / 10);
  });
});

/** All data of both shards. */
async function readShards(directory: string): Promise<unknown> {
  const level = await LevelStorage.open({ directory: join(directory, 'shards/s1/level'), env });
  try {
    const files = new SnapshotFiles(disk, join(directory, 'shards/s2/snapshots'));
    const newest = (await files.newest())!;
    const memory = new MemoryStorage(env.random);
    for await (const batch of files.read(newest)) memory.apply(batch, 0);
    return [await stateOf(level), await stateOf(memory), newest];
  } finally {
    await level.close();
  }
}

it('a directory without data is refused', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-check-'));
  await expect(check(directory)).rejects.toMatchObject({ code: 'INVALID', message: /holds no data/ });
  await expect(check(join(directory, 'nosuch'))).rejects.toMatchObject({ code: 'INVALID' });
  await rm(directory, { recursive: true });
});

describe('what a server needs beside its data', () => {
  let place: string;

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'holdfast-check-'));
    const parameters = new Map([['history-bytes', '1mb']]);
    const options = { env, disk, log: 'file', fsync: 'always', directory: place, parameters } as const;
    const stack = await openLocalStack({ ...options, storage: 'memory' });
    await write(stack, new SeededRandom(seed), 50);
    await stack.persistence!.take();
    await stack.close();
  });
  afterAll(() => rm(place, { recursive: true }));

  async function damagesOf(): Promise<string[]> {
    const found = new Found();
    await checkDirectory(disk, place, found);
    return found.damages;
  }

  it('is named when the history of writes is damaged', async () => {
    expect(await damagesOf()).toEqual([]);
    const content = await readFile(join(place, 'history'));
    content[3] ^= 1;
    await writeFile(join(place, 'history'), content);
    expect(await damagesOf()).toEqual([expect.stringContaining('history')]);
    content[3] ^= 1;
    await writeFile(join(place, 'history'), content);
  });

  it('is named when the files of the log are gone that a snapshot reaches into', async () => {
    for (const name of await readdir(join(place, 'log'))) await rm(join(place, 'log', name));
    expect(await damagesOf()).toEqual([expect.stringContaining('entries are missing')]);
  });
});
