/** Shards of a cluster that come together in one place. */

import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { systemEnv } from '@holdfast/common';
import { openLocalStack } from '@holdfast/coord';
import { AtomicFile, type Disk, NodeDisk } from '@holdfast/log';
import { BackupWriter, MutationWriter, mutationKinds } from '@holdfast/storage';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkBackup, type RestorePoint, restoreBackup } from './backup.js';
import { openDirectory } from './opened-directory.js';
import { storedKeys } from './stored-keys.js';

const env = systemEnv();
const disk = new NodeDisk();
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-restore-'));
});
afterEach(() => rm(directory, { recursive: true }));

type Write = readonly [version: number, what: 'SET' | 'FLUSH' | 'SWAP', key?: string];

/** Of database 0; a swap is with database 1. */
function batchOf(...writes: readonly Write[]): Buffer {
  const writer = new MutationWriter();
  for (const [version, what, name = ''] of writes) {
    const key = Buffer.from(name);
    const kind = { SET: 'putString', FLUSH: 'flushDatabase', SWAP: 'swapDatabases' } as const;
    writer.begin(mutationKinds[kind[what]], 0, version, key, 0, key.length);
    if (what === 'SWAP') writer.byte(1);
    if (what !== 'SET') continue;
    writer.number(0);
    writer.byte(0);
    writer.field(key, 0, key.length);
  }
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

/** A backup as a cluster's is: of each shard a snapshot, and then of each what was written behind it. */
async function backupOf(...parts: readonly (readonly [string, ...Write[]])[]): Promise<string> {
  const path = join(directory, 'all.backup');
  const writer = new BackupWriter();
  await AtomicFile.write(disk, path, async (file) => {
    await file.write(writer.head({}));
    for (const [name, ...writes] of parts) {
      await file.write(writer.part(name));
      await file.write(await writer.batch(batchOf(...writes)));
      await file.write(await writer.close(1, 1000));
    }
    await file.write(writer.end());
  });
  return path;
}

/** What a restore of a backup to memory storage is told. */
async function restoreOf(path: string, place: string) {
  const summary = await checkBackup(disk, path, () => {});
  const told = { onBatch: () => {}, onChecked: () => {} };
  return { env, disk, path, summary, point: null, ...told, directory: place, storage: 'memory' } as const;
}

/** The keys that are there after a restore, with their databases. */
async function restored(path: string, storage: 'memory' | 'level', point: RestorePoint | null = null) {
  const place = join(directory, storage);
  await restoreBackup({ ...(await restoreOf(path, place)), storage, point, replace: false });
  return keysIn(place);
}

async function keysIn(place: string): Promise<string[]> {
  const stack = await openDirectory(env, disk, place, () => {});
  try {
    const keys: string[] = [];
    for await (const { database, key } of storedKeys(stack.storage)) keys.push(`${database} ${key}`);
    return keys.sort();
  } finally {
    await stack.close();
  }
}

it('what came into the directory while a backup was restored to it stays there', async () => {
  const path = await backupOf(['', [10, 'SET', 'a']]);
  const place = join(directory, 'place');
  const onBatch = (): void => {
    mkdirSync(place);
    writeFileSync(join(place, 'format'), 'of a server that was started there');
  };
  const options = { ...(await restoreOf(path, place)), onBatch, replace: false };
  await expect(restoreBackup(options)).rejects.toThrow('is not empty any more');
  expect(await readdir(place)).toEqual(['format']);
  expect((await readdir(directory)).sort()).toEqual(['all.backup', 'place']);
});

it('a restore that was killed between its renames could not be run again: what it had set aside was in the way', async () => {
  const path = await backupOf(['', [10, 'SET', 'a']]);
  const place = join(directory, 'place');
  mkdirSync(`${place}.replaced`);
  const options = { ...(await restoreOf(path, place)), replace: true };
  await restoreBackup(options);
  // What starts servers may have made the directory again.
  rmSync(place, { recursive: true });
  mkdirSync(place);
  await restoreBackup(options);
  expect((await readdir(directory)).sort()).toEqual(['all.backup', 'place', 'place.replaced']);
  await expect(restoreBackup(options)).rejects.toThrow('place.replaced is there already');
});

it('a restore through a link, killed between its renames, could not be run again: nothing was where the link led', async () => {
  const path = await backupOf(['', [10, 'SET', 'a']]);
  const place = join(directory, 'place');
  const link = join(directory, 'link');
  symlinkSync('place', link);
  mkdirSync(`${place}.replaced`);
  const options = { ...(await restoreOf(path, link)), replace: true };
  await restoreBackup(options);
  expect((await readdir(directory)).sort()).toEqual(['all.backup', 'link', 'place', 'place.replaced']);
  expect((await readdir(link)).sort()).toEqual(['format', 'snapshots']);
});

it('a restore that could not get its name left the directory set aside', async () => {
  const path = await backupOf(['', [10, 'SET', 'a']]);
  const place = join(directory, 'place');
  const options = { ...(await restoreOf(path, place)), replace: true };
  mkdirSync(place);
  writeFileSync(join(place, 'format'), 'of before');
  /** Does something right after what was there is set aside. */
  const then = (after: () => void): Disk => {
    const meddled = new NodeDisk();
    meddled.rename = (from, to) => {
      disk.rename(from, to);
      if (to === `${place}.replaced`) after();
    };
    return meddled;
  };
  const losing = then(() => rmSync(`${place}.restoring`, { recursive: true }));
  await expect(restoreBackup({ ...options, disk: losing })).rejects.toThrow(/ENOENT.*place is as it was$/);
  expect((await readdir(directory)).sort()).toEqual(['all.backup', 'place']);
  expect(await readdir(place)).toEqual(['format']);
  const taken = then(() => writeFileSync(place, 'of somebody else'));
  await expect(restoreBackup({ ...options, disk: taken })).rejects.toThrow(
    /ENOTDIR.*; what was there is in .*place.replaced$/,
  );
  expect((await readdir(directory)).sort()).toEqual(['all.backup', 'place', 'place.replaced']);
  expect(readFileSync(join(`${place}.replaced`, 'format'), 'utf8')).toBe('of before');
});

/** A disk on which something is mounted at each directory of ours; `at` is called whenever something in it has changed. */
function mounted(at: () => void): Disk {
  const mount = new NodeDisk();
  const { makeDirectory, rename, syncDirectory } = mount;
  mount.isMountPoint = async () => true;
  mount.makeDirectory = (path) => makeDirectory.call(mount, path).then(at);
  mount.rename = (...names) => {
    rename.apply(mount, names);
    at();
  };
  mount.syncDirectory = (path) => syncDirectory.call(mount, path).then(at);
  return mount;
}

it.each(['memory', 'level'] as const)(
  'an empty mount point is filled where it is, %s; killed anywhere, nothing starts there or all is there',
  async (storage) => {
    const path = await backupOf(['', [10, 'SET', 'a']]);
    const place = join(directory, 'place');
    mkdirSync(join(place, 'lost+found'), { recursive: true });
    const { ino } = statSync(place);
    const states: string[] = [];
    const isKept = (name: string): boolean => !basename(name).startsWith('lock-');
    const keep = (): void => {
      // Nothing has come into it yet.
      if (readdirSync(place).filter(isKept).join() === 'lost+found') return;
      const state = join(directory, `state ${states.length}`);
      cpSync(place, state, { recursive: true, filter: isKept });
      writeFileSync(join(state, 'lock-1'), '');
      states.push(state);
    };
    const options = { ...(await restoreOf(path, place)), storage, disk: mounted(keep), replace: false };
    await restoreBackup(options);
    expect(statSync(place).ino).toBe(ino);
    const made = ['format', 'lost+found', storage === 'level' ? 'level' : 'snapshots'].sort();
    expect(readdirSync(place).sort()).toEqual(made);
    expect(await keysIn(place)).toEqual(['0 a']);
    const found: string[] = [];
    for (const state of states) {
      const start = openLocalStack({ env, disk, storage, log: 'none', fsync: 'no', directory: state });
      const opened = await start.catch(({ message }) => message as string);
      found.push(typeof opened === 'string' ? opened.replace(state, '') : 'all');
      if (typeof opened !== 'string') await opened.close();
      else await restoreBackup({ ...options, directory: state, disk: mounted(() => {}) });
      expect(await keysIn(state)).toEqual(['0 a']);
    }
    const refused = ' is what kvctl restore has not finished: run it again, or empty the directory';
    expect([...new Set(found)]).toEqual([refused, 'all']);
  },
);

it('what is in a mount point stays, and a restore to it that fails leaves it empty', async () => {
  const path = await backupOf(['', [10, 'SET', 'a']]);
  const place = join(directory, 'place');
  mkdirSync(join(place, 'restoring'), { recursive: true });
  writeFileSync(join(place, 'of somebody'), '');
  const options = { ...(await restoreOf(path, place)), replace: true };
  await expect(restoreBackup({ ...options, disk: mounted(() => {}) })).rejects.toThrow(
    'is not empty, and is the root of a file system',
  );
  expect(readdirSync(place).sort()).toEqual(['of somebody', 'restoring']);
  rmSync(join(place, 'of somebody'));
  const failing = mounted(() => {
    if (readdirSync(place).includes('snapshots')) throw new Error('no more');
  });
  await expect(restoreBackup({ ...options, disk: failing })).rejects.toThrow('no more');
  expect(readdirSync(place)).toEqual([]);
});

it('a restore that was killed could not be run again: its lock made an empty directory look taken', async () => {
  const path = await backupOf(['', [10, 'SET', 'a']]);
  const place = join(directory, 'place');
  mkdirSync(place);
  writeFileSync(join(place, 'lock-1'), '');
  await restoreBackup({ ...(await restoreOf(path, place)), replace: false });
  expect(await keysIn(place)).toEqual(['0 a']);
});

it('a backup is restored to a directory that is empty', async () => {
  const path = await backupOf(['', [10, 'SET', 'a']]);
  mkdirSync(join(directory, 'memory'));
  expect(await restored(path, 'memory')).toEqual(['0 a']);
});

describe.each(['memory', 'level'] as const)('shards restored together, %s', (storage) => {
  it('lose by a FLUSHALL of each what was older there, and nothing of the others', async () => {
    const path = await backupOf(
      ['s0', [10, 'SET', 'a']],
      ['s1', [20, 'SET', 'b']],
      // Flushed sooner than the other one, and written to in between.
      ['s0', [90, 'FLUSH'], [95, 'SET', 'c']],
      ['s1', [100, 'FLUSH'], [110, 'SET', 'd']],
    );
    expect(await restored(path, storage)).toEqual(['0 c', '0 d']);
  });

  it('keep what a FLUSHDB at one node did not reach', async () => {
    const path = await backupOf(['s0', [10, 'SET', 'a']], ['s1', [20, 'SET', 'b']], ['s0', [100, 'FLUSH']]);
    expect(await restored(path, storage)).toEqual(['0 b']);
  });

  it('have databases swapped once, although each shard says so', async () => {
    const path = await backupOf(
      ['s0', [10, 'SET', 'a']],
      ['s1', [20, 'SET', 'b']],
      ['s0', [100, 'SWAP']],
      ['s1', [101, 'SWAP'], [102, 'SET', 'c']],
    );
    expect(await restored(path, storage)).toEqual(['0 c', '1 a', '1 b']);
  });

  it('are kept apart for a history, too, of which it is not known what is in it', async () => {
    const path = await backupOf(['s0', [10, 'SET', 'a']], ['s1', [20, 'SET', 'b']]);
    const later = new Map([
      ['s0', batchOf([1100, 'FLUSH'])],
      ['s1', batchOf([1050, 'SET', 'c'])],
    ]);
    const history = {
      async *batches(parts: ReadonlySet<string>) {
        for (const part of parts) yield { part, batch: later.get(part)! };
      },
      close: async () => {},
    };
    expect(await restored(path, storage, { after: 1000, version: 2000, history })).toEqual(['0 b', '0 c']);
  });

  it('of which there are many come together in a few at a time', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `s${i}`);
    const path = await backupOf(...names.map((name, i): [string, Write] => [name, [10, 'SET', `key ${i}`]]), [
      's3',
      [100, 'FLUSH'],
    ]);
    expect((await restored(path, storage)).length).toBe(9);
  });
});
