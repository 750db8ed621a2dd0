import { SimulatedEnv } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { frameBytes } from './frame.js';
import { LogDirectory } from './log-directory.js';
import { readSegments } from './segment-reader.js';
import type { SegmentWriter } from './segment-writer.js';
import { batchOf } from './testing/assertions.js';
import { SimulatedDisk } from './testing/simulated-disk.js';

const path = '/log';
const segmentBytes = 4096;

function openDirectory(disk: SimulatedDisk): Promise<LogDirectory> {
  const { random } = new SimulatedEnv();
  return LogDirectory.open({
    disk,
    random,
    path,
    segmentBytes,
    startAfter: 0,
    refusesCut: false,
    create: true,
  });
}

/** Writes batches of 100 bytes until the first file is left behind; how many that were. */
function fillOne(writer: SegmentWriter): number {
  while (!writer.hasLeftBehind) {
    const position = writer.last + 1;
    expect(writer.append(batchOf(position, 100), 1)).toEqual({ kind: 'committed', position });
  }
  return writer.last;
}

async function positionsOf(writer: SegmentWriter, from = 1): Promise<number[]> {
  const positions: number[] = [];
  for await (const { position } of readSegments(writer.segments, from, writer.last)) positions.push(position);
  return positions;
}

it('goes on in the next file when one is full, and a sync covers both', async () => {
  const disk = new SimulatedDisk();
  const { writer } = await openDirectory(disk);
  const count = fillOne(writer);
  expect(count).toBe(Math.floor((segmentBytes - 64) / frameBytes(100)) + 1);
  expect(writer.segments.map(({ firstPosition }) => firstPosition)).toEqual([1, count]);
  expect(writer.needsActiveOnly(100)).toBe(false);
  expect(writer.durable).toBe(0);
  await writer.sync();
  expect(writer.durable).toBe(count);
  expect(writer.hasLeftBehind).toBe(false);
  expect(writer.needsActiveOnly(100)).toBe(true);
  disk.crash();
  const { writer: reopened } = await openDirectory(disk);
  expect((await positionsOf(reopened)).length).toBe(count);
});

it('what is written while a sync is under way is not counted as on the disk', async () => {
  const { writer } = await openDirectory(new SimulatedDisk());
  writer.append(batchOf(1, 100), 1);
  const syncing = writer.sync();
  writer.append(batchOf(2, 100), 1);
  await syncing;
  expect(writer.durable).toBe(1);
  expect(writer.isDirty).toBe(true);
});

it('a write that fails is taken back, with its epoch, and the next one takes its place', async () => {
  const disk = new SimulatedDisk();
  const { writer } = await openDirectory(disk);
  writer.append(batchOf(1, 100), 1);
  disk.setFreeBytes(50);
  expect(writer.append(batchOf(2, 100), 7)).toMatchObject({ kind: 'refused', reason: 'disk', tail: 1 });
  expect(writer.seal()).toMatchObject({ kind: 'committed' });
  expect(writer.epoch).toBe(1);
  expect(await positionsOf(writer)).toEqual([1]);
});

it('a write that can not be taken back is unknown', async () => {
  const disk = new SimulatedDisk();
  const { writer } = await openDirectory(disk);
  await writer.fillActive();
  disk.failNext('write', 'EIO');
  disk.failNext('write', 'EIO');
  expect(writer.append(batchOf(1, 100), 1)).toMatchObject({ kind: 'unknown' });
});

it('drops whole files, up to one that is being read', async () => {
  const disk = new SimulatedDisk();
  const { writer } = await openDirectory(disk);
  const starts = [1];
  for (let i = 0; i < 3; i++) {
    starts.push(fillOne(writer));
    await writer.sync();
  }
  const reading = readSegments(writer.segments, starts[1], writer.last);
  await reading.next();
  expect(writer.dropBefore(starts[1] - 1)).toEqual([]);
  expect(writer.dropBefore(Number.POSITIVE_INFINITY).map(({ firstPosition }) => firstPosition)).toEqual([1]);
  await reading.return();
  expect(writer.dropBefore(starts[2] + 1).map(({ firstPosition }) => firstPosition)).toEqual([starts[1]]);
  expect(writer.bytesFrom(starts[3])).toBe(writer.segments[1].end);
  expect(writer.bytesFrom(0)).toBe(writer.segments[0].end + writer.segments[1].end);
});
