/** RESTORE and RESTORE-ASKING: the value of a payload becomes that of a key, whole or not at all. */
import { KvError, type Reply, type Request } from '@holdfast/common';
import { isPayload, type RdbValue, readPayload, stringForms } from '@holdfast/storage';
import { valueDoc, wordDoc } from '../../argument-docs.js';
import { defineCommand } from '../../command.js';
import type { CommandDeclaration } from '../../command-declaration.js';
import type { Context } from '../../context.js';
import { bytes, described, key, notAnInteger, syntaxError, unparsedInteger } from '../../grammar.js';

const [keyAt, timeAt, payloadAt, optionsAt] = [1, 2, 3, 4];
const frequencyMax = 255;

interface Options {
  replaces: boolean;
  /** The time is a point in time. */
  isAbsolute: boolean;
  /** What is known of accesses to the key; -1 for nothing. */
  idleSeconds: number;
  frequency: number;
}

const args = {
  key: key('OW', 'update'),
  ttl: unparsedInteger(),
  'serialized-value': bytes(),
  replace: described(wordDoc('REPLACE', 'optional')),
  absttl: described(wordDoc('ABSTTL', 'optional')),
  seconds: described(valueDoc('seconds', 'integer', 'IDLETIME', 'optional')),
  frequency: described(valueDoc('frequency', 'integer', 'FREQ', 'optional')),
};

type Variable = Pick<
  CommandDeclaration<typeof args>,
  'id' | 'name' | 'group' | 'since' | 'summary' | 'flags'
>;

/** RESTORE under either of its names. */
export function defineRestore(variable: Variable): ReturnType<typeof defineCommand> {
  return defineCommand({
    ...variable,
    complexity:
      'O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N)) because inserting values into sorted sets is O(log(N)).',
    categories: ['keyspace', 'dangerous'],
    args,
    run: (ctx, _args, reply) => restore(ctx, reply),
  });
}

function restore(ctx: Context, reply: Reply): void {
  const { kv, request } = ctx;
  const options = readOptions(request);
  if (typeof options === 'string') return reply.error(options);
  if (!options.replaces && ctx.find(keyAt) !== 0)
    return reply.error('BUSYKEY Target key name already exists.');
  const time = request.integer(timeAt);
  if (time !== time) return reply.error(notAnInteger);
  if (time < 0) return reply.error('ERR Invalid TTL value, must be >= 0');
  if (!isPayload(request.view(payloadAt), { checksum: !kv.skipsChecksums })) {
    return reply.error('ERR DUMP payload version or checksum are wrong');
  }
  const value = readValue(ctx);
  if (value === null) return reply.error('ERR Bad data format');
  const expiryMs = time === 0 || options.isAbsolute ? time : time + ctx.nowMs;
  put(ctx, value, expiryMs);
  if (time !== 0 && !options.isAbsolute) passOn(ctx, expiryMs);
  noteAccess(ctx, options);
  reply.ok();
}

/** With the point in time that the key stays until. One that is over already is not there. */
function passOn({ nowMs, propagation, request }: Context, expiryMs: number): void {
  const [name, key] = request.views(0);
  const rest = request.views(payloadAt);
  if (expiryMs > nowMs) propagation?.instead(name, key, expiryMs, ...rest, 'ABSTTL');
}

/** What the options say of accesses, of the key that was just restored. */
function noteAccess(ctx: Context, { frequency, idleSeconds }: Options): void {
  if (idleSeconds < 0 && frequency < 0) return;
  const { usage } = ctx.kv;
  ctx.touches = false;
  if (idleSeconds >= 0) usage.ask();
  if (ctx.find(keyAt) === 0) return;
  if (idleSeconds >= 0) usage.setIdle(ctx.db.dict, idleSeconds);
  else usage.setFrequency(ctx.db.dict, frequency);
}

/** The options; or what is wrong with them. */
function readOptions(request: Request): Options | string {
  const options: Options = { replaces: false, isAbsolute: false, idleSeconds: -1, frequency: -1 };
  let usage: 'IDLETIME' | 'FREQ' | null = null;
  for (let i = optionsAt; i < request.count; i++) {
    const hasNext = i + 1 < request.count;
    if (request.is(i, 'REPLACE')) options.replaces = true;
    else if (request.is(i, 'ABSTTL')) options.isAbsolute = true;
    else if (request.is(i, 'IDLETIME') && hasNext && usage !== 'FREQ') {
      usage = 'IDLETIME';
      const seconds = request.integer(++i);
      if (seconds !== seconds) return notAnInteger;
      if (seconds < 0) return 'ERR Invalid IDLETIME value, must be >= 0';
      options.idleSeconds = seconds;
    } else if (request.is(i, 'FREQ') && hasNext && usage !== 'IDLETIME') {
      usage = 'FREQ';
      const frequency = request.integer(++i);
      if (frequency !== frequency) return notAnInteger;
      if (frequency < 0 || frequency > frequencyMax) return 'ERR Invalid FREQ value, must be >= 0 and <= 255';
      options.frequency = frequency;
    } else {
      return syntaxError;
    }
  }
  return options;
}

/** The value of the payload; null when it is damaged. */
function readValue({ db, request }: Context): RdbValue | null {
  const { bytes } = request;
  const at = bytes.byteOffset + request.start(payloadAt);
  try {
    return readPayload(Buffer.from(bytes.buffer, at, request.length(payloadAt)), db);
  } catch (error) {
    if (error instanceof KvError && error.code === 'CORRUPT') return null;
    throw error;
  }
}

/**
 * Makes a value that of the key, instead of any other; one whose time is over removes the key. Throws KvError LIMIT when it
 * is longer than the log takes, which a short payload may be.
 */
function put(ctx: Context, value: RdbValue, expiryMs: number): void {
  const { db, request } = ctx;
  const { bytes } = request;
  const [start, length] = [request.start(keyAt), request.length(keyAt)];
  if (Buffer.isBuffer(value)) db.context.journal?.admit(value.length);
  else ctx.admitBuilt(value);
  const old = ctx.find(keyAt);
  if (old !== 0) db.remove(old);
  if (expiryMs !== 0 && expiryMs <= ctx.nowMs) {
    if (!Buffer.isBuffer(value)) db.context.released.push(value);
    if (old !== 0) {
      ctx.propagation?.insteadRemoved(request.view(keyAt), 'lazyfree-lazy-server-del');
      ctx.notify('g', 'del', keyAt);
    }
    return;
  }
  db.find(bytes, start, length);
  if (Buffer.isBuffer(value)) {
    db.putOwnedString(0, bytes, start, length, value, expiryMs, stringForms.plain);
  } else {
    db.adopt(bytes, start, length, value, expiryMs);
  }
  ctx.notify('g', 'restore', keyAt);
}
