/** XGROUP and its subcommands: groups and their consumers. */
import type { Reply } from '@holdfast/common';
import { type StreamGroup, StreamId, type StreamValue, unknownReads } from '@holdfast/storage';
import { type Command, defineCommand, wrongSubcommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes, described, integer, key, notAnInteger, option, token, unparsed } from '../../grammar.js';
import { help } from '../help.js';
import { invalidId, readId, readLimit } from './ids.js';
import { createStream, findConsumer, findGroup, findStream, nameProblem, takeConsumer } from './streams.js';

const common = { group: 'stream', complexity: 'O(1)' } as const;

const missingKey =
  'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.';

const id = new StreamId();

const idSelector = () =>
  described(
    {
      type: 'oneof',
      arguments: [
        { name: 'id', type: 'string', flags: [] },
        { name: 'new-id', type: 'pure-token', token: '$', flags: [] },
      ],
    },
    { countMin: 1 },
  );

const entriesReadOption = () => unparsed(option('ENTRIESREAD', { entriesRead: integer() }));

/** The options behind the id: what is wrong with them, or what they say. */
function readOptions({ request }: Context, mayMake: boolean): GroupOptions | string {
  let entriesRead = unknownReads;
  let makesStream = false;
  for (let at = 5; at < request.count; at++) {
    if (mayMake && request.is(at, 'MKSTREAM')) {
      makesStream = true;
    } else if (request.is(at, 'ENTRIESREAD') && at + 1 < request.count) {
      entriesRead = request.integer(++at);
      if (Number.isNaN(entriesRead)) return notAnInteger;
      if (entriesRead < unknownReads) return 'ERR value for ENTRIESREAD must be positive or -1';
    } else {
      return wrongSubcommand('XGROUP', request);
    }
  }
  return { entriesRead, makesStream };
}

interface GroupOptions {
  readonly entriesRead: number;
  readonly makesStream: boolean;
}

/** The stream at argument 2; null after replying that there is none. */
function takeStream(ctx: Context): StreamValue | null {
  const stream = findStream(ctx, 2);
  if (stream === null) ctx.reply.error(missingKey);
  return stream ?? null;
}

/** Its group named at argument 3; null after replying that there is none. */
function takeGroup(ctx: Context, stream: StreamValue): StreamGroup | null {
  const group = findGroup(ctx, stream, 3);
  if (group === null) ctx.reply.error(noGroupOfKey(ctx, 2, 3));
  return group;
}

/** What is said of a group that a stream does not have. */
export function noGroupOfKey({ request }: Context, key: number, group: number): string {
  return `NOGROUP No such consumer group '${request.quoted(group)}' for key name '${request.quoted(key)}'`;
}

function isDollar(ctx: Context, i: number): boolean {
  return ctx.request.is(i, '$');
}

function create(ctx: Context, reply: Reply): void {
  const { db, request } = ctx;
  const options = readOptions(ctx, true);
  if (typeof options === 'string') return reply.error(options);
  let stream = findStream(ctx, 2);
  if (stream === undefined) return;
  if (stream === null && !options.makesStream) return reply.error(missingKey);
  if (isDollar(ctx, 4)) id.copy(stream === null ? id.toZero() : stream.lastId);
  else if (!readId(request, 4, id)) return reply.error(invalidId);
  const problem = nameProblem(ctx, 3);
  if (problem !== null) return reply.error(problem);
  if (stream !== null && findGroup(ctx, stream, 3) !== null) {
    return reply.error('BUSYGROUP Consumer Group name already exists');
  }
  const isNew = stream === null;
  stream ??= createStream(ctx, 2);
  if (isNew) db.touch(stream.ref);
  stream.createGroup(request.byteString(3), id, options.entriesRead);
  ctx.notify('t', 'xgroup-create', 2);
  reply.ok();
}

function setId(ctx: Context, reply: Reply): void {
  const options = readOptions(ctx, false);
  if (typeof options === 'string') return reply.error(options);
  const stream = takeStream(ctx);
  const group = stream === null ? null : takeGroup(ctx, stream);
  if (stream === null || group === null) return;
  if (isDollar(ctx, 4)) id.copy(stream.lastId);
  else if (!readLimit(ctx.request, 4, id, 'first')) return reply.error(invalidId);
  stream.setGroup(group, id, options.entriesRead);
  ctx.notify('t', 'xgroup-setid', 2);
  reply.ok();
}

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 714,
    name: 'CREATE',
    since: '5.0.0',
    summary: 'Creates a consumer group.',
    flags: ['write', 'denyoom'],
    args: {
      key: key('RW', 'insert'),
      group: bytes(),
      'id-selector': idSelector(),
      mkstream: unparsed(token('MKSTREAM')),
      'entries-read': entriesReadOption(),
    },
    run: (ctx, _, reply) => create(ctx, reply),
  }),
  defineCommand({
    ...common,
    id: 715,
    name: 'SETID',
    since: '5.0.0',
    summary: 'Sets the last-delivered ID of a consumer group.',
    flags: ['write'],
    args: {
      key: key('RW', 'update'),
      group: bytes(),
      'id-selector': idSelector(),
      entriesread: entriesReadOption(),
    },
    run: (ctx, _, reply) => setId(ctx, reply),
  }),
  defineCommand({
    ...common,
    id: 716,
    name: 'DESTROY',
    since: '5.0.0',
    complexity: "O(N) where N is the number of entries in the group's pending entries list (PEL).",
    summary: 'Destroys a consumer group.',
    flags: ['write'],
    args: { key: key('RW', 'delete'), group: bytes() },
    run(ctx, args, reply) {
      const stream = takeStream(ctx);
      if (stream === null) return;
      const group = findGroup(ctx, stream, args.group);
      if (group === null) return reply.integer(0);
      stream.destroyGroup(group);
      ctx.notify('t', 'xgroup-destroy', args.key);
      reply.integer(1);
    },
  }),
  defineCommand({
    ...common,
    id: 717,
    name: 'CREATECONSUMER',
    since: '6.2.0',
    summary: 'Creates a consumer in a consumer group.',
    flags: ['write', 'denyoom'],
    args: { key: key('RW', 'insert'), group: bytes(), consumer: bytes() },
    run(ctx, args, reply) {
      const stream = takeStream(ctx);
      const group = stream === null ? null : takeGroup(ctx, stream);
      if (stream === null || group === null) return;
      const problem = nameProblem(ctx, args.consumer);
      if (problem !== null) return reply.error(problem);
      const before = group.consumers.length;
      takeConsumer(ctx, args.key, stream, group, args.consumer, true);
      reply.integer(group.consumers.length - before);
    },
  }),
  defineCommand({
    ...common,
    id: 718,
    name: 'DELCONSUMER',
    since: '5.0.0',
    summary: 'Deletes a consumer from a consumer group.',
    flags: ['write'],
    args: { key: key('RW', 'delete'), group: bytes(), consumer: bytes() },
    run(ctx, args, reply) {
      const stream = takeStream(ctx);
      const group = stream === null ? null : takeGroup(ctx, stream);
      if (stream === null || group === null) return;
      const consumer = findConsumer(ctx, group, args.consumer);
      if (consumer === null) return reply.integer(0);
      reply.integer(stream.removeConsumer(group, consumer));
      ctx.notify('t', 'xgroup-delconsumer', args.key);
    },
  }),
  help(
    719,
    'XGROUP',
    'stream',
    '5.0.0',
    [
      'CREATE <key> <groupname> <id|$> [option]',
      '    Create a new consumer group. Options are:',
      '    * MKSTREAM',
      '      Create the empty stream if it does not exist.',
      '    * ENTRIESREAD entries_read',
      "      Set the group's entries_read counter (internal use).",
      'CREATECONSUMER <key> <groupname> <consumer>',
      '    Create a new consumer in the specified group.',
      'DELCONSUMER <key> <groupname> <consumer>',
      '    Remove the specified consumer.',
      'DESTROY <key> <groupname>',
      '    Remove the specified group.',
      'SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]',
      '    Set the current group ID and entries_read counter.',
    ],
    ['stream'],
  ),
];

export const xgroup = defineCommand({
  id: 713,
  name: 'XGROUP',
  group: 'stream',
  since: '5.0.0',
  complexity: 'Depends on subcommand.',
  summary: 'A container for consumer groups commands.',
  flags: [],
  args: {},
  subcommands,
});
