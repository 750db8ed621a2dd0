/**
 * A fingerprint of values and of the whole key space, the same for the same content however it came about
 * (DEBUG DIGEST). It is made as Redis makes it, so that two servers can be compared.
 *
 * `mix` is for what has an order, `fold` for what has none: hashes of parts, combined by exclusive or.
 */
import { hash } from 'node:crypto';
import {
  DoubleReply,
  databasesMax,
  formatShortest,
  KvError,
  type Reply,
  type ReplyValue,
} from '@holdfast/common';
import { type Ref, type Storage, valueTypes } from '@holdfast/storage';
import type { Context } from '../../context.js';
import type { KV } from '../../kv.js';
import type { Session } from '../../session.js';
import { read } from './subcall.js';

const digestBytes = 20;
/** So many keys of data that is not all in memory are loaded and digested together. */
const keysPerPiece = 64;

/** The types' numbers in Redis' own enumeration. */
const redisTypes: Readonly<Record<number, number>> = {
  [valueTypes.string]: 0,
  [valueTypes.list]: 1,
  [valueTypes.set]: 2,
  [valueTypes.zset]: 3,
  [valueTypes.hash]: 4,
  [valueTypes.stream]: 6,
};

function sha1(bytes: Uint8Array): Buffer {
  return hash('sha1', bytes, 'buffer');
}

function fold(digest: Buffer, bytes: Uint8Array): void {
  const hashed = sha1(bytes);
  for (let i = 0; i < digestBytes; i++) digest[i] ^= hashed[i];
}

function mix(digest: Buffer, bytes: Uint8Array): void {
  fold(digest, bytes);
  sha1(digest).copy(digest);
}

function mixNumber(digest: Buffer, n: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n);
  mix(digest, bytes);
}

function bytesOf(value: ReplyValue): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return Buffer.from(value instanceof DoubleReply ? formatShortest(value.value) : String(value));
}

/** Parts that belong together (a field and its value) in an order of no meaning. */
function foldGroups(digest: Buffer, groups: readonly (readonly ReplyValue[])[]): void {
  for (const group of groups) {
    const part = Buffer.alloc(digestBytes);
    for (const each of group) mix(part, bytesOf(each));
    fold(digest, part);
  }
}

function mixValue(ctx: Context, digest: Buffer, key: Buffer, type: number): void {
  switch (type) {
    case valueTypes.string:
      return mix(digest, bytesOf(read(ctx, 'GET', key)));
    case valueTypes.list:
      for (const each of read(ctx, 'LRANGE', key, '0', '-1') as ReplyValue[]) mix(digest, bytesOf(each));
      return;
    case valueTypes.set:
      for (const each of pages(ctx, 'SSCAN', key, 1)) fold(digest, bytesOf(each[0]));
      return;
    case valueTypes.hash:
      return foldGroups(digest, pages(ctx, 'HSCAN', key, 2));
    case valueTypes.zset:
      return foldGroups(digest, read(ctx, 'ZRANGE', key, '0', '-1', 'WITHSCORES') as ReplyValue[][]);
    default:
      for (const [id, fields] of read(ctx, 'XRANGE', key, '-', '+') as [Buffer, ReplyValue[]][]) {
        mix(digest, Buffer.from(id.toString('latin1').replace('-', '.')));
        for (const each of fields) mix(digest, bytesOf(each));
      }
  }
}

function pages(ctx: Context, command: string, key: Buffer, stride: number): ReplyValue[][] {
  const groups = new Map<string, ReplyValue[]>();
  let cursor = '0';
  do {
    const [next, page] = read(ctx, command, key, cursor, 'COUNT', '1000') as [Buffer, Buffer[]];
    for (let i = 0; i < page.length; i += stride) {
      groups.set(page[i].toString('latin1'), page.slice(i, i + stride));
    }
    cursor = next.toString('latin1');
  } while (cursor !== '0');
  return [...groups.values()];
}

/** Adds the value of a key of the current database. `ref` is its record, not used after. */
function mixKey(ctx: Context, digest: Buffer, key: Buffer, ref: Ref): void {
  const type = ctx.db.type(ref);
  const hasExpiry = ctx.db.expiry(ref) !== 0;
  mixNumber(digest, redisTypes[type]);
  mixValue(ctx, digest, key, type);
  if (hasExpiry) fold(digest, Buffer.from('!!expire!!'));
}

/** The digest of the value of the key at argument `i`, zeros when there is none. */
export function valueDigest(ctx: Context, i: number): string {
  const digest = Buffer.alloc(digestBytes);
  const ref = ctx.find(i);
  if (ref !== 0) mixKey(ctx, digest, ctx.request.copy(i), ref);
  return digest.toString('hex');
}

/** What the keys of a database are folded to, wherever they are. A database without keys has none. */
export interface DatabaseDigest {
  readonly index: number;
  readonly keys: Buffer;
}

/** The digest of all databases that have keys, of which there may be several parts each. */
export function wholeDigest(parts: readonly DatabaseDigest[]): string {
  const whole = Buffer.alloc(digestBytes);
  for (let index = 0; index < databasesMax; index++) {
    const ofDatabase = parts.filter((part) => part.index === index);
    if (ofDatabase.length > 0) mixNumber(whole, index);
    for (const { keys } of ofDatabase) for (let i = 0; i < digestBytes; i++) whole[i] ^= keys[i];
  }
  return whole.toString('hex');
}

/** The digest of everything. */
export function replyDigest(ctx: Context, reply: Reply): void {
  digestAll(ctx, reply, (target, parts) => target.simple(wholeDigest(parts)));
}

/** What it is made of, for who puts together those of several servers: each database, and its keys. */
export function replyDatabaseDigests(ctx: Context, reply: Reply): void {
  digestAll(ctx, reply, (target, parts) => {
    target.array(parts.length);
    for (const { index, keys } of parts) {
      target.array(2);
      target.integer(index);
      target.bulk(keys, 0, keys.length);
    }
  });
}

/** At once where all is in memory, otherwise a piece at a time, while others go on. */
function digestAll(
  ctx: Context,
  reply: Reply,
  write: (reply: Reply, parts: readonly DatabaseDigest[]) => void,
): void {
  const { host, kv, mayBlock, session, storage } = ctx;
  if (isInMemory(storage)) return write(reply, digestsInMemory(ctx));
  if (!mayBlock) return reply.error("ERR DEBUG DIGEST of more than is in memory can't run in a transaction");
  let parts: readonly DatabaseDigest[] = [];
  const work = digestByPieces(kv, session).then((found) => {
    parts = found;
  });
  host.defer(session, work, (late) => write(late, parts));
}

function isInMemory(storage: Storage): boolean {
  for (let index = 0; index < databasesMax; index++) if (!storage.isComplete(index)) return false;
  return true;
}

function digestsInMemory(ctx: Context): DatabaseDigest[] {
  const parts: DatabaseDigest[] = [];
  for (let index = 0; index < databasesMax; index++) {
    const db = ctx.storage.database(index);
    if (db.size === 0) continue;
    const keys = Buffer.alloc(digestBytes);
    const refs: Ref[] = [];
    db.dict.forEach((ref) => void refs.push(ref));
    foldKeys(ctx, keys, index, refs);
    parts.push({ index, keys });
  }
  return parts;
}

/** Throws KvError UNAVAILABLE when something was written meanwhile: then it would be the digest of no state at all. */
async function digestByPieces(kv: KV, session: Session): Promise<DatabaseDigest[]> {
  const { context, host, storage } = kv;
  const { last } = storage.stamp;
  const parts: DatabaseDigest[] = [];
  for (let index = 0; index < databasesMax; index++) {
    if (storage.keyCount(index) === 0) continue;
    const keys = Buffer.alloc(digestBytes);
    parts.push({ index, keys });
    let cursor = storage.scanStart;
    do {
      const prepare = (): Promise<void> | null => storage.prepareScan(index, cursor, keysPerPiece);
      for (let loading = prepare(); loading !== null; loading = prepare()) await loading;
      if (kv.storage !== storage || storage.stamp.last !== last) throw changedMeanwhile();
      if (host.sessionById(session.id) === undefined) return [];
      host.inTurn(() => {
        const refs: Ref[] = [];
        cursor = storage.scanPage(index, cursor, keysPerPiece, (ref) => refs.push(ref));
        context.session = session;
        foldKeys(context, keys, index, refs);
      });
    } while (cursor !== 0);
  }
  if (storage.stamp.last !== last) throw changedMeanwhile();
  return parts;
}

function changedMeanwhile(): KvError {
  return new KvError(
    'UNAVAILABLE',
    'the data changed while its digest was made: ask again when nobody writes',
  );
}

/** Adds keys of a database and their values, but for those whose time is over. `refs` are not used after. */
function foldKeys(ctx: Context, whole: Buffer, index: number, refs: readonly Ref[]): void {
  const { session, storage } = ctx;
  const { database } = session;
  const db = storage.database(index);
  session.database = index;
  ctx.db = db;
  for (const key of liveKeys(ctx, refs)) {
    const part = Buffer.alloc(digestBytes);
    mix(part, key);
    mixKey(ctx, part, key, db.find(key, 0, key.length));
    fold(whole, part);
  }
  session.database = database;
  ctx.db = storage.database(database);
}

function liveKeys({ db, nowMs }: Context, refs: readonly Ref[]): Buffer[] {
  const keys: Buffer[] = [];
  const { arena, dict } = db;
  for (const ref of refs) {
    const expiryMs = db.expiry(ref);
    if (expiryMs !== 0 && expiryMs <= nowMs) continue;
    const start = dict.keyStart(ref);
    keys.push(Buffer.from(arena.chunk(ref).subarray(start, start + dict.keyLength(ref))));
  }
  return keys;
}
