/**
 * Reads a log in files from its first entry to its last, without changing anything: every checksum, and that positions
 * go on without a gap. Damage is told from an unfinished tail as `recovery.ts` tells it; beyond the first break it goes
 * on with the next segment, so that all damage is found.
 */
import { type Findings, KvError } from '@holdfast/common';
import type { Disk } from './disk.js';
import type { Position } from './log.js';
import { openSegment, type SegmentScan, scanSegment, segmentNames, voucherOf } from './recovery.js';

export interface LogSummary {
  /** The first position that is there, and the last before the first break. 0 for a log without a segment. */
  readonly head: Position;
  readonly tail: Position;
  readonly epoch: number;
  readonly isSealed: boolean;
}

/** `visit` gets each batch whose checksum is right; what it throws, a KvError, is damage of that entry. */
export async function checkLog(
  disk: Disk,
  directory: string,
  findings: Findings,
  visit: (position: Position, batch: Uint8Array) => void,
): Promise<LogSummary> {
  const scans: SegmentScan[] = [];
  for (const name of segmentNames(await disk.list(directory))) {
    const { segment, problem } = await openSegment(disk, directory, name, 'read');
    const { file, path } = segment;
    try {
      if (problem !== null) findings.damage(path, problem.message);
      const judged = (position: Position, batch: Uint8Array): void => {
        try {
          visit(position, batch);
        } catch (error) {
          if (!(error instanceof KvError)) throw error;
          findings.damage(`${path}, position ${position}`, error.message);
        }
      };
      scans.push(await scanSegment(segment, judged));
      findings.passed(file.size());
    } finally {
      await file.close();
    }
  }
  if (scans.length === 0) return { head: 0, tail: 0, epoch: 0, isSealed: false };
  const breaks = scans.filter((scan, i) => scan.next !== scans[i + 1]?.segment.firstPosition);
  for (const each of breaks) judge(each, scans.slice(scans.indexOf(each) + 1), findings);
  return {
    head: scans[0].segment.firstPosition,
    tail: breaks[0].next - 1,
    epoch: Math.max(...scans.map(({ epoch }) => epoch)),
    isSealed: breaks[0].sealed,
  };
}

function judge(end: SegmentScan, behind: readonly SegmentScan[], findings: Findings): void {
  const { path, end: offset } = end.segment;
  const place = `${path}, offset ${offset}`;
  if (voucherOf(end, behind) >= end.next)
    findings.damage(place, `the entry at position ${end.next} was on the disk and is damaged or missing`);
  else if (behind.length > 0 || end.strays.length > 0)
    findings.note(
      place,
      `what follows position ${end.next - 1} was never finished, and is cut at the next start`,
    );
}
