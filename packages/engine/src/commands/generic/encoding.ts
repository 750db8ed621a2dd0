import { parseBigInteger } from '@holdfast/common';
import { type Database, type Ref, valueTypes } from '@holdfast/storage';

/** Strings up to this length are `embstr`. */
const embeddedBytesMax = 44;

/** The encoding that OBJECT ENCODING reports. */
export function encodingOf(db: Database, ref: Ref): string {
  if (db.type(ref) !== valueTypes.string) return db.collection(ref).encoding;
  if (db.isRaw(ref)) return 'raw';
  db.readString(ref);
  const { valueBytes, valueStart, valueLength } = db;
  if (valueLength <= 20 && parseBigInteger(valueBytes, valueStart, valueLength) !== null) return 'int';
  return valueLength <= embeddedBytesMax ? 'embstr' : 'raw';
}
