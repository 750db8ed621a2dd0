/**
 * Reads values of all forms that Redis has written since 2.0, but of modules. A value is built beside the
 * database and checked as a whole: nothing is changed by one that is damaged.
 */
import { doubleOf, parseDouble } from '@holdfast/common';
import type { Collection } from '../collection.js';
import type { Database } from '../database.js';
import { HashValue } from '../values/hash-value.js';
import { sides } from '../values/list-node.js';
import { ListValue } from '../values/list-value.js';
import { SetValue } from '../values/set-value.js';
import { StreamValue } from '../values/stream-value.js';
import { ZSetValue } from '../values/zset-value.js';
import { IntsetReader } from './intset.js';
import { ListpackReader } from './listpack.js';
import type { PackedElements } from './packed-elements.js';
import { corrupt, type RdbReader } from './rdb-reader.js';
import { listContainers, rdbTypes } from './rdb-types.js';
import { fillStream } from './stream-reader.js';
import { ZiplistReader } from './ziplist.js';
import { ZipmapReader } from './zipmap.js';

/** A string, or a collection of a database that is not attached to a key yet. */
export type RdbValue = Buffer | Collection;

/** Fills a collection from what follows the type. */
type Fill<C extends Collection> = (reader: RdbReader, into: C) => void;

interface Form {
  create(db: Database): Collection;
  readonly fill: Fill<never>;
}

function form<C extends Collection>(create: (db: Database) => C, fill: Fill<C>): Form {
  return { create, fill: fill as Fill<never> };
}

const list = (db: Database): ListValue => new ListValue(db);
const hash = (db: Database): HashValue => new HashValue(db);
const stream = (db: Database): StreamValue => new StreamValue(db);
const zset = (db: Database): ZSetValue => new ZSetValue(db);

const forms: Readonly<Record<number, Form>> = {
  [rdbTypes.list]: form(list, fillList),
  [rdbTypes.listZiplist]: form(list, (reader, into) => pushAll(new ZiplistReader(reader.ownString()), into)),
  [rdbTypes.listQuicklist]: form(list, fillQuicklist),
  [rdbTypes.listQuicklistV2]: form(list, fillQuicklistV2),
  [rdbTypes.set]: form((db) => new SetValue(db), fillSet),
  [rdbTypes.setIntset]: form(
    (db) => new SetValue(db),
    (reader, into) => addAll(new IntsetReader(reader.ownString()), into),
  ),
  [rdbTypes.setListpack]: form(
    (db) => new SetValue(db, 'listpack'),
    (reader, into) => addAll(new ListpackReader(reader.ownString()), into),
  ),
  [rdbTypes.zset]: form(zset, (reader, into) => fillZSet(reader, into, () => reader.doubleInDigits())),
  [rdbTypes.zsetV2]: form(zset, (reader, into) => fillZSet(reader, into, () => reader.double())),
  [rdbTypes.zsetZiplist]: form(zset, (reader, into) => putAll(new ZiplistReader(reader.ownString()), into)),
  [rdbTypes.zsetListpack]: form(zset, (reader, into) => putAll(new ListpackReader(reader.ownString()), into)),
  [rdbTypes.hash]: form(hash, fillHash),
  [rdbTypes.hashZipmap]: form(hash, (reader, into) =>
    setAll(new ZipmapReader(reader.ownString()), into, false),
  ),
  [rdbTypes.hashZiplist]: form(hash, (reader, into) =>
    setAll(new ZiplistReader(reader.ownString()), into, false),
  ),
  [rdbTypes.hashListpack]: form(hash, (reader, into) =>
    setAll(new ListpackReader(reader.ownString()), into, false),
  ),
  [rdbTypes.hashListpackExpiring]: form(hash, (reader, into) => {
    reader.milliseconds();
    setAll(new ListpackReader(reader.ownString()), into, true);
  }),
  [rdbTypes.hashExpiring]: form(hash, fillExpiringHash),
  [rdbTypes.stream]: form(stream, (reader, into) =>
    fillStream(reader, into, { hasHistory: false, hasActivity: false }),
  ),
  [rdbTypes.streamV2]: form(stream, (reader, into) =>
    fillStream(reader, into, { hasHistory: true, hasActivity: false }),
  ),
  [rdbTypes.streamV3]: form(stream, (reader, into) =>
    fillStream(reader, into, { hasHistory: true, hasActivity: true }),
  ),
};

/** Reads the value that follows its type. Throws KvError CORRUPT, or LIMIT when something is too long for us. */
export function readValue(reader: RdbReader, type: number, db: Database): RdbValue {
  if (type === rdbTypes.string) return reader.ownString();
  const form = forms[type];
  if (form === undefined) throw corrupt(`no value has the type ${type}`);
  const collection = form.create(db);
  try {
    form.fill(reader, collection as never);
    if (collection.size === 0 && !(collection instanceof StreamValue))
      throw corrupt('a collection without elements');
    return collection;
  } catch (error) {
    db.context.released.push(collection);
    throw error;
  }
}

// Lists

function fillList(reader: RdbReader, into: ListValue): void {
  for (let left = reader.count(); left > 0; left--) {
    reader.string();
    into.pushOne(sides.right, reader.text, reader.textStart, reader.textLength);
  }
}

function fillQuicklist(reader: RdbReader, into: ListValue): void {
  for (let left = reader.count(); left > 0; left--) pushAll(new ZiplistReader(reader.ownString()), into);
}

function fillQuicklistV2(reader: RdbReader, into: ListValue): void {
  for (let left = reader.count(); left > 0; left--) {
    const container = reader.size();
    if (container === listContainers.packed) {
      pushAll(new ListpackReader(reader.ownString()), into);
    } else if (container === listContainers.plain) {
      reader.string();
      if (reader.textLength === 0) throw corrupt('a node of a list without content');
      into.pushOne(sides.right, reader.text, reader.textStart, reader.textLength);
    } else {
      throw corrupt('an unknown node of a list');
    }
  }
}

function pushAll(elements: PackedElements, into: ListValue): void {
  while (elements.next()) into.pushOne(sides.right, elements.bytes, elements.start, elements.length);
}

// Sets

function fillSet(reader: RdbReader, into: SetValue): void {
  const count = reader.count();
  into.expect(count);
  for (let left = count; left > 0; left--) {
    reader.string();
    addMember(into, reader.text, reader.textStart, reader.textLength);
  }
}

function addAll(elements: PackedElements, into: SetValue): void {
  while (elements.next()) addMember(into, elements.bytes, elements.start, elements.length);
}

function addMember(into: SetValue, bytes: Uint8Array, start: number, length: number): void {
  if (!into.add(bytes, start, length)) throw corrupt('a member of a set twice');
}

// Sorted sets

function fillZSet(reader: RdbReader, into: ZSetValue, readScore: () => number): void {
  const count = reader.count();
  into.expect(count);
  for (let left = count; left > 0; left--) {
    reader.string();
    const { text, textStart, textLength } = reader;
    putMember(into, text, textStart, textLength, readScore());
  }
}

function putAll(elements: PackedElements, into: ZSetValue): void {
  while (elements.next()) {
    const member = Buffer.from(elements.bytes.subarray(elements.start, elements.start + elements.length));
    elements.nextOfPair();
    putMember(into, member, 0, member.length, scoreOf(elements));
  }
}

/** A score in digits; numbers beyond the range of doubles are infinite. */
function scoreOf({ bytes, start, length }: PackedElements): number {
  const score = parseDouble(bytes, start, length);
  return score === score
    ? score
    : doubleOf(Buffer.from(bytes.subarray(start, start + length)).toString('latin1'));
}

function putMember(into: ZSetValue, bytes: Uint8Array, start: number, length: number, score: number): void {
  if (score !== score) throw corrupt('a score that is no number');
  const old = into.score(bytes, start, length);
  if (old === old) throw corrupt('a member of a sorted set twice');
  into.add(bytes, start, length, score);
}

// Hashes

function fillHash(reader: RdbReader, into: HashValue): void {
  const count = reader.count();
  into.expect(count);
  for (let left = count; left > 0; left--) {
    const field = reader.ownString();
    reader.string();
    setField(into, field, reader.text, reader.textStart, reader.textLength, 0);
  }
}

/** Times are counted from the earliest one, from 1 on; 0 for none. */
function fillExpiringHash(reader: RdbReader, into: HashValue): void {
  const earliestMs = reader.milliseconds();
  const count = reader.count();
  into.expect(count);
  for (let left = count; left > 0; left--) {
    const time = reader.size();
    const field = reader.ownString();
    reader.string();
    setField(
      into,
      field,
      reader.text,
      reader.textStart,
      reader.textLength,
      time === 0 ? 0 : earliestMs + time - 1,
    );
  }
}

function setAll(elements: PackedElements, into: HashValue, expires: boolean): void {
  while (elements.next()) {
    const field = Buffer.from(elements.bytes.subarray(elements.start, elements.start + elements.length));
    elements.nextOfPair();
    const { start, length } = elements;
    if (!expires) {
      setField(into, field, elements.bytes, start, length, 0);
      continue;
    }
    const value = Buffer.from(elements.bytes.subarray(start, start + length));
    elements.nextOfPair();
    setField(into, field, value, 0, value.length, scoreOf(elements));
  }
}

function setField(
  into: HashValue,
  field: Uint8Array,
  value: Uint8Array,
  valueStart: number,
  valueLength: number,
  expiryMs: number,
): void {
  const { length } = field;
  if (!into.set(field, 0, length, value, valueStart, valueLength)) throw corrupt('a field of a hash twice');
  if (expiryMs === 0) return;
  if (!Number.isSafeInteger(expiryMs) || expiryMs < 0) throw corrupt('the expiry of a field');
  into.setExpiry(into.table.find(field, 0, length), field, 0, length, expiryMs);
}
