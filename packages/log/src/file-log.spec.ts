import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Env, systemEnv } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { FileLog } from './file-log.js';
import type { FileLogOptions } from './file-log-options.js';
import { fileHeadBytes, frameBytes, frameHeadBytes } from './frame.js';
import type { FsyncPolicy } from './group-commit.js';
import { NodeDisk } from './node-disk.js';
import { batchOf, entriesOf } from './testing/assertions.js';
import { logConformance } from './testing/log-conformance.js';
import { SimulatedDisk } from './testing/simulated-disk.js';

const policies: FsyncPolicy[] = ['always', 'everysec', 'no'];
const root = mkdtempSync(join(tmpdir(), 'file-log-'));
afterAll(() => rmSync(root, { recursive: true }));
let directoryCount = 0;

describe.each(policies)('FileLog over NodeDisk, fsync %s', (fsync) => {
  for (const { name, run } of logConformance) {
    it(name, () => {
      const directory = join(root, String(directoryCount++));
      return run({
        open: () =>
          FileLog.open({ disk: new NodeDisk(), env: systemEnv(), directory, fsync, segmentBytes: 4096 }),
      });
    });
  }
});

describe.each(policies)('FileLog over SimulatedDisk, fsync %s', (fsync) => {
  for (const { name, run } of logConformance) {
    it(name, () => {
      const disk = new SimulatedDisk();
      return run({ open: () => openLog(disk, { fsync }) });
    });
  }
});

const directory = '/log';
const env: Env = new SimulatedEnv();
const firstPath = `${directory}/00000000000000000001.seg`;

function openLog(disk: SimulatedDisk, options: Partial<FileLogOptions> = {}): Promise<FileLog> {
  return FileLog.open({ disk, env, directory, fsync: 'always', segmentBytes: 4096, ...options });
}

/** Appends 100-byte batches up to position `to`. */
async function fillTo(log: FileLog, to: number): Promise<void> {
  for (let after = await log.tail(); after < to; after++) {
    expect(await log.append(batchOf(after + 1, 100), after, 1)).toEqual({
      kind: 'committed',
      position: after + 1,
    });
  }
}

/** Where the frame of a position starts in the first segment of a log of 100-byte batches. */
const offsetOf = (position: number) => fileHeadBytes + (position - 1) * frameBytes(100);

async function positionsOf(log: FileLog): Promise<number[]> {
  return (await entriesOf(log, await log.head())).map(({ position }) => position);
}

describe('a tail that was not written completely', () => {
  it('is cut, whatever is missing of it', async () => {
    for (let cut = 0; cut < frameBytes(100); cut += 3) {
      const disk = new SimulatedDisk();
      await fillTo(await openLog(disk), 3);
      const file = disk.open(firstPath, 'write');
      file.writeSync(new Uint8Array(4096 - offsetOf(3) - cut), offsetOf(3) + cut);
      disk.kill();
      const log = await openLog(disk);
      // Cut behind the batch, only padding was missing.
      expect(await positionsOf(log)).toEqual(cut >= frameHeadBytes + 100 ? [1, 2, 3] : [1, 2]);
      await log.close();
    }
  });

  it('is cut when the file ends in it', async () => {
    const disk = new SimulatedDisk();
    await fillTo(await openLog(disk, { fsync: 'no' }), 3);
    await disk.open(firstPath, 'write').truncate(offsetOf(3) + 60);
    disk.kill();
    const log = await openLog(disk);
    expect(await positionsOf(log)).toEqual([1, 2]);
    await fillTo(log, 4);
    await log.close();
  });

  it('is refused, and nothing changed, where that is asked for', async () => {
    const disk = new SimulatedDisk();
    await fillTo(await openLog(disk, { fsync: 'no' }), 3);
    await disk.open(firstPath, 'write').truncate(offsetOf(3) + 60);
    disk.kill();
    await expect(openLog(disk, { refusesCut: true })).rejects.toMatchObject({ code: 'CORRUPT' });
    await expect(openLog(disk, { refusesCut: true })).rejects.toThrow('aof-load-truncated');
    const log = await openLog(disk);
    expect(await positionsOf(log)).toEqual([1, 2]);
    await log.close();
    const again = await openLog(disk, { refusesCut: true });
    expect(await positionsOf(again)).toEqual([1, 2]);
    await again.close();
  });

  it('does not come back behind what is written in its place', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    await fillTo(log, 2);
    // Written together, so that 4 and 5 do not vouch for 3.
    await Promise.all([3, 4, 5].map((position) => log.append(batchOf(position, 100), position - 1, 1)));
    disk.flipBit(firstPath, offsetOf(3) + 50);
    disk.kill();
    const reopened = await openLog(disk);
    expect(reopened.cutFrames).toBe(3);
    expect(await reopened.tail()).toBe(2);
    await reopened.append(batchOf(3, 100), 2, 1);
    disk.kill();
    const again = await openLog(disk);
    expect(await positionsOf(again)).toEqual([1, 2, 3]);
    await again.close();
  });
});

describe('damage', () => {
  it('of an entry that later ones vouch for refuses to open, naming file and offset', async () => {
    for (const at of [0, 20, 39, 40, 90]) {
      const disk = new SimulatedDisk();
      await fillTo(await openLog(disk), 5);
      disk.flipBit(firstPath, offsetOf(3) + at);
      disk.kill();
      const before = disk.contentOf(firstPath);
      await expect(openLog(disk)).rejects.toMatchObject({
        code: 'CORRUPT',
        message: expect.stringContaining(`${firstPath}, offset ${offsetOf(3)}`),
      });
      expect(disk.contentOf(firstPath)).toEqual(before);
    }
  });

  it('of the last entry is noticed after a clean close', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    await fillTo(log, 3);
    await log.close();
    disk.flipBit(firstPath, offsetOf(3) + 50);
    await expect(openLog(disk)).rejects.toMatchObject({ code: 'CORRUPT' });
  });

  it('of the last entry of a segment is noticed when the next one vouches for it', async () => {
    const disk = new SimulatedDisk();
    await fillTo(await openLog(disk), 40);
    disk.kill();
    const path = `${directory}/${segmentNames(await disk.list(directory))[0]}`;
    const last = Number(segmentNames(await disk.list(directory))[1].slice(0, 20)) - 1;
    disk.flipBit(path, offsetOf(last) + 50);
    const log = await openLog(disk);
    await expect(positionsOf(log)).rejects.toMatchObject({ code: 'CORRUPT' });
    await log.close();
  });

  it('of a file head refuses to open', async () => {
    const disk = new SimulatedDisk();
    await fillTo(await openLog(disk), 2);
    disk.kill();
    disk.flipBit(firstPath, 3);
    await expect(openLog(disk)).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('offset 0'),
    });
    disk.flipBit(firstPath, 3);
    await (await openLog(disk)).close();
  });

  it('by a missing segment is noticed', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    await fillTo(log, 100);
    await log.close();
    await disk.unlink(`${directory}/${segmentNames(await disk.list(directory))[1]}`);
    const reopened = await openLog(disk);
    await expect(positionsOf(reopened)).rejects.toMatchObject({ code: 'CORRUPT' });
    await reopened.close();
  });

  it('a newer format is refused as such', async () => {
    const disk = new SimulatedDisk();
    await (await openLog(disk)).close();
    const { checksum } = await import('@holdfast/common');
    const head = disk.contentOf(firstPath).slice(0, fileHeadBytes);
    head[8] = 2;
    new DataView(head.buffer).setUint32(16, checksum(head, 0, 16, 0), true);
    disk.open(firstPath, 'write').writeSync(head, 0);
    await expect(openLog(disk)).rejects.toMatchObject({ code: 'INVALID', message: /format version 2/ });
  });

  it('a value that looks like frames is never taken for one', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk, { segmentBytes: 65536 });
    await fillTo(log, 5);
    const lookalike = disk.contentOf(firstPath).slice(fileHeadBytes, offsetOf(6));
    const other = new SimulatedDisk(2);
    const victim = await openLog(other, { segmentBytes: 65536 });
    await victim.append(lookalike, 0, 1);
    other.flipBit(firstPath, fileHeadBytes + 10);
    other.kill();
    const reopened = await openLog(other);
    expect(await reopened.tail()).toBe(0);
  });
});

const segmentNames = (names: string[]) => names.filter((name) => /^\d/.test(name)).sort();

describe('a failing disk', () => {
  it('a full disk refuses appends, and the log goes on once there is room', async () => {
    for (const fsync of policies) {
      const disk = new SimulatedDisk();
      const log = await openLog(disk, { fsync, segmentBytes: 8192 });
      await fillTo(log, 3);
      disk.setFreeBytes(70);
      // Zeros at the end: a cut frame over preallocated zeros would pass for a good one.
      const outcome = await log.append(new Uint8Array(12_000), 3, 1);
      expect(outcome).toMatchObject({ kind: 'refused', reason: 'disk', tail: 3 });
      expect(log.failure).toBeNull();
      expect(await log.tail()).toBe(3);
      disk.setFreeBytes(1e6);
      await fillTo(log, 5);
      disk.kill();
      const reopened = await openLog(disk, { fsync });
      expect(await positionsOf(reopened)).toEqual([1, 2, 3, 4, 5]);
      await reopened.close();
    }
  });

  it('opens on a full disk, so that what is there can be read', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk, { fsync: 'no' });
    await fillTo(log, 3);
    await log.close();
    disk.setFreeBytes(0);
    const reopened = await openLog(disk);
    expect(await positionsOf(reopened)).toEqual([1, 2, 3]);
    expect(await reopened.append(batchOf(4, 100), 3, 1)).toMatchObject({ kind: 'refused', reason: 'disk' });
    await reopened.close();
  });

  it('a failed sync leaves its appends unknown and refuses all later ones until opened again', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    await fillTo(log, 2);
    disk.failNext('datasync', 'EIO');
    const [third, fourth] = await Promise.all([
      log.append(batchOf(3, 100), 2, 1),
      log.append(batchOf(4, 100), 3, 1),
    ]);
    expect(third.kind).toBe('unknown');
    expect(fourth.kind).toBe('unknown');
    expect(await log.append(batchOf(5, 100), 4, 1)).toMatchObject({ kind: 'refused', reason: 'disk' });
    expect(await log.tail()).toBe(2);
    await expect(log.trim(2)).rejects.toMatchObject({ code: 'DISK' });
    await log.close();
    const reopened = await openLog(disk);
    // They are in the page cache; opening wrote them once more, so they must survive a crash now.
    const tail = await reopened.tail();
    disk.crash();
    const again = await openLog(disk);
    expect(await again.tail()).toBe(tail);
    await again.close();
  });

  it('a failed write whose undoing fails, too, is unknown', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    await fillTo(log, 1);
    disk.failNext('write', 'EIO');
    disk.failNext('write', 'EIO');
    expect((await log.append(batchOf(2, 100), 1, 1)).kind).toBe('unknown');
    expect(log.failure).toMatchObject({ code: 'DISK' });
    await log.close();
  });

  it('a log that can not be opened leaves no file open behind', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk, { fsync: 'no' });
    await fillTo(log, 60);
    await log.close();
    expect(disk.openFileCount).toBe(0);
    let epoch = 1;
    for (const operation of ['read', 'write', 'datasync', 'syncDirectory'] as const) {
      for (let skip = 0, isOpened = false; !isOpened; skip++) {
        disk.failNext(operation, 'EIO', { skip });
        // A higher epoch each time: a mark is written.
        const opened = await openLog(disk, { fsync: 'no', startEpoch: ++epoch }).catch(() => null);
        await opened?.close().catch(() => {});
        expect(disk.openFileCount).toBe(0);
        isOpened = opened !== null;
      }
    }
  });

  it('a segment that can not be made refuses the append and nothing else', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk, { fsync: 'no' });
    await fillTo(log, 25);
    disk.failNext('rename', 'EIO');
    let after = 25;
    let outcome = await log.append(batchOf(after + 1, 100), after, 1);
    for (; outcome.kind === 'committed'; after++)
      outcome = await log.append(batchOf(after + 2, 100), after + 1, 1);
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'disk', tail: after });
    await fillTo(log, 60);
    await log.close();
    const reopened = await openLog(disk);
    expect((await positionsOf(reopened)).length).toBe(60);
    await reopened.close();
  });
});

describe('fsync', () => {
  it('everysec and no commit at once, and the death of the process loses nothing', async () => {
    for (const fsync of ['everysec', 'no'] as const) {
      const disk = new SimulatedDisk();
      const log = await openLog(disk, { fsync });
      expect(log.appendSync(batchOf(1, 100), 0, 1)).toEqual({ kind: 'committed', position: 1 });
      expect(log.committedPosition).toBe(1);
      expect(log.durablePosition).toBe(0);
      disk.kill();
      const reopened = await openLog(disk, { fsync });
      expect(await positionsOf(reopened)).toEqual([1]);
      await reopened.close();
    }
  });

  it('always has no answer at once', async () => {
    const log = await openLog(new SimulatedDisk());
    expect(log.appendSync(batchOf(1, 100), 0, 1)).toBeNull();
    expect(await log.tail()).toBe(0);
    await log.close();
  });

  it('always answers at once when it may sync by itself, and a power cut loses nothing', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk, { inlineSyncMsMax: 1 });
    for (let i = 1; i <= 20; i++) {
      const outcome =
        log.appendSync(batchOf(i, 100), i - 1, 1) ?? (await log.append(batchOf(i, 100), i - 1, 1));
      expect(outcome).toEqual({ kind: 'committed', position: i });
      expect(log.durablePosition).toBe(i);
    }
    disk.crash();
    const reopened = await openLog(disk, {});
    expect(await positionsOf(reopened)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    await reopened.close();
  });

  it('always goes to the thread pool for a second when the disk is slow', async () => {
    const simulated = new SimulatedEnv();
    let elapsedMs = 0;
    const env = { ...simulated, clock: { now: simulated.clock.now, monotonic: () => (elapsedMs += 20) } };
    const log = await openLog(new SimulatedDisk(), { env, inlineSyncMsMax: 1 });
    let after = 0;
    while (log.appendSync(batchOf(after + 1, 100), after, 1) !== null) after++;
    expect(after).toBeGreaterThan(0);
    elapsedMs += 1000;
    expect(log.appendSync(batchOf(after + 1, 100), after, 1)).toMatchObject({ kind: 'committed' });
    await log.close();
  });

  it('always says unknown when its own sync fails', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk, { inlineSyncMsMax: 1 });
    disk.failNext('datasync', 'EIO');
    expect(log.appendSync(batchOf(1, 100), 0, 1)).toMatchObject({ kind: 'unknown' });
    expect(log.appendSync(batchOf(2, 100), 1, 1)).toMatchObject({ kind: 'refused', reason: 'disk' });
    await log.close();
  });

  it('everysec syncs after a second, once', async () => {
    const disk = new SimulatedDisk();
    const simulated = new SimulatedEnv();
    const log = await openLog(disk, { fsync: 'everysec', env: simulated });
    log.appendSync(batchOf(1, 100), 0, 1);
    log.appendSync(batchOf(2, 100), 1, 1);
    simulated.advance(999);
    await new Promise(setImmediate);
    expect(log.durablePosition).toBe(0);
    simulated.advance(1);
    await new Promise(setImmediate);
    expect(log.durablePosition).toBe(2);
    const { operationCount } = disk;
    simulated.advance(5000);
    await new Promise(setImmediate);
    expect(disk.operationCount).toBe(operationCount);
    await log.close();
  });

  it('can be changed while the log is open', async () => {
    const log = await openLog(new SimulatedDisk(), { fsync: 'no' });
    await fillTo(log, 3);
    log.fsync = 'always';
    await fillTo(log, 4);
    expect(log.durablePosition).toBe(4);
    log.fsync = 'everysec';
    expect(log.appendSync(batchOf(5, 100), 4, 1)).toMatchObject({ kind: 'committed' });
    await log.close();
  });

  it('always covers what was written while a sync was in flight with one more', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk, { segmentBytes: 65536 });
    const first = log.append(batchOf(1, 100), 0, 1);
    await null;
    await null;
    const others = Array.from({ length: 50 }, (_, i) => log.append(batchOf(i + 2, 100), i + 1, 1));
    const before = disk.operationCount;
    await Promise.all([first, ...others]);
    // The second sync alone: writes were counted before.
    expect(disk.operationCount - before).toBeLessThanOrEqual(1);
    await log.close();
  });
});

describe('segments', () => {
  it('are recycled by a trim, and what they held is never seen again', async () => {
    const disk = new SimulatedDisk();
    let log = await openLog(disk);
    for (let round = 1; round <= 20; round++) {
      await fillTo(log, round * 50);
      await log.trim(round * 50 - 10);
      expect((await disk.list(directory)).length).toBeLessThan(8);
      disk.kill();
      log = await openLog(disk);
      expect((await positionsOf(log)).at(-1)).toBe(round * 50);
    }
    await log.close();
  });

  it('that a trim recycles are left alone once the log is closed', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    await fillTo(log, 200);
    const trimming = log.trim(190);
    while ((await disk.list(directory)).filter((name) => name.startsWith('spare')).length < 2);
    await log.close();
    expect(disk.openFileCount).toBe(0);
    const { operationCount } = disk;
    await trimming;
    await new Promise(setImmediate);
    expect(disk.operationCount).toBe(operationCount);
  });

  it('a log may start after any position', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk, { startAfter: 1000 });
    expect(await log.tail()).toBe(1000);
    expect(await log.head()).toBe(1001);
    await fillTo(log, 1003);
    await log.close();
    const reopened = await openLog(disk);
    expect(await positionsOf(reopened)).toEqual([1001, 1002, 1003]);
    await reopened.close();
  });

  it('an entry longer than a segment, the first of its file, survives a trim up to it', async () => {
    const disk = new SimulatedDisk();
    let log = await openLog(disk);
    await log.append(batchOf(1, 9000), 0, 1);
    await log.append(batchOf(2, 9000), 1, 1);
    await log.trim(1);
    expect(await positionsOf(log)).toEqual([1, 2]);
    disk.kill();
    log = await openLog(disk);
    expect(await positionsOf(log)).toEqual([1, 2]);
    await log.close();
  });

  it('one directory belongs to one log', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    await expect(openLog(disk)).rejects.toMatchObject({ code: 'LOCKED' });
    await log.close();
    await (await openLog(disk)).close();
  });
});
