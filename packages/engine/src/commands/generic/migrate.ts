/**
 * MIGRATE: keys go to another server, and are gone here once it has them. Other clients go on meanwhile: a key that they
 * change while it is on its way stays here, and the caller is told so.
 */
import { type Reply, Request, ValueReply } from '@holdfast/common';
import { dumpPayload } from '@holdfast/storage';
import { after, blockDoc, oneofDoc, valueDoc, wordDoc } from '../../argument-docs.js';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes, described, notAnInteger, syntaxError, unparsedInteger } from '../../grammar.js';
import type { MigratedKey, MigrationTarget } from '../../host.js';
import type { KV } from '../../kv.js';
import type { Session } from '../../session.js';

const [hostAt, portAt, keyAt, databaseAt, timeoutAt, optionsAt] = [1, 2, 3, 4, 5, 6];
const timeoutMsDefault = 1000;
const unsupported = 'ERR this server sends no keys to others: in a cluster, slots are moved by kvctl';
const notAlone = 'ERR MIGRATE waits for another server: it can not be part of a transaction or script';
const keyNotEmpty = 'ERR When using MIGRATE KEYS option, the key argument must be set to the empty string';

interface Options {
  copies: boolean;
  replaces: boolean;
  user: Uint8Array | null;
  password: Uint8Array | null;
  firstKey: number;
  keyCount: number;
}

/** A key on its way, and the version of what was sent. */
interface Sent extends MigratedKey {
  readonly version: number;
}

export const migrate = defineCommand({
  id: 878,
  name: 'MIGRATE',
  group: 'generic',
  since: '2.6.0',
  complexity:
    'This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target instance. See the pages of these commands for time complexity. Also an O(N) data transfer between the two instances is performed.',
  summary: 'Atomically transfers a key from one Redis instance to another.',
  flags: ['write'],
  categories: ['keyspace', 'dangerous'],
  tips: ['nondeterministic_output'],
  arity: -6,
  keySpecs: [
    {
      access: 'RW',
      uses: ['access', 'delete'],
      begin: { index: keyAt },
      find: { lastKey: 0, step: 1, limit: 0 },
    },
    {
      access: 'RW',
      uses: ['access', 'delete', 'incomplete'],
      begin: { keyword: 'KEYS', startFrom: -2 },
      find: { lastKey: -1, step: 1, limit: 0 },
    },
  ],
  keysOf(request) {
    const options = readOptions(request);
    // As in Redis: a key and a list of keys are none.
    if (options === keyNotEmpty) return { first: keyAt, count: 0 };
    return typeof options === 'string' || options.keyCount === 0
      ? { first: keyAt, count: 1 }
      : { first: options.firstKey, count: options.keyCount };
  },
  args: {
    host: bytes(),
    port: bytes(),
    'key-selector': bytes(),
    'destination-db': unparsedInteger(),
    timeout: unparsedInteger(),
    copy: described(wordDoc('COPY', 'optional')),
    replace: described(wordDoc('REPLACE', 'optional')),
    authentication: described(
      oneofDoc(
        'authentication',
        ['optional'],
        valueDoc('auth', 'string', 'AUTH'),
        after('AUTH2', blockDoc('auth2', [], valueDoc('username', 'string'), valueDoc('password', 'string'))),
      ),
    ),
    keys: described({ ...valueDoc('keys', 'key', 'KEYS', 'optional', 'multiple'), keySpecIndex: 1 }),
  },
  readsSurplus: true,
  hides: (request, i) =>
    i > optionsAt &&
    (request.is(i - 1, 'AUTH') ||
      request.is(i - 1, 'AUTH2') ||
      (i > optionsAt + 1 && request.is(i - 2, 'AUTH2'))),
  run: (ctx, _args, reply) => move(ctx, reply),
});

function move(ctx: Context, reply: Reply): void {
  const { host, kv, request, session } = ctx;
  const { migration } = host;
  const options = readOptions(request);
  if (typeof options === 'string') return reply.error(options);
  const [timeoutMs, database] = [request.integer(timeoutAt), request.integer(databaseAt)];
  if (timeoutMs !== timeoutMs || database !== database) return reply.error(notAnInteger);
  if (migration === null) return reply.error(unsupported);
  const keys = dumpKeys(ctx, options);
  if (keys.length === 0) return reply.simple('NOKEY');
  if (!ctx.mayBlock) return reply.error(notAlone);
  const target: MigrationTarget = {
    host: request.text(hostAt),
    port: request.text(portAt),
    database,
    timeoutMs: timeoutMs > 0 ? timeoutMs : timeoutMsDefault,
    user: options.user === null ? null : Buffer.from(options.user),
    password: options.password === null ? null : Buffer.from(options.password),
    replaces: options.replaces,
  };
  let problem: string | null = null;
  ctx.propagation?.nothing();
  ctx.hasBlocked = true;
  const work = async (): Promise<void> => {
    const outcome = await migration.send(target, keys);
    problem = outcome.problem;
    const changed = options.copies
      ? 0
      : await remove(
          kv,
          session,
          outcome.restored.map((i) => keys[i]),
        );
    if (changed > 0) problem ??= `TRYAGAIN ${changed} keys were changed on their way: they are here as well`;
  };
  host.defer(session, work(), (late) => (problem === null ? late.ok() : late.error(problem)));
}

/** The options; or what is wrong with them. */
function readOptions(request: Request): Options | string {
  const options: Options = {
    copies: false,
    replaces: false,
    user: null,
    password: null,
    firstKey: keyAt,
    keyCount: 1,
  };
  for (let i = optionsAt; i < request.count; i++) {
    const left = request.count - 1 - i;
    if (request.is(i, 'COPY')) options.copies = true;
    else if (request.is(i, 'REPLACE')) options.replaces = true;
    else if (request.is(i, 'AUTH') && left >= 1) options.password = request.view(++i);
    else if (request.is(i, 'AUTH2') && left >= 2) {
      options.user = request.view(++i);
      options.password = request.view(++i);
    } else if (request.is(i, 'KEYS')) {
      if (request.length(keyAt) !== 0) return keyNotEmpty;
      options.firstKey = i + 1;
      options.keyCount = left;
      break;
    } else {
      return syntaxError;
    }
  }
  return options;
}

/** What the keys hold that are there. */
function dumpKeys(ctx: Context, { firstKey, keyCount }: Options): Sent[] {
  const { db, nowMs, request } = ctx;
  const keys: Sent[] = [];
  for (let i = firstKey; i < firstKey + keyCount; i++) {
    const ref = ctx.read(i);
    if (ref === 0) continue;
    const expiryMs = db.expiry(ref);
    keys.push({
      name: request.copy(i),
      ttlMs: expiryMs === 0 ? 0 : Math.max(1, expiryMs - nowMs),
      payload: dumpPayload(db, ref),
      version: db.version(ref),
    });
  }
  return keys;
}

/** Removes the keys that are what was sent, as DEL would; how many were changed meanwhile. */
async function remove(kv: KV, session: Session, sent: readonly Sent[]): Promise<number> {
  if (sent.length === 0) return 0;
  const { host, registry } = kv;
  const del = registry.byName('DEL')!;
  const all = new Request().assign(['DEL', ...sent.map(({ name }) => name)]);
  for (;;) {
    const loading = host.load(session, del, all);
    if (loading === null) break;
    await loading;
  }
  let changed = 0;
  host.inTurn(() => {
    const db = kv.storage.database(session.database);
    const unchanged = sent.filter(({ name, version }) => {
      const ref = db.find(name, 0, name.length);
      if (ref !== 0 && db.version(ref) !== version) changed++;
      return ref !== 0 && db.version(ref) === version;
    });
    const names = unchanged.map(({ name }) => name);
    if (names.length > 0)
      kv.execute(session, del, new Request().assign(['DEL', ...names]), new ValueReply(3));
  });
  return changed;
}
