/**
 * Values on the disk. Each begins with a CRC-32 over its key and its body: LevelDB's own checksums are
 * not looked at when it reads (the binding has no option for it), and a wrong byte must not become data.
 *
 *     head      | crc u32 | type u8 | flags u8 | version f64 | [expiry f64] | [incarnation f64] | content |
 *               content: the string; with `isWhole`, the mutations that build the collection; with elements, their
 *               order, or nothing (`element-order.ts`), or the length of a large string (`string-pieces.ts`)
 *     element   | crc u32 | what the collection's layout puts there, or a piece of a string |
 *     expiry, orphan, generation: | crc u32 |
 *
 * Numbers are little-endian, as in mutations.
 */
// @hot-path
import { checksum, KvError } from '@holdfast/common';
import { databaseCount } from '../system-database.js';

export const headFlags = {
  /** A string of the form `raw`. */
  isRaw: 1,
  hasExpiry: 2,
  /** The elements of the collection, or the pieces of the string, are records of their own, under its incarnation. */
  hasElements: 4,
  /** The collection is described as a whole in the content. */
  isWhole: 8,
  /** A string of the form `text`. */
  isText: 16,
  /** Elements of the collection expire one by one. */
  hasExpiringElements: 32,
} as const;

/** The flags of a string's form: those of each of `stringForms`. */
export const formFlags: readonly number[] = [0, headFlags.isRaw, headFlags.isText];

export const checksumBytes = 4;

const scratchDouble = new Float64Array(1);
const scratchBytes = new Uint8Array(scratchDouble.buffer);

export function writeDouble(target: Uint8Array, at: number, value: number): number {
  scratchDouble[0] = value;
  for (let i = 0; i < 8; i++) target[at + i] = scratchBytes[i];
  return at + 8;
}

export function readDouble(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) scratchBytes[i] = bytes[at + i];
  return scratchDouble[0];
}

/** Length of a head's body before its content. */
export function headBytes(expiryMs: number, incarnation: number): number {
  return 10 + (expiryMs === 0 ? 0 : 8) + (incarnation === 0 ? 0 : 8);
}

/** Writes a head's body before its content at `target[at]`; returns the position after it. */
export function writeHead(
  target: Uint8Array,
  at: number,
  type: number,
  flags: number,
  version: number,
  expiryMs: number,
  incarnation: number,
): number {
  target[at] = type;
  target[at + 1] =
    flags | (expiryMs === 0 ? 0 : headFlags.hasExpiry) | (incarnation === 0 ? 0 : headFlags.hasElements);
  let end = writeDouble(target, at + 2, version);
  if (expiryMs !== 0) end = writeDouble(target, end, expiryMs);
  if (incarnation !== 0) end = writeDouble(target, end, incarnation);
  return end;
}

/** Fills in the checksum of a value at `bytes[at, end)`, whose key is `keyBytes[keyStart, keyEnd)`. */
export function seal(
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  bytes: Uint8Array,
  at: number,
  end: number,
): void {
  const crc = checksum(bytes, at + checksumBytes, end, checksum(keyBytes, keyStart, keyEnd, 0));
  bytes[at] = crc;
  bytes[at + 1] = crc >>> 8;
  bytes[at + 2] = crc >>> 16;
  bytes[at + 3] = crc >>> 24;
}

/** The value under a key that says all there is to be said. */
export function emptyRecord(key: Uint8Array): Buffer {
  const value = Buffer.allocUnsafe(checksumBytes);
  seal(key, 0, key.length, value, 0, checksumBytes);
  return value;
}

/** Throws KvError CORRUPT when a value is not the one that was written under `key`. */
export function verify(key: Uint8Array, value: Uint8Array): void {
  const crc = checksum(value, checksumBytes, value.length, checksum(key, 0, key.length, 0));
  const stored = (value[0] | (value[1] << 8) | (value[2] << 16) | (value[3] << 24)) >>> 0;
  if (value.length >= checksumBytes && stored === crc) return;
  const name = Buffer.from(key.subarray(0, 64))
    .toString('latin1')
    .replace(/[^ -~]/g, '.');
  throw new KvError(
    'CORRUPT',
    `the record of "${name}" on the disk is damaged: its checksum is wrong. Restore the directory from a backup.`,
  );
}

export interface Head {
  readonly type: number;
  /** Of a string: one of `stringForms`. */
  readonly form: number;
  readonly isWhole: boolean;
  readonly hasExpiringElements: boolean;
  readonly version: number;
  /** 0 for none. */
  readonly expiryMs: number;
  /** 0 when it has no element records. */
  readonly incarnation: number;
  readonly content: Uint8Array;
}

/** Whether the value of a head says that elements have records of their own, as far as it can be trusted unread. */
export function hasElements(value: Uint8Array): boolean {
  return (value[checksumBytes + 1] & headFlags.hasElements) !== 0;
}

/** The type that the value of a head says, as far. */
export function typeOf(value: Uint8Array): number {
  return value[checksumBytes];
}

/** Reads the head under `key`, after checking it. */
export function readHead(key: Uint8Array, value: Uint8Array): Head {
  verify(key, value);
  let at = checksumBytes;
  const type = value[at];
  const flags = value[at + 1];
  const version = readDouble(value, at + 2);
  at += 10;
  let expiryMs = 0;
  if ((flags & headFlags.hasExpiry) !== 0) {
    expiryMs = readDouble(value, at);
    at += 8;
  }
  let incarnation = 0;
  if ((flags & headFlags.hasElements) !== 0) {
    incarnation = readDouble(value, at);
    at += 8;
  }
  return {
    type,
    form: formFlags.indexOf(flags & (headFlags.isRaw | headFlags.isText)),
    isWhole: (flags & headFlags.isWhole) !== 0,
    hasExpiringElements: (flags & headFlags.hasExpiringElements) !== 0,
    version,
    expiryMs,
    incarnation,
    content: value.subarray(at),
  };
}

/** What the disk's content is as of: written with every batch. */
export interface State {
  /** Of the last entry of the log whose effects are there. */
  position: number;
  /** The highest version of all writes. */
  lastVersion: number;
  /** How many batches were written: the last of them left its mark. See `opening.ts`. */
  batches: number;
  /** Incarnations and generations from here on are free. */
  nextIncarnation: number;
  nextGeneration: number;
  /** Of each database. */
  readonly generations: number[];
  readonly keyCounts: number[];
}

export function freshState(): State {
  return {
    position: 0,
    lastVersion: 0,
    batches: 0,
    nextIncarnation: 1,
    nextGeneration: databaseCount,
    generations: Array.from({ length: databaseCount }, (_, i) => i),
    keyCounts: new Array(databaseCount).fill(0),
  };
}

export function writeState(key: Uint8Array, state: State): Buffer {
  const numbers = [
    state.position,
    state.lastVersion,
    state.nextIncarnation,
    state.nextGeneration,
    ...state.generations,
    ...state.keyCounts,
    state.batches,
  ];
  const value = Buffer.alloc(checksumBytes + numbers.length * 8);
  numbers.forEach((number, i) => {
    writeDouble(value, checksumBytes + i * 8, number);
  });
  seal(key, 0, key.length, value, 0, value.length);
  return value;
}

export function readState(key: Uint8Array, value: Uint8Array): State {
  verify(key, value);
  const number = (i: number) => readDouble(value, checksumBytes + i * 8);
  const batchesAt = 4 + 2 * databaseCount;
  return {
    position: number(0),
    lastVersion: number(1),
    // Format 2 did not count them.
    batches: value.length < checksumBytes + (batchesAt + 1) * 8 ? 0 : number(batchesAt),
    nextIncarnation: number(2),
    nextGeneration: number(3),
    generations: Array.from({ length: databaseCount }, (_, i) => number(4 + i)),
    keyCounts: Array.from({ length: databaseCount }, (_, i) => number(4 + databaseCount + i)),
  };
}

const magic = 'holdfast level';
export const formatVersion = 4;
/** The last whose batches left no mark, and whose seed had no checksum. */
export const unmarkedFormat = 2;

/** Which program and format a directory belongs to, in words; the seed of the hash in its keys. */
export function writeFormat(seed: number): Buffer {
  const text = `${magic} ${formatVersion} ${seed}`;
  return Buffer.from(`${text} ${sumOf(text)}\n`, 'latin1');
}

/** Version and seed. Throws KvError INVALID for anything but this program's format, CORRUPT when it is damaged. */
export function readFormat(value: Uint8Array, place: string): { version: number; seed: number } {
  const text = Buffer.from(value).toString('latin1');
  const match = /^(holdfast level (\d+)(?: (-?\d+))?)(?: ([\da-f]{8}))?.*\n$/.exec(text);
  if (match === null) throw foreignDirectory(place);
  const [, summed, digits, seed, sum] = match;
  const version = Number(digits);
  const isWhole = version === unmarkedFormat ? text === `${summed}\n` : sum === sumOf(summed);
  if (isWhole && version >= unmarkedFormat && version <= formatVersion)
    return { version, seed: Number(seed) };
  if (version > formatVersion && (sum === undefined || isWhole)) {
    throw new KvError(
      'INVALID',
      `${place} has format version ${version}, this program knows up to ${formatVersion}: use the newer program.`,
    );
  }
  throw new KvError(
    'CORRUPT',
    `the record of the format of ${place} is damaged: restore the directory from a backup.`,
  );
}

function sumOf(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  return checksum(bytes, 0, bytes.length, 0).toString(16).padStart(8, '0');
}

export function foreignDirectory(place: string): KvError {
  return new KvError(
    'INVALID',
    `${place} is a LevelDB database of another program: choose another directory, nothing was changed in it.`,
  );
}
