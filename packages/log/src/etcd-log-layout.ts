/**
 * How a log lies in etcd. Everything of one log is below one prefix:
 *
 *     meta/head                              "<tail> <epoch> <writer> <sequence>", changed by every append
 *     meta/open                              there while the log is not sealed
 *     entries/<position>                     one batch, or where its chunks are
 *     chunks/<position>/<writer>-<sequence>/<index>
 *     staged/<position>                      of an entry of kind 3: below which key its chunks are
 *
 * Whatever else is in meta/ is not looked at: earlier versions had a copy of the last entry there. Positions are
 * fixed-width hexadecimal, so that keys are in the order of positions. An entry:
 *
 *     offset  0  u8   format, 1; 2 of the kind that earlier versions do not know
 *             1  u8   kind: 0 the batch follows, 1 it is in chunks, 2 it follows deflated, 3 its chunks are further on
 *             4  u32  CRC-32 of the batch
 *             8  f64  epoch
 *            16  8 B  writer            who appended it, and as what: how a writer finds its own entry
 *            24  f64  sequence
 *            32  the batch; or f64 its length, u32 the number of its chunks; or f64 its length, the deflated batch
 *            44  f64  of kind 3: the position that the chunks are stored under
 *
 * A batch that was staged lies under a position that the log had not reached then, and is appended at that one or
 * before. So a trim that spares the entry spares its chunks, and one that goes beyond finds them by what is in staged/. What
 * was staged and never appended goes with a trim beyond the position that it lies under.
 */
import { checksum, KvError } from '@holdfast/common';
import { endOfPrefix } from '@holdfast/etcd';
import type { mvccpb } from '@holdfast/rpc';
import { inflate } from './batch-deflater.js';
import { etcdChunkBytes } from './limits.js';
import type { Position } from './log.js';

export const entryHeadBytes = 32;
const chunkedEntryBytes = 44;
const deflatedEntryBytes = 40;
const stagedEntryBytes = 52;
const kinds = { whole: 0, chunked: 1, deflated: 2, staged: 3 } as const;
/** By kind: the format, and the bytes that there are at least. */
const formats = [1, 1, 2, 2];
const leastBytes = [entryHeadBytes, chunkedEntryBytes, deflatedEntryBytes, stagedEntryBytes];
const positionDigits = 14;

/** The head record. No two that were ever stored are the same, so one can be expected by its value. */
export interface Head {
  readonly value: Buffer;
  readonly tail: Position;
  readonly epoch: number;
  /** etcd's revision of this change: the higher the newer. */
  readonly revision: number;
}

/** Who writes, and the how manieth thing it is that this writer does. */
export interface Origin {
  /** 8 bytes in hexadecimal. */
  readonly writer: string;
  readonly sequence: number;
}

/** A batch that is stored in chunks. */
export interface ChunkedBatch {
  readonly batch: Uint8Array;
  readonly chunkCount: number;
  /** That they are stored under. */
  readonly position: Position;
  readonly origin: Origin;
}

export interface DecodedEntry extends Origin {
  readonly epoch: number;
  readonly checksum: number;
  readonly batchBytes: number;
  /** 0 unless it is in chunks. */
  readonly chunkCount: number;
  /** The position that they are stored under; 0 for that of the entry. */
  readonly chunksAt: Position;
}

export class LogKeys {
  readonly all: Buffer;
  readonly meta: Buffer;
  readonly metaEnd: Buffer;
  readonly head: Buffer;
  readonly open: Buffer;
  readonly entries: Buffer;
  readonly entriesEnd: Buffer;
  readonly #prefix: string;

  /** Throws KvError INVALID. */
  constructor(prefix: string) {
    if (!/^[\x21-\x7e]+\/$/.test(prefix)) {
      throw new KvError('INVALID', `'${prefix}' can't be the prefix of a log: it must be ASCII and end in /`);
    }
    this.#prefix = prefix;
    this.all = Buffer.from(prefix);
    this.meta = Buffer.from(`${prefix}meta/`);
    this.metaEnd = endOfPrefix(this.meta);
    this.head = Buffer.from(`${prefix}meta/head`);
    this.open = Buffer.from(`${prefix}meta/open`);
    this.entries = Buffer.from(`${prefix}entries/`);
    this.entriesEnd = endOfPrefix(this.entries);
  }

  entry(position: Position): Buffer {
    return Buffer.from(`${this.#prefix}entries/${digitsOf(position)}`);
  }

  /** All chunks of the batches at `position`. */
  chunksAt(position: Position): Buffer {
    return Buffer.from(`${this.#prefix}chunks/${digitsOf(position)}/`);
  }

  /** All chunks of one batch. */
  chunksOf(position: Position, { writer, sequence }: Origin): Buffer {
    return Buffer.from(`${this.#prefix}chunks/${digitsOf(position)}/${writer}-${sequence}/`);
  }

  chunk(position: Position, origin: Origin, index: number): Buffer {
    const digits = Buffer.from(index.toString(16).padStart(8, '0'));
    return Buffer.concat([this.chunksOf(position, origin), digits]);
  }

  /** Where it is said where the chunks of the entry at `position` are. */
  staged(position: Position): Buffer {
    return Buffer.from(`${this.#prefix}staged/${digitsOf(position)}`);
  }

  positionOf(entryKey: Buffer): Position {
    return Number.parseInt(entryKey.toString('latin1', this.entries.length), 16);
  }
}

function digitsOf(position: Position): string {
  return position.toString(16).padStart(positionDigits, '0');
}

export function encodeHead(tail: Position, epoch: number, { writer, sequence }: Origin): Buffer {
  return Buffer.from(`${tail} ${epoch} ${writer} ${sequence}`);
}

/** Throws KvError CORRUPT. */
export function decodeHead({ key, value, modRevision }: mvccpb.KeyValue): Head {
  const [tail, epoch] = value.toString('latin1').split(' ', 2).map(Number);
  if (!Number.isSafeInteger(tail) || !Number.isSafeInteger(epoch)) {
    throw new KvError('CORRUPT', `${key} in etcd is damaged: '${value}'`);
  }
  return { value, tail, epoch, revision: modRevision };
}

/** `deflated`: the batch in that form, if it is to be stored so. */
export function encodeEntry(
  batch: Uint8Array,
  deflated: Uint8Array | null,
  epoch: number,
  origin: Origin,
): Buffer {
  const content = deflated ?? batch;
  const at = deflated === null ? entryHeadBytes : deflatedEntryBytes;
  const entry = Buffer.alloc(at + content.length);
  writeEntryHead(entry, deflated === null ? kinds.whole : kinds.deflated, batch, epoch, origin);
  if (deflated !== null) entry.writeDoubleBE(batch.length, entryHeadBytes);
  entry.set(content, at);
  return entry;
}

/** The entry at `position` of a batch whose chunks are stored apart. */
export function encodeChunkedEntry(stored: ChunkedBatch, position: Position, epoch: number): Buffer {
  const { batch, chunkCount, origin } = stored;
  const isFurtherOn = stored.position !== position;
  const entry = Buffer.alloc(isFurtherOn ? stagedEntryBytes : chunkedEntryBytes);
  writeEntryHead(entry, isFurtherOn ? kinds.staged : kinds.chunked, batch, epoch, origin);
  entry.writeDoubleBE(batch.length, entryHeadBytes);
  entry.writeUInt32BE(chunkCount, entryHeadBytes + 8);
  if (isFurtherOn) entry.writeDoubleBE(stored.position, chunkedEntryBytes);
  return entry;
}

function writeEntryHead(
  entry: Buffer,
  kind: number,
  batch: Uint8Array,
  epoch: number,
  { writer, sequence }: Origin,
): void {
  entry[0] = formats[kind];
  entry[1] = kind;
  entry.writeUInt32BE(checksum(batch, 0, batch.length, 0), 4);
  entry.writeDoubleBE(epoch, 8);
  entry.write(writer, 16, 8, 'hex');
  entry.writeDoubleBE(sequence, 24);
}

type StoredEntry = Pick<mvccpb.KeyValue, 'key' | 'value'>;

/** Throws KvError CORRUPT. */
export function decodeEntry({ key, value }: StoredEntry): DecodedEntry {
  const kind = value[1];
  // Of a kind that there is not, nothing is long enough.
  if (!(value.length >= leastBytes[kind] && value[0] === formats[kind])) throw damaged(key);
  const isChunked = kind === kinds.chunked || kind === kinds.staged;
  return {
    checksum: value.readUInt32BE(4),
    epoch: value.readDoubleBE(8),
    writer: value.toString('hex', 16, 24),
    sequence: value.readDoubleBE(24),
    batchBytes: kind === kinds.whole ? value.length - entryHeadBytes : value.readDoubleBE(entryHeadBytes),
    chunkCount: isChunked ? value.readUInt32BE(entryHeadBytes + 8) : 0,
    chunksAt: kind === kinds.staged ? value.readDoubleBE(chunkedEntryBytes) : 0,
  };
}

/** The batch of an entry that is not in chunks; a view, unless it was deflated. Throws KvError CORRUPT. */
export function batchIn({ key, value }: StoredEntry, { batchBytes }: DecodedEntry): Buffer {
  if (value[1] === kinds.whole) return value.subarray(entryHeadBytes);
  const isLong = !(batchBytes <= etcdChunkBytes);
  const batch = isLong ? null : inflate(value.subarray(deflatedEntryBytes), batchBytes);
  if (batch === null) throw damaged(key);
  return batch;
}

function damaged(key: Buffer): KvError {
  return new KvError('CORRUPT', `${key} in etcd is damaged, or of a newer version`);
}
