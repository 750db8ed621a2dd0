import type { Reply } from '@holdfast/common';
import { StreamId, type StreamValue } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes, integer, key, notAnInteger, option, syntaxError, unparsed } from '../../grammar.js';
import { invalidId, readId } from './ids.js';
import { findStream, noSuchKey } from './streams.js';

const lastId = new StreamId();
const maxDeletedId = new StreamId();
const topId = new StreamId();

export const xsetid = defineCommand({
  id: 706,
  name: 'XSETID',
  group: 'stream',
  since: '5.0.0',
  complexity: 'O(1)',
  summary: 'An internal command for replicating stream values.',
  flags: ['write', 'denyoom', 'fast'],
  args: {
    key: key('RW', 'update'),
    'last-id': bytes(),
    'entries-added': unparsed(option('ENTRIESADDED', { entriesAdded: integer() })),
    'max-deleted-id': unparsed(option('MAXDELETEDID', { maxDeletedId: bytes() })),
  },
  run(ctx, args, reply) {
    if (!readId(ctx.request, args['last-id'], lastId)) return reply.error(invalidId);
    const entriesAdded = readOptions(ctx, args['last-id'] + 1, reply);
    if (Number.isNaN(entriesAdded)) return;
    const stream = findStream(ctx, args.key);
    if (stream === undefined) return;
    if (stream === null) return reply.error(noSuchKey);
    const problem = problemOf(stream, entriesAdded);
    if (problem !== null) return reply.error(problem);
    if (maxDeletedId.isZero) maxDeletedId.copy(stream.maxDeletedId);
    stream.setState(lastId, entriesAdded < 0 ? stream.entriesAdded : entriesAdded, maxDeletedId);
    ctx.notify('t', 'xsetid', args.key);
    reply.ok();
  },
});

/** Reads the options; the number of entries, -1 when it is not given, NaN after replying what is wrong. */
function readOptions({ request }: Context, first: number, reply: Reply): number {
  let entriesAdded = -1;
  maxDeletedId.toZero();
  const refuse = (problem: string): number => {
    reply.error(problem);
    return Number.NaN;
  };
  for (let at = first; at < request.count; at += 2) {
    const hasMore = at + 1 < request.count;
    if (hasMore && request.is(at, 'ENTRIESADDED')) {
      entriesAdded = request.integer(at + 1);
      if (Number.isNaN(entriesAdded)) return refuse(notAnInteger);
      if (entriesAdded < 0) return refuse('ERR entries_added must be positive');
    } else if (hasMore && request.is(at, 'MAXDELETEDID')) {
      if (!readId(request, at + 1, maxDeletedId)) return refuse(invalidId);
      if (lastId.compare(maxDeletedId) < 0) {
        return refuse('ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id');
      }
    } else {
      return refuse(syntaxError);
    }
  }
  return entriesAdded;
}

function problemOf(stream: StreamValue, entriesAdded: number): string | null {
  if (lastId.compare(stream.maxDeletedId) < 0) {
    return 'ERR The ID specified in XSETID is smaller than current max_deleted_entry_id';
  }
  if (stream.size === 0) return null;
  stream.readLastEntryId(topId);
  if (lastId.compare(topId) < 0) {
    return 'ERR The ID specified in XSETID is smaller than the target stream top item';
  }
  if (entriesAdded >= 0 && stream.size > entriesAdded) {
    return 'ERR The entries_added specified in XSETID is smaller than the target stream length';
  }
  return null;
}
