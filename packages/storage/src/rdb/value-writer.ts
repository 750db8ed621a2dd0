/**
 * Writes values as Redis 7.2 does, in the oldest form that holds them without loss, so that older servers can read
 * them too: all but streams with news of their consumers, and hashes whose fields expire, is what Redis 7.0 knows.
 */
import { formatDouble } from '@holdfast/common';
import type { Ref } from '../arena.js';
import { valueTypes } from '../collection.js';
import type { Database } from '../database.js';
import { EntryView, type FieldTable } from '../values/field-table.js';
import type { HashValue } from '../values/hash-value.js';
import { ListCursor } from '../values/list-cursor.js';
import { exceedsListpack } from '../values/list-encoding.js';
import type { ListValue } from '../values/list-value.js';
import type { SetValue } from '../values/set-value.js';
import type { StreamValue } from '../values/stream-value.js';
import { ZSetCursor } from '../values/zset-cursor.js';
import type { ZSetValue } from '../values/zset-value.js';
import { writeIntset } from './intset.js';
import { ListpackWriter } from './listpack.js';
import { listContainers, rdbTypes, rdbVersions } from './rdb-types.js';
import type { RdbWriter } from './rdb-writer.js';
import { writeStream } from './stream-writer.js';

const view = new EntryView();
const listCursor = new ListCursor();
const zsetCursor = new ZSetCursor();
const listpack = new ListpackWriter();

/** What Redis reckons for an element beside its bytes, when it asks whether a node of a list has room. */
const nodeElementOverhead = 8;

/**
 * Writes the type and the value of a record. Returns the version of the format that is needed to read it: not above
 * `newest` where an older form has all but what nobody misses.
 */
export function writeValue(writer: RdbWriter, db: Database, ref: Ref, newest: number): number {
  switch (db.type(ref)) {
    case valueTypes.string:
      db.readString(ref);
      writer.byte(rdbTypes.string);
      writer.string(db.valueBytes, db.valueStart, db.valueLength);
      return rdbVersions.redis70;
    case valueTypes.list:
      writeList(writer, db.collection(ref) as ListValue);
      return rdbVersions.redis70;
    case valueTypes.set:
      writeSet(writer, db.collection(ref) as SetValue);
      return rdbVersions.redis70;
    case valueTypes.zset:
      writeZSet(writer, db.collection(ref) as ZSetValue);
      return rdbVersions.redis70;
    case valueTypes.stream:
      return writeStream(writer, db.collection(ref) as StreamValue, newest);
    default:
      return writeHash(writer, db.collection(ref) as HashValue);
  }
}

function writeListpack(writer: RdbWriter): void {
  listpack.end();
  writer.string(listpack.bytes, 0, listpack.length);
}

// Lists

/** Nodes of as many elements as fit: how Redis lays out a list that only grew at its end. */
function writeList(writer: RdbWriter, list: ListValue): void {
  writer.byte(rdbTypes.listQuicklistV2);
  const isWhole = list.encoding === 'listpack';
  writer.size(isWhole ? 1 : countNodes(list));
  listCursor.seek(list, 0);
  listpack.begin();
  do {
    if (!isWhole && !hasRoom(listCursor.length)) writeNode(writer);
    listpack.add(listCursor.bytes, listCursor.start, listCursor.length);
  } while (listCursor.next());
  writeNode(writer);
}

function countNodes(list: ListValue): number {
  let nodes = 1;
  listCursor.seek(list, 0);
  listpack.begin();
  do {
    if (!hasRoom(listCursor.length)) {
      nodes++;
      listpack.begin();
    }
    listpack.skip(listCursor.bytes, listCursor.start, listCursor.length);
  } while (listCursor.next());
  return nodes;
}

/** Whether an element of so many bytes goes into the node that is being built, as the first one always does. */
function hasRoom(length: number): boolean {
  if (listpack.count === 0) return true;
  return !exceedsListpack(listpack.length + 1 + length + nodeElementOverhead, listpack.count + 1);
}

function writeNode(writer: RdbWriter): void {
  writer.size(listContainers.packed);
  writeListpack(writer);
  listpack.begin();
}

// Sets

function writeSet(writer: RdbWriter, set: SetValue): void {
  const { table } = set;
  if (set.encoding === 'intset') {
    const packed = writeIntset(textsOf(table));
    writer.byte(rdbTypes.setIntset);
    writer.string(packed, 0, packed.length);
    return;
  }
  // A packed set is read by Redis 7.2 only; from its members it is packed again.
  writer.byte(rdbTypes.set);
  writer.size(table.size);
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) {
    table.read(entry, view);
    writer.string(view.bytes, view.start, view.length);
  }
}

function textsOf(table: FieldTable): Buffer[] {
  const texts: Buffer[] = [];
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) {
    table.read(entry, view);
    texts.push(Buffer.from(view.bytes.subarray(view.start, view.start + view.length)));
  }
  return texts;
}

// Sorted sets

function writeZSet(writer: RdbWriter, zset: ZSetValue): void {
  if (zset.encoding === 'listpack') {
    writer.byte(rdbTypes.zsetListpack);
    listpack.begin();
    zset.seek(zsetCursor, 0);
    do {
      listpack.add(zsetCursor.bytes, zsetCursor.start, zsetCursor.length);
      const score = Buffer.from(formatDouble(zsetCursor.score), 'latin1');
      listpack.add(score, 0, score.length);
    } while (zset.stepForward(zsetCursor));
    writeListpack(writer);
    return;
  }
  // The greatest first: whoever reads them adds each at the front.
  writer.byte(rdbTypes.zsetV2);
  writer.size(zset.size);
  zset.seek(zsetCursor, zset.size - 1);
  do {
    writer.string(zsetCursor.bytes, zsetCursor.start, zsetCursor.length);
    writer.double(zsetCursor.score);
  } while (zset.stepBack(zsetCursor));
}

// Hashes

function writeHash(writer: RdbWriter, hash: HashValue): number {
  const { table, earliestExpiryMs } = hash;
  const expires = earliestExpiryMs !== Number.POSITIVE_INFINITY;
  const isPacked = hash.encoding !== 'hashtable';
  if (isPacked) {
    writer.byte(expires ? rdbTypes.hashListpackExpiring : rdbTypes.hashListpack);
    if (expires) writer.milliseconds(earliestExpiryMs);
    packFields(hash, expires);
    writeListpack(writer);
    return expires ? rdbVersions.redis74 : rdbVersions.redis70;
  }
  writer.byte(expires ? rdbTypes.hashExpiring : rdbTypes.hash);
  if (expires) writer.milliseconds(earliestExpiryMs);
  writer.size(table.size);
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) {
    const expiryMs = table.expiry(entry);
    if (expires) writer.size(expiryMs === 0 ? 0 : expiryMs - earliestExpiryMs + 1);
    table.read(entry, view);
    writer.string(view.bytes, view.start, view.length);
    writer.string(view.valueBytes, view.valueStart, view.valueLength);
  }
  return expires ? rdbVersions.redis74 : rdbVersions.redis70;
}

/** Fields, values and, in a hash whose fields expire, the times: those that expire first come first, as in Redis. */
function packFields({ table }: HashValue, expires: boolean): void {
  const entries: { readonly entry: number; readonly expiryMs: number }[] = [];
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) {
    entries.push({ entry, expiryMs: expires ? table.expiry(entry) : 0 });
  }
  if (expires) entries.sort((a, b) => (a.expiryMs || Number.MAX_VALUE) - (b.expiryMs || Number.MAX_VALUE));
  listpack.begin();
  for (const { entry, expiryMs } of entries) {
    table.read(entry, view);
    listpack.add(view.bytes, view.start, view.length);
    listpack.add(view.valueBytes, view.valueStart, view.valueLength);
    if (expires) listpack.addInteger(expiryMs);
  }
}
