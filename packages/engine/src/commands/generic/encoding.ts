import { parseBigInteger } from '@holdfast/common';
import { type Database, type Ref, stringForms, valueTypes } from '@holdfast/storage';
import type { KV } from '../../kv.js';

/** Strings up to this length are `embstr`. */
const embeddedBytesMax = 44;

/** The encoding as OBJECT ENCODING and DEBUG OBJECT name it. */
export function reportedEncoding({ redisVersion }: KV, db: Database, ref: Ref): string {
  const encoding = encodingOf(db, ref);
  const type = db.type(ref);
  if (type === valueTypes.list) return redisVersion.encodingOf('list', encoding);
  return type === valueTypes.set ? redisVersion.encodingOf('set', encoding) : encoding;
}

/** The encoding of a value, by Redis 7.2's names. */
export function encodingOf(db: Database, ref: Ref): string {
  if (db.type(ref) !== valueTypes.string) return db.collection(ref).encoding;
  const form = db.stringForm(ref);
  if (form === stringForms.raw) return 'raw';
  db.readString(ref);
  const { valueBytes, valueStart, valueLength } = db;
  if (form === stringForms.plain && isInteger(valueBytes, valueStart, valueLength)) return 'int';
  return valueLength <= embeddedBytesMax ? 'embstr' : 'raw';
}

function isInteger(bytes: Uint8Array, start: number, length: number): boolean {
  return length <= 20 && parseBigInteger(bytes, start, length) !== null;
}
