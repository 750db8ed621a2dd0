import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FileHighWaterMark } from './file-high-water-mark.js';
import { NodeDisk } from './node-disk.js';
import { lockDirectory } from './node-lock.js';
import { readSmallFile, writeSmallFile } from './small-file.js';
import { SimulatedDisk } from './testing/simulated-disk.js';

const root = mkdtempSync(join(tmpdir(), 'node-disk-'));
afterAll(() => rmSync(root, { recursive: true }));
const disk = new NodeDisk();
let directoryCount = 0;

function newDirectory(): string {
  const directory = join(root, `d${directoryCount++}`);
  mkdirSync(directory);
  return directory;
}

describe('NodeDisk', () => {
  it('writes and reads at offsets', async () => {
    const file = disk.open(join(newDirectory(), 'file'), 'write');
    file.writeSync(Buffer.from('abcdef'), 2);
    await file.write(Buffer.from('XY'), 4);
    await file.datasync();
    const target = Buffer.alloc(20);
    expect(await file.read(target, 1)).toBe(7);
    expect(target.toString('latin1', 0, 7)).toBe('\0abXYef');
    await file.truncate(3);
    expect(file.size()).toBe(3);
    await file.close();
  });

  it('makes directories with those above, and says what went wrong where', async () => {
    const path = join(newDirectory(), 'a/b/c');
    await disk.makeDirectory(path);
    await disk.makeDirectory(path);
    expect(await disk.list(path)).toEqual([]);
    expect(() => disk.open(join(path, 'missing'), 'read')).toThrow(
      expect.objectContaining({ code: 'DISK', message: expect.stringContaining('missing') }),
    );
  });
});

describe('what a path leads to', () => {
  it('is the same whether it is there or not, through links of links', async () => {
    const directory = realpathSync(newDirectory());
    const target = join(directory, 'target');
    symlinkSync('target', join(directory, 'link'));
    symlinkSync(join(directory, 'link'), join(directory, 'second'));
    symlinkSync(directory, join(directory, 'above'));
    const paths = ['target', 'target/', 'link', 'second', 'second//', 'above/second', 'above/above/link/'];
    const followed = () => Promise.all(paths.map((path) => disk.follow(join(directory, path))));
    expect(await followed()).toEqual(paths.map(() => target));
    mkdirSync(target);
    expect(await followed()).toEqual(paths.map(() => target));
    expect(await disk.follow(join(directory, 'link/no/such'))).toBe(join(target, 'no/such'));
    symlinkSync('round', join(directory, 'round'));
    await expect(disk.follow(join(directory, 'round'))).rejects.toMatchObject({ code: 'DISK' });
  });
});

it('tells where something is mounted', async () => {
  const directory = newDirectory();
  const found = ['/', '/proc', directory, join(directory, 'missing')].map((path) => disk.isMountPoint(path));
  expect(await Promise.all(found)).toEqual([true, true, false, false]);
});

describe('a small file', () => {
  it('is replaced as a whole', async () => {
    const path = join(newDirectory(), 'file');
    expect(await readSmallFile(disk, path)).toBeNull();
    await writeSmallFile(disk, path, Buffer.from('a long first content'));
    await writeSmallFile(disk, path, Buffer.from('second'));
    expect(Buffer.from((await readSmallFile(disk, path))!).toString()).toBe('second');
  });

  it('is the old or the new one after a power cut', async () => {
    for (let seed = 1; seed <= 200; seed++) {
      const simulated = new SimulatedDisk(seed);
      await simulated.makeDirectory('/d');
      await writeSmallFile(simulated, '/d/file', Buffer.from('old'));
      const powerOff = simulated.powerOffAfter(1 + (seed % 6));
      let isDone = false;
      const writing = writeSmallFile(simulated, '/d/file', Buffer.from('new'));
      await Promise.race([
        powerOff,
        writing.then(
          () => {
            isDone = true;
          },
          () => {},
        ),
      ]);
      simulated.crash();
      const content = Buffer.from((await readSmallFile(simulated, '/d/file'))!).toString();
      expect(isDone ? ['new'] : ['old', 'new'], `seed ${seed}`).toContain(content);
    }
  });
});

describe('FileHighWaterMark', () => {
  it('keeps its value, starts with 0, and refuses a damaged file', async () => {
    const path = join(newDirectory(), 'mark');
    expect(await new FileHighWaterMark({ disk, path }).load()).toBe(0);
    await new FileHighWaterMark({ disk, path }).store(Number.MAX_SAFE_INTEGER);
    expect(await new FileHighWaterMark({ disk, path }).load()).toBe(Number.MAX_SAFE_INTEGER);
    for (const content of ['', '12', '12 00000000\n', 'x 0\n']) {
      writeFileSync(path, content);
      await expect(new FileHighWaterMark({ disk, path }).load()).rejects.toMatchObject({ code: 'CORRUPT' });
    }
  });
});

describe('the lock of a directory', () => {
  it('is refused while it is held, naming the process, and free after its release', async () => {
    const directory = newDirectory();
    const lock = await disk.lock(directory);
    await expect(disk.lock(directory)).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await lock.release();
    await (await disk.lock(directory)).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('was released under the name that the directory had by then lost to another one, whose lock went', async () => {
    const directory = newDirectory();
    const lock = await disk.lock(directory);
    disk.rename(directory, `${directory}.replaced`);
    mkdirSync(directory);
    const other = await disk.lock(directory);
    await lock.release();
    await expect(disk.lock(directory)).rejects.toMatchObject({ code: 'LOCKED' });
    await other.release();
    expect([readdirSync(directory), readdirSync(`${directory}.replaced`)]).toEqual([[], []]);
  });

  it('works in a directory whose path is longer than a socket may have', async () => {
    const directory = join(newDirectory(), 'x'.repeat(120));
    mkdirSync(directory);
    const lock = await disk.lock(directory);
    await expect(disk.lock(directory)).rejects.toMatchObject({ code: 'LOCKED' });
    await lock.release();
  });

  it('is refused while a stopped process holds it, and taken over from a killed one', async () => {
    const directory = newDirectory();
    const holder = spawn(process.execPath, [
      '-e',
      `require('node:net').createServer(() => {}).listen(${JSON.stringify(join(directory, 'lock-7'))},
        () => process.stdout.write('held'))`,
    ]);
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    holder.kill('SIGSTOP');
    await expect(disk.lock(directory)).rejects.toMatchObject({ code: 'LOCKED' });
    const exit = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await exit;
    expect(readdirSync(directory)).toEqual(['lock-7']);
    const lock = await disk.lock(directory);
    expect(readdirSync(directory)).toEqual(['lock-8']);
    await lock.release();
  });

  it('has at most one winner when many take over at once', async () => {
    for (let round = 0; round < 20; round++) {
      const directory = newDirectory();
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => disk.lock(directory)));
      const winners = results.filter((result) => result.status === 'fulfilled');
      expect(winners.length).toBeLessThanOrEqual(1);
      for (const result of results)
        if (result.status === 'rejected') expect(result.reason.code).toBe('LOCKED');
      for (const { value } of winners) await value.release();
      await (await disk.lock(directory)).release();
    }
  });

  it('withdraws when another one appears between its two looks', async () => {
    const directory = newDirectory();
    const other = newDirectory();
    const held = await disk.lock(other);
    let looks = 0;
    const { linkSync } = await import('node:fs');
    const race = lockDirectory({
      path: directory,
      near: directory,
      names: () => {
        // After the first look (and the one for the highest number) somebody else is there.
        if (++looks === 3) linkSync(join(other, 'lock-1'), join(directory, 'lock-9'));
        return readdirSync(directory);
      },
      link: (source, target) => linkSync(join(directory, source), join(directory, target)),
      unlink: (name) => rmSync(join(directory, name), { force: true }),
      close: () => {},
    });
    await expect(race).rejects.toMatchObject({ code: 'LOCKED' });
    expect(readdirSync(directory)).toEqual(['lock-9']);
    await held.release();
  });
});
