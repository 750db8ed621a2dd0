/**
 * DEBUG: what test suites ask of a server. Off unless `enable-debug-command` says otherwise. What can't be
 * had here (crashes, tables of C structures) is refused as an unknown subcommand.
 */
import type { Reply, Request } from '@holdfast/common';
import { type Database, dumpPayload, stringForms } from '@holdfast/storage';
import { parseAmount } from '../../amounts.js';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { globMatch } from '../../glob.js';
import { notAnInteger, type Repeated, rest } from '../../grammar.js';
import { isAllowed } from '../../protections.js';
import { parsePrefix } from '../../scripting/libraries/numbers.js';
import { reportedEncoding } from '../generic/encoding.js';
import { replySample } from './debug-protocol.js';
import { replyDatabaseDigests, replyDigest, valueDigest } from './digest.js';
import { replyForgotten, replyReload } from './reload.js';

interface Subcommand {
  /** Arguments after its name: at least, at most. */
  readonly counts: readonly [number, number];
  /** `first` is the index of its first argument, `count` how many there are. */
  readonly run: (ctx: Context, reply: Reply, first: number, count: number) => void;
}

const accept: Subcommand['run'] = (_ctx, reply) => reply.ok();
const payloadOverhead = 11;
const many = Number.POSITIVE_INFINITY;
/** Redis' threshold of large elements of lists: a little less than 4 GiB. */
const packedThresholdMax = 2n ** 32n - 2n ** 20n;

function describeKey(ctx: Context, reply: Reply, key: number): void {
  const { db, request } = ctx;
  const { usage } = ctx.kv;
  usage.ask();
  // Also a key whose time is over: it stays.
  const ref = db.find(request.bytes, request.start(key), request.length(key));
  if (ref === 0) return reply.error('ERR no such key');
  const { access } = db.dict;
  const idleSeconds = usage.idleMs(access, db.version(ref)) / 1000;
  // As Redis counts: without the type, the version and the checksum.
  const serializedLength = dumpPayload(db, ref).length - payloadOverhead;
  reply.simple(
    `Value at:0x${ref.toString(16)} refcount:1 encoding:${reportedEncoding(ctx.kv, db, ref)} serializedlength:${serializedLength} lru:${usage.clockOf(access, db.version(ref))} lru_seconds_idle:${idleSeconds}`,
  );
}

/** A key and a value of POPULATE have so many bytes, beside the prefix, unless more are asked for. */
const populatedBytes = 64;

/** Strings `prefix:0`, `prefix:1` ...: `value:N`, cut or filled with zeros to a size if one is given. */
function populate(ctx: Context, reply: Reply, first: number, count: number): void {
  const { db, request } = ctx;
  const keys = request.integer(first);
  const size = count < 3 ? 0 : request.integer(first + 2);
  if (!(keys >= 0 && size >= 0)) return reply.error('ERR value is out of range, must be positive');
  const prefix = count < 2 ? 'key' : request.byteString(first + 1);
  ctx.admitEach(first, keys, prefix.length + Math.max(size, populatedBytes));
  for (let i = 0; i < keys; i++) {
    const key = populatedKey(prefix, i);
    const ref = db.find(key, 0, key.length);
    if (ref !== 0) continue;
    const text = Buffer.from(`value:${i}`);
    const value = size === 0 ? text : Buffer.alloc(size);
    if (size > 0) text.copy(value);
    db.putString(0, key, 0, key.length, value, 0, value.length, 0, stringForms.plain);
  }
  reply.ok();
}

function populatedKey(prefix: string, i: number): Buffer {
  return Buffer.from(`${prefix}:${i}`, 'latin1');
}

const looksAtKeys = ['OBJECT', 'DIGEST-VALUE', 'LISTPACK', 'QUICKLIST'];

/** The keys that a subcommand looks at or makes, which no specification names. */
function visitSubjects(_db: Database, request: Request, visit: (key: Uint8Array) => void): void {
  if (looksAtKeys.some((name) => request.is(1, name))) {
    for (let i = 2; i < request.count; i++) visit(request.view(i));
  } else if (request.is(1, 'POPULATE') && request.count > 2) {
    const keys = request.integer(2);
    const prefix = request.count > 3 ? request.byteString(3) : 'key';
    for (let i = 0; i < keys; i++) visit(populatedKey(prefix, i));
  }
}

/** Redis prints the structure, for who develops it: only whether there is one is said here. */
function printStructure(ctx: Context, reply: Reply, key: number, encoding: 'listpack' | 'quicklist'): void {
  const ref = ctx.find(key);
  if (ref === 0) return reply.error('ERR no such key');
  const name = `${encoding[0].toUpperCase()}${encoding.slice(1)}`;
  if (reportedEncoding(ctx.kv, ctx.db, ref) === encoding) reply.simple(`${name} structure printed on stdout`);
  else reply.error(`ERR Not a ${encoding} encoded object.`);
}

/** Reads the seconds as Redis does, as far as they are a number: clients send `0` with the end of a line behind it. */
function sleep({ host, request }: Context, reply: Reply, seconds: number): void {
  const { value } = parsePrefix(request.text(seconds).trimStart());
  if (value > 0 && value < Number.POSITIVE_INFINITY) host.sleep(value * 1000);
  reply.ok();
}

function setActiveExpire({ kv, request }: Context, reply: Reply, on: number): void {
  const value = request.integer(on);
  if (Number.isNaN(value)) return reply.error(notAnInteger);
  kv.expiry.isActive = value !== 0;
  reply.ok();
}

function loadFromDisk(ctx: Context, reply: Reply): void {
  const { host, mayBlock, session, storage } = ctx;
  const { logControl } = host;
  if (storage.needsJournal) return replyForgotten(ctx, reply);
  if (logControl === null) return reply.error('ERR DEBUG LOADAOF needs a directory');
  if (!mayBlock) return reply.error("ERR DEBUG LOADAOF can't run in a transaction");
  host.defer(session, logControl.reread(), (late) => late.ok());
}

function allowCommandsInScripts({ kv, request }: Context, reply: Reply, on: number): void {
  const value = request.integer(on);
  if (Number.isNaN(value)) return reply.error(notAnInteger);
  kv.scripting.allowsAllCommands = value !== 0;
  reply.ok();
}

/** Lists have no nodes whose size it could be: what Redis refuses is refused. */
function checkThreshold({ request }: Context, reply: Reply, threshold: number): void {
  const bytes = parseAmount(request.byteString(threshold));
  if (bytes !== null && bytes <= packedThresholdMax) return reply.ok();
  reply.error('ERR argument must be a memory value bigger than 1 and smaller than 4gb');
}

function setSkipChecksums({ kv, request }: Context, reply: Reply, on: number): void {
  kv.skipsChecksums = request.integer(on) > 0;
  reply.ok();
}

const subcommands: Readonly<Record<string, Subcommand>> = {
  'CHANGE-REPL-ID': {
    counts: [0, 0],
    run({ host }, reply) {
      host.changeReplicationId();
      reply.ok();
    },
  },
  DIGEST: { counts: [0, 0], run: replyDigest },
  'DIGEST-DATABASES': { counts: [0, 0], run: replyDatabaseDigests },
  'DIGEST-VALUE': {
    counts: [0, many],
    run(ctx, reply, first, count) {
      reply.array(count);
      for (let i = 0; i < count; i++) reply.simple(valueDigest(ctx, first + i));
    },
  },
  ERROR: { counts: [1, 1], run: ({ request }, reply, message) => reply.error(request.text(message)) },
  // Knobs of what is otherwise here: there is nothing to turn, and nothing that depends on them.
  JMAP: { counts: [0, 0], run: accept },
  LOG: { counts: [1, 1], run: accept },
  'PAUSE-CRON': { counts: [1, 1], run: accept },
  'QUICKLIST-PACKED-THRESHOLD': { counts: [1, 1], run: checkThreshold },
  REPLYBUFFER: { counts: [2, 2], run: accept },
  LISTPACK: { counts: [1, 1], run: (ctx, reply, key) => printStructure(ctx, reply, key, 'listpack') },
  LOADAOF: { counts: [0, 0], run: loadFromDisk },
  OBJECT: { counts: [1, 1], run: describeKey },
  POPULATE: { counts: [1, 3], run: populate },
  PROTOCOL: {
    counts: [1, 1],
    run: (ctx, reply, type) => replySample(ctx, ctx.request.text(type).toLowerCase(), reply),
  },
  QUICKLIST: { counts: [1, 2], run: (ctx, reply, key) => printStructure(ctx, reply, key, 'quicklist') },
  RELOAD: { counts: [0, many], run: replyReload },
  'SET-ACTIVE-EXPIRE': { counts: [1, 1], run: setActiveExpire },
  'SET-DISABLE-DENY-SCRIPTS': { counts: [1, 1], run: allowCommandsInScripts },
  'SET-SKIP-CHECKSUM-VALIDATION': { counts: [1, 1], run: setSkipChecksums },
  SLEEP: { counts: [1, 1], run: sleep },
  'STRINGMATCH-LEN': {
    counts: [2, 2],
    run({ request }, reply, pattern) {
      reply.integer(globMatch(request.byteString(pattern), request.byteString(pattern + 1)) ? 1 : 0);
    },
  },
};

const helpLines = [
  'DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'CHANGE-REPL-ID',
  '    Change the replication IDs of the instance.',
  'DIGEST',
  '    Output a hex signature representing the current DB content.',
  'DIGEST-DATABASES',
  '    Output what DIGEST is made of: each database that has keys, and what these are folded to.',
  'DIGEST-VALUE <key> [<key> ...]',
  '    Output a hex signature of the values of all the specified keys.',
  'ERROR <string>',
  '    Return a Redis protocol error with <string> as message.',
  'LOADAOF',
  '    Forget the data in memory, and load what is on the disk.',
  'OBJECT <key>',
  '    Show low level info about `key` and associated value.',
  'POPULATE <count> [<prefix>] [<size>]',
  '    Create <count> string keys named key:<num>.',
  'PROTOCOL <type>',
  '    Reply with a test value of the specified type.',
  'RELOAD [option ...]',
  '    Describe everything as records, forget it, and build it again from them; level storage from its disk. Options are:',
  '    * MERGE: what is there may be in the records, too: the newer one stays.',
  '    * NOFLUSH: what is there is not forgotten.',
  '    * NOSAVE: take the records of the last time.',
  'SET-ACTIVE-EXPIRE <0|1>',
  '    Setting it to 0 disables expiring keys in background.',
  'SET-SKIP-CHECKSUM-VALIDATION <0|1>',
  '    Setting it to 1 disables the checksums of RESTORE.',
  'SLEEP <seconds>',
  '    Stop the server for <seconds>. Decimals allowed.',
  'STRINGMATCH-LEN <pattern> <string>',
  '    Whether the whole string matches the pattern.',
  'HELP',
  '    Print this help.',
];

const notAllowed =
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.';

/** Whether a client may use DEBUG. */
export function mayDebug(ctx: Pick<Context, 'kv' | 'session'>): boolean {
  return isAllowed(ctx, 'enable-debug-command');
}

function dispatch(ctx: Context, { count, first }: Repeated, reply: Reply): void {
  const name = ctx.request.text(first);
  const wanted = name.toUpperCase();
  const counted = count - 1;
  if (wanted === 'HELP' && counted === 0) {
    reply.array(helpLines.length);
    for (const line of helpLines) reply.simple(line);
    return;
  }
  const subcommand = Object.hasOwn(subcommands, wanted) ? subcommands[wanted] : undefined;
  if (subcommand === undefined || counted < subcommand.counts[0] || counted > subcommand.counts[1]) {
    const quoted = name.slice(0, 128);
    return reply.error(
      `ERR unknown subcommand or wrong number of arguments for '${quoted}'. Try DEBUG HELP.`,
    );
  }
  subcommand.run(ctx, reply, first + 1, counted);
}

export const debug = defineCommand({
  id: 640,
  name: 'DEBUG',
  group: 'server',
  since: '1.0.0',
  complexity: 'Depends on subcommand.',
  summary: 'A container for debugging commands.',
  flags: ['admin', 'noscript', 'loading', 'stale'],
  args: { words: rest(1) },
  furtherKeys: visitSubjects,
  run(ctx, { words }, reply) {
    if (mayDebug(ctx)) dispatch(ctx, words, reply);
    else reply.error(notAllowed);
  },
});
