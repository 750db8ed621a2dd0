import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SimulatedEnv } from '@holdfast/common/testing';
import { NodeDisk } from '@holdfast/log';
import { SimulatedDisk } from '@holdfast/log/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LocalStack, openLocalStack } from './local-stack.js';
import { StackClient } from './testing/index.js';

let directory: string;
const env = new SimulatedEnv(1);
const disk = new SimulatedDisk(1);

/** The log is on a simulated disk, LevelDB on a real one. */
function start(log: 'file' | 'none'): Promise<LocalStack> {
  return openLocalStack({ env, disk, storage: 'level', log, fsync: 'everysec', directory });
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

it('level storage does not start without the log that it had: it served what LevelDB had, and not what only the log had', async () => {
  const stack = await start('file');
  await new StackClient(stack).line('SET k v');
  await stack.close();
  await expect(start('none')).rejects.toThrow('has the log of another run: start with --log file');
  const again = await start('file');
  expect(await new StackClient(again).line('GET k')).toBe('v');
  await again.close();
});

it('memory storage without a log, which began empty over the data of others, says so', async () => {
  const said: string[] = [];
  const startEmpty = (): Promise<LocalStack> =>
    openLocalStack({
      ...{ env, disk, storage: 'memory', log: 'none', fsync: 'everysec', directory },
      onLog: (level, message) => said.push(`${level}: ${message}`),
    });
  await (await startEmpty()).close();
  expect(said).toEqual([]);
  const stack = await start('file');
  await new StackClient(stack).line('SET k v');
  await stack.close();
  const empty = await startEmpty();
  expect(said).toEqual([
    expect.stringMatching(/^warning: .* has data of a server with .*--log file: this one/),
  ]);
  await expect(empty.persistence!.take()).rejects.toThrow(
    /holds data of --storage level|the log of another run/,
  );
  await empty.close();
});

it.each([
  ['memory', 'none'],
  ['memory', 'file'],
  ['level', 'none'],
  ['level', 'file'],
] as const)(
  'a server, %s over log %s, began empty where a restore was killed between its renames',
  async (storage, log) => {
    const place = join(directory, 'data');
    const startThere = (path: string): Promise<LocalStack> =>
      openLocalStack({ env, disk: new NodeDisk(), storage, log, fsync: 'everysec', directory: path });
    const stack = await startThere(place);
    await new StackClient(stack).line('SET k v');
    if (storage === 'memory' && log === 'none') await stack.persistence!.take();
    await stack.close();
    renameSync(place, `${place}.replaced`);
    await expect(startThere(place)).rejects.toThrow(
      'data.replaced is there: kvctl restore --replace was not',
    );
    await expect(startThere(`${place}/`)).rejects.toThrow('data.replaced is there');
    expect(existsSync(place)).toBe(false);
    // What starts servers may make their directories.
    mkdirSync(place);
    await expect(startThere(`${place}/`)).rejects.toThrow(
      /data is empty, and .*data.replaced is there: .*remove .*data and rename/,
    );
    expect(readdirSync(place)).toEqual([]);
    rmdirSync(place);
    // kvctl restore works beside what a link leads to.
    const link = join(directory, 'link');
    symlinkSync('data', link);
    await expect(startThere(link)).rejects.toThrow('data.replaced is there: kvctl restore --replace was not');
    mkdirSync(place);
    await expect(startThere(link)).rejects.toThrow(/data is empty, and .*data.replaced is there/);
    rmdirSync(place);
    renameSync(`${place}.replaced`, place);
    const again = await startThere(place);
    expect(await new StackClient(again).line('GET k')).toBe('v');
    await again.close();
  },
);
