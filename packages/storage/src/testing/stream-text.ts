/** All that a stream holds, in words: for tests that compare streams. */
import { byteStringOf } from '@holdfast/common';
import { pendingCount, pendingTime, readPendingId } from '../values/pending-entry.js';
import { StreamCursor } from '../values/stream-cursor.js';
import type { StreamGroup } from '../values/stream-group.js';
import { StreamId } from '../values/stream-id.js';
import { StreamIds } from '../values/stream-ids.js';
import type { StreamValue } from '../values/stream-value.js';

const cursor = new StreamCursor();
const id = new StreamId();

/** An id as commands name it; without a sequence number it is the first one of its millisecond. */
export function idOf(text: string): StreamId {
  const [ms, seq = 0n] = text.split('-').map(BigInt);
  const high = (n: bigint) => Number(n >> 32n);
  const low = (n: bigint) => Number(n & 0xffffffffn);
  return new StreamId().set(high(ms), low(ms), high(seq), low(seq));
}

/** The ids of the next entries that a group has not read, at most `max`. */
export function nextIds(stream: StreamValue, group: StreamGroup, max: number): StreamIds {
  const ids = new StreamIds();
  if (max === 0 || !cursor.seekBehind(stream, group.lastId)) return ids;
  do {
    ids.push(cursor.id);
  } while (ids.count < max && cursor.next());
  return ids;
}

/** The entry at a cursor: id, names and values. */
export function entryText(at: StreamCursor): string {
  const fields: string[] = [];
  for (let left = at.fieldCount; left > 0; left--) {
    at.nextField();
    const { name, value } = at;
    fields.push(
      `${byteStringOf(name.bytes, name.start, name.length)}=${byteStringOf(value.bytes, value.start, value.length)}`,
    );
  }
  return `${at.id} ${fields.join(' ')}`;
}

export function entryTexts(stream: StreamValue): string[] {
  const entries: string[] = [];
  if (!cursor.seekFrom(stream, id.toZero())) return entries;
  do {
    entries.push(entryText(cursor));
  } while (cursor.next());
  return entries;
}

function groupTexts({ arena }: StreamValue, group: StreamGroup): string[] {
  const lines = [`group ${group.name} at ${group.lastId} after ${group.entriesRead}`];
  for (const { activeMs, name, pending, seenMs } of group.consumers) {
    lines.push(`consumer ${name} seen ${seenMs} active ${activeMs}`);
    for (let ref = pending.first(); ref !== 0; ref = pending.next()) {
      if (group.pending.find(readPendingId(arena, ref, id)) !== ref) throw new Error(`${id} is half pending`);
      lines.push(`${id} at ${pendingTime(arena, ref)} x${pendingCount(arena, ref)}`);
    }
  }
  const total = group.consumers.reduce((sum, { pending }) => sum + pending.size, 0);
  if (total !== group.pending.size)
    throw new Error(`${total} of ${group.pending.size} are pending for somebody`);
  return lines;
}

/** Entries, what the stream says of its past, and its groups; nodes as well, which are the same in copies. */
export function streamTexts(stream: StreamValue): string[] {
  const { entriesAdded, firstId, lastId, maxDeletedId, nodes, size } = stream;
  return [
    `${size} of ${entriesAdded} in ${nodes.length} from ${firstId} to ${lastId} without ${maxDeletedId}`,
    ...entryTexts(stream),
    ...stream.groups.flatMap((group) => groupTexts(stream, group)),
  ];
}
