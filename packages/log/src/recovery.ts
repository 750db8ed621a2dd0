/**
 * Opens what a former process left: finds the end of the log, cuts what was never committed, refuses what
 * was damaged, and makes durable what it is going to report as the log's content.
 *
 * A break is where the frame that must come next is missing or bad. With e the position expected there:
 *
 *     some frame behind the break, here or in a later segment, has durable >= e
 *         position e was on the disk once: KvError CORRUPT, nothing is changed
 *     otherwise
 *         nothing from e on was ever known to be on the disk: the log ends before e, and frames behind the
 *         break are wiped, so that they can't come back once the hole before them is filled
 *
 * The limit of this: the very last entries, when no later frame vouches for them, can't be told from an
 * unfinished write. A clean close therefore ends with a mark that does vouch.
 *
 * Entries that no frame vouches for are written once more and synced before they are reported. They were
 * read from the page cache, which after a failed sync (and the restart that follows) may hold as clean
 * what the disk never got.
 *
 * Only segments from the last one that is vouched for as a whole are scanned; damage in earlier ones is
 * found, and reported as CORRUPT, by reading them.
 */
import { join } from 'node:path';
import { KvError } from '@holdfast/common';
import type { Disk, OpenMode } from './disk.js';
import {
  decodeFileHead,
  fileHeadBytes,
  formatVersion,
  frameBytes,
  frameHeadBytes,
  frameKinds,
} from './frame.js';
import { FrameReader } from './frame-reader.js';
import { readBytes } from './limits.js';
import type { Position } from './log.js';
import { firstPositionOf, Segment, segmentName } from './segment.js';
import type { SegmentPool } from './segment-pool.js';

/** What one segment holds, judged by itself. */
export interface SegmentScan {
  readonly segment: Segment;
  /** The position that is missing at `segment.end`. */
  readonly next: Position;
  readonly epoch: number;
  readonly sealed: boolean;
  /** Highest `durable` of the good frames, and of the heads behind the break. */
  readonly durable: Position;
  readonly strayDurable: Position;
  /** Offsets of heads behind the break. */
  readonly strays: number[];
}

export interface RecoveredLog {
  readonly segments: Segment[];
  readonly last: Position;
  readonly epoch: number;
  readonly sealed: boolean;
  /** Frames that were wiped because they were never known to be on the disk. */
  readonly cutFrames: number;
}

/**
 * Recovers the log from the segments among `names`; null when there is none. `refusesCut`: KvError CORRUPT rather than
 * cutting anything.
 */
export async function recoverLog(
  disk: Disk,
  directory: string,
  names: string[],
  pool: SegmentPool,
  refusesCut = false,
): Promise<RecoveredLog | null> {
  const segments: Segment[] = [];
  try {
    await openSegments(disk, directory, names, segments);
    if (segments.length === 0) return null;
    const recovered = await recoverSegments(segments, pool, refusesCut);
    await disk.syncDirectory(directory);
    return recovered;
  } catch (error) {
    for (const segment of segments) await segment.file.close();
    throw error;
  }
}

/** The first segment of a new log. Throws KvError DISK. */
export async function startLog(
  disk: Disk,
  directory: string,
  pool: SegmentPool,
  startAfter: Position,
): Promise<RecoveredLog> {
  const spare = pool.take() ?? pool.createSync();
  const path = join(directory, segmentName(startAfter + 1));
  try {
    disk.rename(spare.path, path);
    await disk.syncDirectory(directory);
  } catch (error) {
    await spare.file.close();
    throw error;
  }
  const segment = new Segment(path, spare.file, spare.salt, startAfter + 1);
  return { segments: [segment], last: startAfter, epoch: 0, sealed: false, cutFrames: 0 };
}

async function recoverSegments(
  segments: Segment[],
  pool: SegmentPool,
  refusesCut: boolean,
): Promise<RecoveredLog> {
  const scans = await scanFromLastVouchedFor(segments);
  const untouched = segments.slice(0, segments.length - scans.length);
  const breakIndex = scans.findIndex((scan, i) => scan.next !== scans[i + 1]?.segment.firstPosition);
  const end = scans[breakIndex];
  const behind = scans.slice(breakIndex + 1);
  refuseDamage(end, behind);
  if (refusesCut) refuseTornEnd(end, behind);
  segments.length -= behind.length;
  await pool.recycle(behind.map((scan) => scan.segment).reverse());
  await wipe(end);
  const kept = scans.slice(0, breakIndex + 1);
  const durable = Math.max(...kept.map((scan) => scan.durable));
  for (const { segment } of kept) await rewrite(segment, durable + 1);
  return {
    segments: [...untouched, ...kept.map((scan) => scan.segment)],
    last: end.next - 1,
    epoch: Math.max(...kept.map((scan) => scan.epoch)),
    sealed: end.sealed,
    cutFrames: end.strays.length + behind.length,
  };
}

/** Opens the segment files among `names` into `segments`, also those before one that fails. */
async function openSegments(
  disk: Disk,
  directory: string,
  names: string[],
  segments: Segment[],
): Promise<void> {
  for (const name of segmentNames(names)) {
    const { segment, problem } = await openSegment(disk, directory, name, 'write');
    segments.push(segment);
    if (problem !== null) throw problem;
  }
}

/** Those of segments among `names`, in order. */
export function segmentNames(names: string[]): string[] {
  return names.filter((candidate) => firstPositionOf(candidate) !== null).sort();
}

/** `problem`: it can't be read. */
export async function openSegment(
  disk: Disk,
  directory: string,
  name: string,
  mode: OpenMode,
): Promise<{ segment: Segment; problem: KvError | null }> {
  const path = join(directory, name);
  const file = disk.open(path, mode);
  const bytes = new Uint8Array(fileHeadBytes);
  const length = await file.read(bytes, 0).catch(async (error) => {
    await file.close();
    throw error;
  });
  const head = decodeFileHead(bytes.subarray(0, length));
  const segment = new Segment(path, file, head?.salt ?? 0, firstPositionOf(name)!);
  if (head === null) return { segment, problem: corrupt(path, 0, 'the file head is damaged') };
  if (head.version <= formatVersion) return { segment, problem: null };
  const problem = new KvError(
    'INVALID',
    `${path} has format version ${head.version}, this program knows up to ${formatVersion}: ` +
      'start the newer program that wrote it',
  );
  return { segment, problem };
}

/** Scans from the end back to a segment whose own good frames show that all before it was on the disk. */
async function scanFromLastVouchedFor(segments: Segment[]): Promise<SegmentScan[]> {
  const scans: SegmentScan[] = [];
  for (let i = segments.length - 1; i >= 0; i--) {
    const scan = await scanSegment(segments[i]);
    scans.unshift(scan);
    if (scan.durable >= scan.segment.firstPosition - 1) break;
  }
  return scans;
}

/** `visit` gets each batch that is whole. */
export async function scanSegment(
  segment: Segment,
  visit: ((position: Position, batch: Uint8Array) => void) | null = null,
): Promise<SegmentScan> {
  const reader = new FrameReader(segment.file, segment.salt);
  const { head } = reader;
  let next = segment.firstPosition;
  let epoch = 0;
  let durable = 0;
  let sealed = false;
  while (await reader.headAt(segment.end)) {
    const isBatch = head.kind === frameKinds.batch;
    if (head.position !== (isBatch ? next : next - 1)) break;
    if (visit === null || !isBatch) {
      if (!(await reader.verify())) break;
    } else {
      const batch = await reader.batch();
      if (batch === null) break;
      visit(next, batch);
    }
    if (isBatch) segment.note(next++, segment.end);
    epoch = head.epoch;
    durable = Math.max(durable, head.durable);
    sealed ||= head.kind === frameKinds.seal;
    segment.end += frameBytes(head.length);
  }
  const strays: number[] = [];
  let strayDurable = 0;
  for (let at = await reader.find(segment.end); at >= 0; at = await reader.find(at + 8)) {
    strays.push(at);
    strayDurable = Math.max(strayDurable, head.durable);
  }
  return { segment, next, epoch, sealed, durable, strayDurable, strays };
}

/** The highest position that what lies behind a break shows to have been on the disk. */
export function voucherOf(end: SegmentScan, behind: readonly SegmentScan[]): Position {
  return Math.max(end.strayDurable, ...behind.flatMap((scan) => [scan.durable, scan.strayDurable]));
}

function refuseDamage(end: SegmentScan, behind: SegmentScan[]): void {
  const { path, end: offset } = end.segment;
  if (voucherOf(end, behind) < end.next) return;
  throw corrupt(path, offset, `the entry at position ${end.next} was on the disk and is damaged or missing`);
}

function refuseTornEnd({ segment, strays }: SegmentScan, behind: readonly SegmentScan[]): void {
  const frames = strays.length + behind.length;
  if (frames === 0) return;
  throw new KvError(
    'CORRUPT',
    `${segment.path}, offset ${segment.end}: the log ends with ${frames} unfinished entries, and aof-load-truncated is no. ` +
      'Nothing was changed. With yes the server starts without them: they were never known to be on the disk',
  );
}

/** The error for damage at `offset` of a segment file, with what to do about it. */
export function corrupt(path: string, offset: number, what: string): KvError {
  return new KvError(
    'CORRUPT',
    `${path}, offset ${offset}: ${what}. Nothing was changed. Check the disk, then restore the directory from ` +
      'a backup or another member; to give up this entry and all after it, move the file and its successors away',
  );
}

async function wipe(end: SegmentScan): Promise<void> {
  const zeros = new Uint8Array(frameHeadBytes);
  const size = end.segment.file.size();
  for (const at of end.strays)
    await end.segment.file.write(zeros.subarray(0, Math.min(zeros.length, size - at)), at);
}

/** Writes the frames from the entry at `from` on once more, and syncs the file. */
async function rewrite(segment: Segment, from: Position): Promise<void> {
  const window = Buffer.allocUnsafeSlow(readBytes);
  for (let at = segment.offsetBefore(from); at < segment.end; at += readBytes) {
    const part = window.subarray(0, Math.min(readBytes, segment.end - at));
    // The padding of the last frame may lie beyond the end of the file: only what was read is written.
    const length = await segment.file.read(part, at);
    await segment.file.write(part.subarray(0, length), at);
  }
  await segment.file.datasync();
}
