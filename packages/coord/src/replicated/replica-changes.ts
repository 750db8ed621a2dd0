/**
 * What the log of a shard says after a position and up to a version: what makes a snapshot that was taken before the state
 * at that version.
 *
 *     snapshot     ... from ........ to                  of positions; every version in it is below the cut
 *     log               from + 1 ................ end    of `end` it is known that no smaller version comes after it
 *     changes           [ records up to the version ]    within a batch, too
 */
import type { Log, Position } from '@holdfast/log';
import { BatchCut } from '@holdfast/storage';
import type { SnapshotStream } from './snapshot-source.js';

/** Its batches throw KvError INVALID when the log begins after `after + 1`. */
export function changesIn(log: Log, after: Position, end: Position, version: number): SnapshotStream {
  return { from: after, batches: batchesIn(log, after, end, new BatchCut(version)), to: () => end };
}

async function* batchesIn(
  log: Log,
  after: Position,
  end: Position,
  cut: BatchCut,
): AsyncGenerator<Uint8Array> {
  if (after >= end) return;
  for await (const { batch, position } of log.read(after + 1)) {
    const records = cut.cut(batch);
    if (records.length > 0) yield records;
    if (position >= end) return;
  }
}
