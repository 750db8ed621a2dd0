/** What is passed on of commands that read on behalf of a group: what became of the group. */
import type { StreamGroup, StreamId } from '@holdfast/storage';
import type { Context } from '../../context.js';

/**
 * An entry is pending for a consumer: whose it is, since when, and how often it was delivered. Where the entry itself is
 * gone, this says that it is pending no longer.
 */
export function passClaim(ctx: Context, key: number, group: StreamGroup, id: StreamId): void {
  const { propagation, request } = ctx;
  const ref = propagation === null ? 0 : group.pending.find(id);
  if (ref === 0) return;
  propagation?.instead(
    'XCLAIM',
    request.view(key),
    group.name,
    group.ownerOf(ref).name,
    '0',
    id.toString(),
    'TIME',
    group.timeOf(ref),
    'RETRYCOUNT',
    group.countOf(ref),
    'FORCE',
    'JUSTID',
    'LASTID',
    group.lastId.toString(),
  );
}

/** How far the group is. */
export function passPosition({ propagation, request }: Context, key: number, group: StreamGroup): void {
  propagation?.instead(
    'XGROUP',
    'SETID',
    request.view(key),
    group.name,
    group.lastId.toString(),
    'ENTRIESREAD',
    group.entriesRead,
  );
}
