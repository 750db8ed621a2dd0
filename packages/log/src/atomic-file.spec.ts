import { KvError } from '@holdfast/common';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AtomicFile } from './atomic-file.js';
import { type DiskOperation, SimulatedDisk } from './testing/simulated-disk.js';

let disk: SimulatedDisk;

beforeEach(async () => {
  disk = new SimulatedDisk(1);
  await disk.makeDirectory('/d');
  await write('/d/name', ['old']);
});

function write(path: string, pieces: readonly string[]): Promise<number> {
  return AtomicFile.write(disk, path, async (file) => {
    for (const piece of pieces) await file.write(Buffer.from(piece));
    return file.size;
  });
}

const contentOf = (path: string): string => Buffer.from(disk.contentOf(path)).toString();
const names = async (): Promise<string[]> => (await disk.list('/d')).sort();

it('has all that was written, in order, also where nothing waited for it', async () => {
  expect(await write('/d/name', ['new', ' and ', 'whole'])).toBe(13);
  await AtomicFile.write(disk, '/d/other', async (file) => {
    for (let i = 0; i < 10; i++) file.write(Buffer.from(String(i)));
  });
  expect([contentOf('/d/name'), contentOf('/d/other')]).toEqual(['new and whole', '0123456789']);
  expect([await names(), disk.openFileCount]).toEqual([['name', 'other'], 0]);
  expect(disk.hasUnsynced('/d')).toBe(false);
});

it('goes on behind what it was rewound to', async () => {
  await AtomicFile.write(disk, '/d/name', async (file) => {
    await file.write(Buffer.from('begun, and not ended'));
    await file.rewind(7);
    await file.write(Buffer.from('anew'));
    expect(file.size).toBe(11);
  });
  expect(contentOf('/d/name')).toBe('begun, anew');
});

it('gets the name that is known only in the end', async () => {
  await AtomicFile.write(disk, '/d/unfinished', async (file) => {
    expect(await names()).toEqual(['name', 'unfinished.tmp']);
    file.path = '/d/finished';
  });
  expect(await names()).toEqual(['finished', 'name']);
});

it('is the old one or the new one, whole, wherever the power is cut', async () => {
  const found = new Set<string>();
  for (let seed = 1; seed <= 20; seed++)
    for (let at = 1; ; at++) {
      disk = new SimulatedDisk(seed);
      await disk.makeDirectory('/d');
      await write('/d/name', ['old']);
      const off = disk.powerOffAfter(at).then(() => 'off');
      const outcome = await Promise.race([off, write('/d/name', ['new and ', 'whole']).catch(() => off)]);
      disk.crash(null);
      const content = contentOf('/d/name');
      found.add(content);
      if (outcome === 'off') continue;
      expect(content).toBe('new and whole');
      break;
    }
  expect([...found].sort()).toEqual(['new and whole', 'old']);
});

it('is the old one or the new one at once, wherever the power is cut', async () => {
  const found = new Set<string>();
  for (let seed = 1; seed <= 20; seed++)
    for (let at = 1, isDone = false; !isDone; at++) {
      disk = new SimulatedDisk(seed);
      await disk.makeDirectory('/d');
      await write('/d/name', ['old']);
      void disk.powerOffAfter(at);
      try {
        AtomicFile.writeSync(disk, '/d/name', Buffer.from('new and whole'));
        isDone = true;
      } catch {
        // The power is off.
      }
      disk.crash(null);
      found.add(contentOf('/d/name'));
      if (isDone) expect(contentOf('/d/name')).toBe('new and whole');
    }
  expect([...found].sort()).toEqual(['new and whole', 'old']);
});

describe('leaves nothing of itself, and what was there before', () => {
  it.each<DiskOperation>(['open', 'write', 'datasync', 'rename'])('when the disk fails: %s', async (at) => {
    disk.failNext(at, 'ENOSPC');
    await expect(write('/d/name', ['new'])).rejects.toThrow('ENOSPC');
    expect([await names(), contentOf('/d/name'), disk.openFileCount]).toEqual([['name'], 'old', 0]);
  });

  it.each<DiskOperation>(['open', 'write', 'datasync', 'rename'])(
    'at once, when the disk fails: %s',
    (at) => {
      disk.failNext(at, 'ENOSPC');
      expect(() => AtomicFile.writeSync(disk, '/d/name', Buffer.from('new'))).toThrow('ENOSPC');
      expect(contentOf('/d/name')).toBe('old');
      expect(() => disk.contentOf('/d/name.tmp')).toThrow('ENOENT');
      expect(disk.openFileCount).toBe(0);
    },
  );

  it('when a write failed that nothing waited for, whatever was written behind it', async () => {
    disk.failNext('write', 'ENOSPC');
    const writing = AtomicFile.write(disk, '/d/name', async (file) => {
      for (let i = 0; i < 10; i++) file.write(Buffer.from(String(i))).catch(() => {});
    });
    await expect(writing).rejects.toThrow('ENOSPC');
    expect([await names(), contentOf('/d/name')]).toEqual([['name'], 'old']);
  });

  it('when the content is not to be had, closed only once no write is under way: another file may have the descriptor then', async () => {
    const order: unknown[] = [];
    const open = disk.open.bind(disk);
    vi.spyOn(disk, 'open').mockImplementation((...given) => {
      const file = open(...given);
      const write = async (bytes: Uint8Array, at: number): Promise<void> => {
        for (let turns = 0; turns < 100; turns++) await null;
        await file.write(bytes, at);
        order.push('written');
      };
      const close = (): Promise<void> => {
        order.push('closed');
        return file.close();
      };
      return { ...file, write, close };
    });
    const writing = AtomicFile.write(disk, '/d/name', async (file) => {
      file.write(Buffer.from('under way'));
      await null;
      file.write(Buffer.from('not begun')).catch(({ code }) => order.push(code));
      throw new KvError('UNAVAILABLE', 'begin anew');
    });
    await expect(writing).rejects.toThrow('begin anew');
    expect(order).toEqual(['written', 'CLOSED', 'closed']);
    expect([await names(), contentOf('/d/name'), disk.openFileCount]).toEqual([['name'], 'old', 0]);
  });
});

it('what a process that was killed had written of it is removed, and what is there stays', async () => {
  const never = AtomicFile.write(disk, '/d/name', async (file) => {
    await file.write(Buffer.from('half'));
    await new Promise(() => {});
  });
  void never;
  await expect.poll(names).toEqual(['name', 'name.tmp']);
  disk.kill();
  for (let i = 0; i < 2; i++) await AtomicFile.removeUnfinished(disk, '/d/name');
  expect([await names(), contentOf('/d/name')]).toEqual([['name'], 'old']);
});
