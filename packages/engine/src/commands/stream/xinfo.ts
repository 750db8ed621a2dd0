/** XINFO and its subcommands: what a stream is like. */
import type { Reply } from '@holdfast/common';
import { neverActive, StreamId, type StreamValue } from '@holdfast/storage';
import { type Command, defineCommand, wrongSubcommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes, described, key, notAnInteger } from '../../grammar.js';
import { help } from '../help.js';
import { replyId } from './ids.js';
import { replyLag, replyReads } from './lag.js';
import { radixNodes } from './node-count.js';
import { replyFullDetails } from './stream-details.js';
import { cursor, findGroup, findStream, noSuchKey, replyEntry, replyInteger } from './streams.js';
import { noGroupOfKey } from './xgroup.js';

const common = { group: 'stream', since: '5.0.0', complexity: 'O(1)', flags: ['readonly'] } as const;

/** Without COUNT so many of everything are shown. */
const countDefault = 10;

const id = new StreamId();

/** The stream at argument 2; null after replying that there is none. */
function takeStream(ctx: Context): StreamValue | null {
  const stream = findStream(ctx, 2);
  if (stream === null) ctx.reply.error(noSuchKey);
  return stream ?? null;
}

/** `FULL [COUNT n]`: how many to show, Infinity for all; 0 when it is not there, or what is wrong with it. */
function readFull({ request }: Context): number | string {
  const { count } = request;
  if (count === 3) return 0;
  const isFull = request.is(3, 'FULL') && (count === 4 || (count === 6 && request.is(4, 'COUNT')));
  if (!isFull) return wrongSubcommand('XINFO', request);
  if (count === 4) return countDefault;
  const n = request.integer(5);
  if (Number.isNaN(n)) return notAnInteger;
  if (n < 0) return countDefault;
  return n === 0 ? Number.POSITIVE_INFINITY : n;
}

function replyStream(stream: StreamValue, full: number, reply: Reply): void {
  reply.map(full > 0 ? 9 : 10);
  reply.text('length');
  reply.integer(stream.size);
  reply.text('radix-tree-keys');
  reply.integer(stream.nodes.length);
  reply.text('radix-tree-nodes');
  reply.integer(radixNodes(stream));
  reply.text('last-generated-id');
  replyId(reply, stream.lastId);
  reply.text('max-deleted-entry-id');
  replyId(reply, stream.maxDeletedId);
  reply.text('entries-added');
  replyInteger(reply, stream.entriesAdded);
  reply.text('recorded-first-entry-id');
  replyId(reply, stream.firstId);
  if (full > 0) return replyFullDetails(stream, full, reply);
  reply.text('groups');
  reply.integer(stream.groups.length);
  reply.text('first-entry');
  if (cursor.seekFrom(stream, id.toZero())) replyEntry(reply, cursor);
  else reply.null();
  reply.text('last-entry');
  if (cursor.seekTo(stream, id.toMax())) replyEntry(reply, cursor);
  else reply.null();
}

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 721,
    name: 'STREAM',
    summary: 'Returns information about a stream.',
    args: {
      key: key('RO', 'access'),
      'full-block': described({
        type: 'block',
        arguments: [
          { name: 'full', type: 'pure-token', token: 'FULL', flags: [] },
          { name: 'count', type: 'integer', token: 'COUNT', flags: ['optional'] },
        ],
      }),
    },
    run(ctx, _, reply) {
      const stream = takeStream(ctx);
      if (stream === null) return;
      const full = readFull(ctx);
      if (typeof full === 'string') return reply.error(full);
      replyStream(stream, full, reply);
    },
  }),
  defineCommand({
    ...common,
    id: 722,
    name: 'GROUPS',
    summary: 'Returns a list of the consumer groups of a stream.',
    args: { key: key('RO', 'access') },
    run(ctx, _, reply) {
      const stream = takeStream(ctx);
      if (stream === null) return;
      reply.array(stream.groups.length);
      for (const group of stream.groups) {
        reply.map(6);
        reply.text('name');
        reply.byteString(group.name);
        reply.text('consumers');
        reply.integer(group.consumers.length);
        reply.text('pending');
        reply.integer(group.pending.size);
        reply.text('last-delivered-id');
        replyId(reply, group.lastId);
        replyReads(group, reply);
        replyLag(stream, group, reply);
      }
    },
  }),
  defineCommand({
    ...common,
    id: 723,
    name: 'CONSUMERS',
    summary: 'Returns a list of the consumers in a consumer group.',
    tips: ['nondeterministic_output'],
    args: { key: key('RO', 'access'), group: bytes() },
    run(ctx, args, reply) {
      const stream = takeStream(ctx);
      if (stream === null) return;
      const group = findGroup(ctx, stream, args.group);
      if (group === null) return reply.error(noGroupOfKey(ctx, args.key, args.group));
      reply.array(group.consumers.length);
      for (const { activeMs, name, pending, seenMs } of group.consumers) {
        reply.map(4);
        reply.text('name');
        reply.byteString(name);
        reply.text('pending');
        reply.integer(pending.size);
        reply.text('idle');
        reply.integer(Math.max(0, ctx.nowMs - seenMs));
        reply.text('inactive');
        reply.integer(activeMs === neverActive ? neverActive : ctx.nowMs - activeMs);
      }
    },
  }),
  help(
    724,
    'XINFO',
    'stream',
    '5.0.0',
    [
      'CONSUMERS <key> <groupname>',
      '    Show consumers of <groupname>.',
      'GROUPS <key>',
      '    Show the stream consumer groups.',
      'STREAM <key> [FULL [COUNT <count>]',
      '    Show information about the stream.',
    ],
    ['stream'],
  ),
];

export const xinfo = defineCommand({
  id: 720,
  name: 'XINFO',
  group: 'stream',
  since: '5.0.0',
  complexity: 'Depends on subcommand.',
  summary: 'A container for stream introspection commands.',
  flags: [],
  args: {},
  subcommands,
});
