/**
 * Reads entries over segments, in order and without gaps. The segments are pinned while they are read, so
 * that a trim leaves their files alone.
 */
import { KvError } from '@holdfast/common';
import { frameBytes, frameKinds } from './frame.js';
import { FrameReader } from './frame-reader.js';
import type { LogEntry, Position } from './log.js';
import { corrupt } from './recovery.js';
import type { Segment } from './segment.js';

/** Entries `from` to `last` of `segments`, of which later ones may be trimmed and added meanwhile. */
export async function* readSegments(
  segments: readonly Segment[],
  from: Position,
  last: Position,
): AsyncGenerator<LogEntry, void, void> {
  if (!(from >= segments[0].firstPosition)) {
    const head = segments[0].firstPosition;
    throw new KvError('INVALID', `position ${from} is no longer in the log: it begins with ${head}`);
  }
  const first = segments.findLastIndex((segment) => segment.firstPosition <= from);
  const pinned = segments.slice(first);
  for (const segment of pinned) segment.readers++;
  try {
    let next = from;
    while (next <= last) {
      const segment = pinned.findLast((candidate) => candidate.firstPosition <= next)!;
      const upTo = pinned[pinned.indexOf(segment) + 1]?.firstPosition ?? last + 1;
      yield* readSegment(segment, next, Math.min(last, upTo - 1));
      next = upTo;
    }
  } finally {
    for (const segment of pinned) segment.readers--;
  }
}

async function* readSegment(
  segment: Segment,
  from: Position,
  last: Position,
): AsyncGenerator<LogEntry, void, void> {
  const reader = new FrameReader(segment.file, segment.salt);
  const { head } = reader;
  let offset = segment.offsetBefore(from);
  for (let next = -1; next <= last; offset += frameBytes(head.length)) {
    if (!(await reader.headAt(offset))) throw corrupt(segment.path, offset, 'an entry is damaged or missing');
    if (head.kind !== frameKinds.batch) continue;
    const { position, epoch } = head;
    if (next === -1 ? position > from : position !== next) {
      throw corrupt(segment.path, offset, `position ${position} is where another should be`);
    }
    next = position + 1;
    // A file that was there when the log was opened gets its index as it is read.
    segment.note(position, offset);
    if (position < from) continue;
    const batch = await reader.batch();
    if (batch === null) throw corrupt(segment.path, offset, `the entry at position ${position} is damaged`);
    yield { position, epoch, batch };
    if (position === last) return;
  }
}
