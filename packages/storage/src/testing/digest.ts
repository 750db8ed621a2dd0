/** The whole state of a storage in a form that two storages with the same content share. */
import { createHash } from 'node:crypto';
import { byteStringOf } from '@holdfast/common';
import { type Collection, valueTypeNames, valueTypes } from '../collection.js';
import type { Database } from '../database.js';
import { MutationWriter } from '../mutation.js';
import type { Storage } from '../storage.js';
import { databaseCount } from '../system-database.js';
import { EntryView } from '../values/field-table.js';
import { HashValue } from '../values/hash-value.js';
import { ListCursor } from '../values/list-cursor.js';
import { ListValue } from '../values/list-value.js';
import { SetValue } from '../values/set-value.js';
import { StreamValue } from '../values/stream-value.js';
import { ZSetCursor } from '../values/zset-cursor.js';
import { ZSetValue } from '../values/zset-value.js';
import { streamTexts } from './stream-text.js';

/** One line for each key, sorted: database, key, type, version, expiry, value. Makes everything resident. */
export async function stateOf(storage: Storage): Promise<string[]> {
  const lines: string[] = [];
  for (let index = 0; index < databaseCount; index++) {
    await storage.prepareScan(index, 0, Number.POSITIVE_INFINITY);
    const database = storage.database(index);
    const refs: number[] = [];
    database.dict.forEach((ref) => {
      refs.push(ref);
    });
    for (const ref of refs) lines.push(`${index} ${lineOf(database, ref)}`);
  }
  return lines.sort();
}

/** A digest of `stateOf`: equal for equal content, whatever the order of changes that led there. */
export async function digestOf(storage: Storage): Promise<string> {
  const hash = createHash('sha256');
  for (const line of await stateOf(storage)) hash.update(`${line}\n`, 'latin1');
  return hash.digest('hex');
}

function lineOf(database: Database, ref: number): string {
  const { dict, arena } = database;
  const key = byteStringOf(arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
  const type = valueTypeNames[database.type(ref)];
  const head = `${key} ${type} v${database.version(ref)} x${database.expiry(ref)}`;
  if (database.type(ref) === valueTypes.string) {
    database.readString(ref);
    const { valueBytes, valueStart, valueLength } = database;
    return `${head}${['', ' raw', ' text'][database.stringForm(ref)]} ${shorten(byteStringOf(valueBytes, valueStart, valueLength))}`;
  }
  return `${head} ${shorten(elementsOf(database.collection(ref)).join(' '))}`;
}

/** A long text by its digest, so that a difference can still be read. */
function shorten(text: string): string {
  return text.length <= 200 ? text : createHash('sha256').update(text, 'latin1').digest('hex');
}

const view = new EntryView();
const member = new ZSetCursor();
const element = new ListCursor();

function elementsOf(collection: Collection): string[] {
  if (collection instanceof HashValue) return fieldsOf(collection);
  if (collection instanceof SetValue) return membersOf(collection);
  if (collection instanceof ZSetValue) return entriesOf(collection);
  if (collection instanceof ListValue) return itemsOf(collection);
  if (collection instanceof StreamValue) return streamTexts(collection);
  const writer = new MutationWriter();
  collection.describe(writer);
  return [byteStringOf(writer.bytes, 0, writer.length)];
}

function fieldsOf({ table }: HashValue): string[] {
  const fields: string[] = [];
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) {
    const expiryMs = table.expiry(entry);
    table.read(entry, view);
    const value = byteStringOf(view.valueBytes, view.valueStart, view.valueLength);
    fields.push(
      `${byteStringOf(view.bytes, view.start, view.length)}=${value}${expiryMs === 0 ? '' : `@${expiryMs}`}`,
    );
  }
  return fields.sort();
}

function membersOf({ table }: SetValue): string[] {
  const members: string[] = [];
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) {
    table.read(entry, view);
    members.push(byteStringOf(view.bytes, view.start, view.length));
  }
  return members.sort();
}

function entriesOf(zset: ZSetValue): string[] {
  const entries: string[] = [];
  if (zset.size === 0) return entries;
  zset.seek(member, 0);
  do {
    entries.push(`${byteStringOf(member.bytes, member.start, member.length)}:${member.score}`);
  } while (zset.stepForward(member));
  return entries;
}

function itemsOf(list: ListValue): string[] {
  const items: string[] = [];
  if (list.size === 0) return items;
  element.seek(list, 0);
  do {
    items.push(byteStringOf(element.bytes, element.start, element.length));
  } while (element.next());
  return items;
}
