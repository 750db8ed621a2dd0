/**
 * Backups of a server under writes: as of one moment, whole, and a directory again. Each transaction moves something from one
 * key to another and counts itself: a copy that is of several moments has too much, too little, or counts that differ.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { kvctl } from '@holdfast/kvctl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { redisAddress, spawnGateway, startGateway } from './server.js';
import { type Address, WireClient } from './wire-client.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const accounts = 500;
const balance = 1000;

async function fill(client: WireClient): Promise<void> {
  const writes: string[][] = [];
  for (let i = 0; i < accounts; i++) writes.push(['SET', `account:${i}`, String(balance)]);
  // Enough to take a while.
  for (let i = 0; i < 30_000; i++) writes.push(['SET', `filler:${i}`, 'x'.repeat(100)]);
  for (let i = 0; i < 2000; i++) writes.push(['HSET', 'large', `field ${i}`, 'y'.repeat(50)]);
  await Promise.all(client.pipeline(writes));
}

/** Moves, counting in a string, a list and a hash, until told to stop. */
async function move(address: Address, random: Random, isOver: () => boolean): Promise<number> {
  const client = await WireClient.connect(address);
  let moves = 0;
  while (!isOver()) {
    const requests: string[][] = [];
    for (let i = 0; i < 16; i++) {
      const amount = randomBelow(random, 50);
      requests.push(
        ['MULTI'],
        ['DECRBY', `account:${randomBelow(random, accounts)}`, String(amount)],
        ['RPUSH', 'list', String(moves)],
        ['HINCRBY', 'hash', 'count', '1'],
        ['INCR', 'count'],
        ['INCRBY', `account:${randomBelow(random, accounts)}`, String(amount)],
        ['EXEC'],
      );
      moves++;
    }
    await Promise.all(client.pipeline(requests));
  }
  client.close();
  return moves;
}

/** What holds at any one moment; returns how many moves there were. */
async function verify(address: Address): Promise<number> {
  const client = await WireClient.connect(address);
  const keys = Array.from({ length: accounts }, (_, i) => `account:${i}`);
  const [balances, count, inHash, inList, large, size] = await Promise.all(
    client.pipeline([
      ['MGET', ...keys],
      ['GET', 'count'],
      ['HGET', 'hash', 'count'],
      ['LLEN', 'list'],
      ['HLEN', 'large'],
      ['DBSIZE'],
    ]),
  );
  client.close();
  const sum = balances.items!.reduce((total, { text }) => total + Number(text), 0);
  expect([sum, large.text]).toEqual([accounts * balance, '2000']);
  expect([inHash.text, inList.text]).toEqual([count.text, count.text]);
  expect(Number(size.text)).toBe(accounts + 30_000 + 4);
  return Number(count.text);
}

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-backup-'));
});

afterEach(() => rm(root, { recursive: true, force: true }));

describe.each([
  ['memory', 'none'],
  ['memory', 'file'],
  ['level', 'file'],
  ['level', 'none'],
])('%s storage, log %s', (storage, log) => {
  it(`is backed up under writes as of one moment, and restored (HOLDFAST_SEED=${seed})`, async () => {
    const gateway = spawnGateway({ storage, log, dir: join(root, 'data'), 'admin-port': '0' });
    try {
      const address = await redisAddress(gateway);
      const { admin } = JSON.parse(await gateway.readyLine()) as { admin: string };
      const client = await WireClient.connect(address);
      await fill(client);
      client.close();
      let isOver = false;
      const moving = move(address, new SeededRandom(seed), () => isOver);
      const files = [join(root, 'first'), join(root, 'second')];
      for (const file of files) {
        const { code, error } = await kvctl('backup', file, '--at', admin);
        expect(code, error).toBe(0);
      }
      isOver = true;
      const moves = await moving;
      const counts: number[] = [];
      for (const [i, file] of files.entries()) {
        const directory = join(root, `restored ${i}`);
        const to = i === 0 ? storage : storage === 'memory' ? 'level' : 'memory';
        const { code, error } = await kvctl('restore', file, directory, '--storage', to);
        expect(code, error).toBe(0);
        expect((await kvctl('check', directory)).code).toBe(0);
        const restored = await startGateway({ storage: to, log: i === 0 ? log : 'file', dir: directory });
        try {
          counts.push(await verify(restored.address));
        } finally {
          await restored.process.stop();
        }
      }
      expect(counts[0]).toBeGreaterThan(0);
      expect(counts[1]).toBeGreaterThan(counts[0]);
      expect(counts[1]).toBeLessThanOrEqual(moves);
      expect(await verify(address)).toBe(moves);
    } finally {
      await gateway.kill();
    }
  }, 120_000);
});

it('a backup that is damaged is refused before anything is touched, and what is there is kept', async () => {
  const gateway = await startGateway({ storage: 'memory', log: 'file', dir: join(root, 'data') });
  const client = await WireClient.connect(gateway.address);
  await client.call('SET', 'k', 'v');
  client.close();
  expect((await kvctl('backup', join(root, 'data'), join(root, 'file'))).error).toMatch(
    /is in use by process/,
  );
  await gateway.process.stop();
  expect((await kvctl('backup', join(root, 'data'), join(root, 'file'))).code).toBe(0);
  const bytes = await readFile(join(root, 'file'));
  bytes[bytes.length - 40] ^= 4;
  await writeFile(join(root, 'damaged'), bytes);
  expect((await kvctl('check', join(root, 'file'))).code).toBe(0);
  expect((await kvctl('check', join(root, 'damaged'))).code).toBe(1);
  const damaged = await kvctl('restore', join(root, 'damaged'), join(root, 'data'), '--replace');
  expect([damaged.code, damaged.error]).toEqual([
    1,
    expect.stringContaining('the backup is damaged at byte'),
  ]);
  // Before the backup is read.
  for (const file of ['file', 'damaged']) {
    expect((await kvctl('restore', join(root, file), join(root, 'data'))).error).toContain('is not empty');
    expect((await kvctl('restore', join(root, file), '/proc')).error).toContain('the root of a file system');
  }
  expect((await kvctl('check', join(root, 'data'))).code).toBe(0);
  expect(
    (await kvctl('restore', join(root, 'file'), join(root, 'data'), '--replace', '--storage', 'level')).code,
  ).toBe(0);
  expect((await readdir(root)).sort()).toEqual(['damaged', 'data', 'data.replaced', 'file']);
  const again = await startGateway({ storage: 'level', log: 'file', dir: join(root, 'data') });
  const reader = await WireClient.connect(again.address);
  expect((await reader.call('GET', 'k')).text).toBe('v');
  reader.close();
  await again.process.stop();
}, 60_000);
