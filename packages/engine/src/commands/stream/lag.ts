/**
 * How far a group has read: Redis counts the entries that were delivered, and can tell how many are left only
 * as long as none of those in between was deleted.
 */
// @hot-path
import type { Reply } from '@holdfast/common';
import { type StreamGroup, type StreamId, type StreamValue, unknownReads } from '@holdfast/storage';
import { replyInteger } from './streams.js';

/** Whether an entry from `start` on was deleted, as far as the stream remembers. */
function hasDeleted({ firstId, maxDeletedId, size }: StreamValue, start: StreamId): boolean {
  if (size === 0 || maxDeletedId.isZero || firstId.compare(maxDeletedId) > 0) return false;
  return start.compare(maxDeletedId) <= 0;
}

/** How many entries were added up to `id`, that one among them; `unknownReads` when that can't be told. */
function countUpTo(stream: StreamValue, id: StreamId): number {
  const { entriesAdded, firstId, lastId, maxDeletedId, size } = stream;
  if (entriesAdded === 0) return 0;
  const order = id.compare(lastId);
  if (order === 0 || (size === 0 && order < 0)) return entriesAdded;
  if (order > 0) return unknownReads;
  if (!maxDeletedId.isZero && maxDeletedId.compare(firstId) >= 0) return unknownReads;
  const toFirst = id.compare(firstId);
  if (toFirst > 0) return unknownReads;
  return entriesAdded - size + (toFirst === 0 ? 1 : 0);
}

/** What a group that has read `entriesRead` has read when the entry `id`, its next one, is delivered too. */
export function readsAfter(stream: StreamValue, entriesRead: number, id: StreamId): number {
  if (entriesRead !== unknownReads && !hasDeleted(stream, id)) return entriesRead + 1;
  return stream.entriesAdded === 0 ? entriesRead : countUpTo(stream, id);
}

/** How many entries a group has not read; NaN when that can't be told. */
export function lagOf(stream: StreamValue, { entriesRead, lastId }: StreamGroup): number {
  const { entriesAdded } = stream;
  if (entriesAdded === 0) return 0;
  if (entriesRead !== unknownReads && !hasDeleted(stream, lastId)) return entriesAdded - entriesRead;
  const read = countUpTo(stream, lastId);
  return read === unknownReads ? Number.NaN : entriesAdded - read;
}

export function replyReads({ entriesRead }: StreamGroup, reply: Reply): void {
  reply.text('entries-read');
  if (entriesRead === unknownReads) reply.null();
  else replyInteger(reply, entriesRead);
}

export function replyLag(stream: StreamValue, group: StreamGroup, reply: Reply): void {
  const lag = lagOf(stream, group);
  reply.text('lag');
  if (Number.isNaN(lag)) reply.null();
  else replyInteger(reply, lag);
}
