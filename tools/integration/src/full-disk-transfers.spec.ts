/** What the transfers leave behind where there is no room, or no place, for what they make. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kvctl } from '@holdfast/kvctl/testing';
import { SmallDisk } from '@holdfast/testing/faults';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const megabyte = 1024 * 1024;
const dataBytes = 4 * megabyte;
const small = { room: 2 * megabyte, all: 64 * megabyte };

/** An append-only log of Redis with values that no compression makes smaller. */
async function writeLog(path: string): Promise<void> {
  const value = randomBytes(dataBytes / 4 / 2).toString('hex');
  const sets = [1, 2, 3, 4].map((i) => `*3\r\n$3\r\nSET\r\n$1\r\n${i}\r\n$${value.length}\r\n${value}\r\n`);
  await writeFile(path, sets.join(''));
}

describe.skipIf(!SmallDisk.isAvailable())('where there is little room', () => {
  let disk: SmallDisk;

  beforeEach(async () => {
    disk = SmallDisk.mount(small.all);
    await writeLog(join(disk.path, 'source.aof'));
  });

  afterEach(() => disk.unmount());

  const source = (): string => join(disk.path, 'source.aof');
  const place = (name: string): string => join(disk.path, name);
  const names = async (): Promise<string[]> =>
    (await readdir(disk.path)).filter((name) => !name.startsWith('.') && name !== 'source.aof').sort();

  it.each(['memory', 'level'])(
    'an import into %s storage that does not fit leaves nothing, which had filled the disk, and succeeds with room',
    async (storage) => {
      disk.fill(small.room);
      const failed = await kvctl('import', source(), place('data'), '--storage', storage);
      expect(failed.code).toBe(1);
      expect(failed.error).toMatch(/no space left on device/i);
      expect(await names()).toEqual([]);
      disk.free();
      expect((await kvctl('import', source(), place('data'), '--storage', storage)).code).toBe(0);
      expect(await names()).toEqual(['data']);
    },
  );

  it('a backup, an export and a restore that do not fit leave nothing, and succeed with room', async () => {
    await kvctl('import', source(), place('data'));
    await kvctl('backup', place('data'), place('whole.backup'));
    const transfers: readonly string[][] = [
      ['backup', place('data'), place('b')],
      ['export', place('data'), place('b')],
      ['restore', place('whole.backup'), place('b')],
      ['restore', place('whole.backup'), place('b'), '--storage', 'level'],
    ];
    for (const transfer of transfers) {
      disk.fill(small.room / 2);
      const { code, error } = await kvctl(...transfer);
      expect(code).toBe(1);
      expect(error).toMatch(/no space left on device/i);
      expect(await names()).toEqual(['data', 'whole.backup']);
      disk.free();
      expect((await kvctl(...transfer)).code, transfer.join(' ')).toBe(0);
      await rm(place('b'), { recursive: true });
    }
  });

  it('a check says that there is no room for it, where it named the directory damaged', async () => {
    await kvctl('import', source(), place('data'), '--storage', 'level');
    disk.fill();
    const { code, error, out } = await kvctl('check', place('data'));
    expect(code).toBe(1);
    expect(error).toMatch(/no space left on device/);
    expect(out).not.toMatch(/damage/);
    disk.free();
    expect((await kvctl('check', place('data'))).code).toBe(0);
  });

  it('a directory that is the root of a file system, and is not empty, is refused: no other can take its place', async () => {
    await kvctl('import', source(), place('data'));
    await kvctl('backup', place('data'), place('whole.backup'));
    for (const transfer of [
      ['restore', place('whole.backup'), disk.path, '--replace'],
      ['import', source(), disk.path],
    ]) {
      const { code, error } = await kvctl(...transfer);
      expect(code).toBe(1);
      expect(error).toContain('is the root of a file system, which stays: choose a directory in it');
    }
  });

  it.each(['memory', 'level'])('a restore fills a file system that is empty, %s', async (storage) => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'holdfast-mount-'));
    try {
      await kvctl('import', source(), join(elsewhere, 'data'));
      await kvctl('backup', join(elsewhere, 'data'), join(elsewhere, 'whole.backup'));
      await rm(source());
      const restoring = ['restore', join(elsewhere, 'whole.backup'), disk.path, '--storage', storage];
      expect((await kvctl(...restoring)).code).toBe(0);
      expect(await names()).toEqual(storage === 'level' ? ['format', 'level'] : ['format', 'snapshots']);
      expect((await kvctl('check', disk.path)).code).toBe(0);
      const { code, error } = await kvctl(...restoring, '--replace');
      expect([code, error]).toEqual([1, expect.stringContaining('the root of a file system, which stays')]);
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });

  it('a file that could not get its name leaves nothing: a directory has that', async () => {
    await kvctl('import', source(), place('data'));
    await mkdir(place('taken'));
    for (const what of ['backup', 'export']) {
      const { code, error } = await kvctl(what, place('data'), place('taken'));
      expect(code).toBe(1);
      expect(error).toContain('taken is a directory: name a file in it');
    }
    expect(await names()).toEqual(['data', 'taken']);
  });

  it('a restore goes where a link leads, and leaves the link', async () => {
    await kvctl('import', source(), place('data'));
    await kvctl('backup', place('data'), place('whole.backup'));
    await symlink(place('data'), place('link'));
    expect((await kvctl('restore', place('whole.backup'), place('link'), '--replace')).code).toBe(0);
    expect(await names()).toEqual(['data', 'data.replaced', 'link', 'whole.backup']);
    expect((await kvctl('check', place('link'))).code).toBe(0);
  });
});
