/**
 * The payload of DUMP and RESTORE: one value that looks after itself.
 *
 *     | type u8 | value ... | version of the format u16 | CRC-64 of all before u64 |
 */
import type { Ref } from '../arena.js';
import type { Database } from '../database.js';
import { Crc64 } from './crc64.js';
import { RdbReader } from './rdb-reader.js';
import { rdbVersions } from './rdb-types.js';
import { RdbWriter } from './rdb-writer.js';
import { type RdbValue, readValue } from './value-reader.js';
import { writeValue } from './value-writer.js';

const footBytes = 10;
const checksumBytes = 8;

/** The value of a record as a payload of its own. `newest`: of a file that it is for; see `writeValue`. */
export function dumpPayload(db: Database, ref: Ref, newest: number = rdbVersions.redis74): Buffer {
  const writer = new RdbWriter();
  return sealPayload(writer, writeValue(writer, db, ref, newest));
}

/** Ends a payload: which version of the format is needed to read it, and its checksum. */
export function sealPayload(writer: RdbWriter, version: number): Buffer {
  writer.byte(version & 255);
  writer.byte(version >>> 8);
  writer.reserve(checksumBytes);
  new Crc64().update(writer.bytes, 0, writer.length).writeTo(writer.bytes, writer.length);
  return writer.bytes.subarray(0, writer.length + checksumBytes);
}

/** The content of a payload that `isPayload` accepts, without its foot. */
export function openPayload(payload: Buffer): RdbReader {
  return new RdbReader(payload, 0, payload.length - footBytes);
}

/** Whether a payload is whole, and of a version that we read. `checksum: false` believes that it is whole. */
export function isPayload(payload: Uint8Array, { checksum = true } = {}): boolean {
  const { length } = payload;
  if (length < footBytes) return false;
  const version = payload[length - footBytes] | (payload[length - footBytes + 1] << 8);
  if (version > rdbVersions.redis74) return false;
  const sumAt = length - checksumBytes;
  return !checksum || new Crc64().update(payload, 0, sumAt).equals(payload, sumAt);
}

/**
 * The value of a payload that `isPayload` accepts; a collection is one of `db`, not attached to a key. Throws KvError
 * CORRUPT when it is damaged all the same, LIMIT when it has something that is too long for us.
 */
export function readPayload(payload: Buffer, db: Database): RdbValue {
  const reader = openPayload(payload);
  return readValue(reader, reader.byte(), db);
}
