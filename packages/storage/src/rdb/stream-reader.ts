/** Reads streams of all versions: see `stream-writer.ts`. What a stream's entries contradict is damage. */
import { byteStringOf, parseBigInteger, Request } from '@holdfast/common';
import { entryFlags } from '../values/stream-entry.js';
import { neverActive, type StreamConsumer, type StreamGroup, unknownReads } from '../values/stream-group.js';
import { StreamId } from '../values/stream-id.js';
import type { StreamValue } from '../values/stream-value.js';
import { ListpackReader } from './listpack.js';
import { corrupt, type RdbReader } from './rdb-reader.js';
import { highOf, lowOf, wholeOf } from './stream-halves.js';

const idBytes = 16;

/** What the versions of the type have. */
export interface StreamForm {
  /** Its first id, deletions and additions are written, and how much a group has read. */
  readonly hasHistory: boolean;
  /** When a consumer was active. */
  readonly hasActivity: boolean;
}

const id = new StreamId();
const nodeId = new StreamId();
const request = new Request();

export function fillStream(reader: RdbReader, stream: StreamValue, form: StreamForm): void {
  for (let left = reader.count(); left > 0; left--) readNode(reader, stream);
  if (reader.size() !== stream.size) throw corrupt('the number of entries of a stream');
  const lastId = readIdFromSizes(reader);
  if (lastId.compare(stream.lastId) < 0) throw corrupt('the last id of a stream');
  if (form.hasHistory) {
    readIdFromSizes(reader);
    const maxDeletedId = readIdFromSizes(reader);
    stream.setState(lastId, reader.size(), maxDeletedId);
  } else {
    stream.setState(lastId, stream.size, new StreamId());
  }
  for (let left = reader.count(); left > 0; left--) readGroup(reader, stream, form);
}

// Entries

function readNode(reader: RdbReader, stream: StreamValue): void {
  readRawId(reader, nodeId);
  const elements = new ListpackReader(reader.ownString());
  const live = readNumber(elements);
  const deleted = readNumber(elements);
  const names = readPieces(elements, readNumber(elements));
  if (readNumber(elements) !== 0) throw corrupt('the head of a node of a stream');
  let seenLive = 0;
  let seenDeleted = 0;
  while (elements.next()) {
    const flags = Number(integerOf(elements));
    // Trimming goes by nodes, and an entry that was deleted may be all that kept two apart.
    readEntry(elements, flags, names, stream, seenLive === 0);
    if ((flags & entryFlags.deleted) === 0) seenLive++;
    else seenDeleted++;
  }
  if (seenLive === 0 || seenLive !== live || seenDeleted !== deleted) {
    throw corrupt('the number of entries of a node of a stream');
  }
}

/** Reads an entry behind its flags, and adds it, to a node of its own or the last one, unless it is deleted. */
function readEntry(
  elements: ListpackReader,
  flags: number,
  names: readonly Buffer[],
  stream: StreamValue,
  beginsNode: boolean,
): void {
  const ms = BigInt.asUintN(64, wholeOf(nodeId.msHigh, nodeId.msLow) + readInteger(elements));
  const seq = BigInt.asUintN(64, wholeOf(nodeId.seqHigh, nodeId.seqLow) + readInteger(elements));
  const isShared = (flags & entryFlags.sharesFields) !== 0;
  const pieces = isShared
    ? readPieces(elements, names.length).flatMap((value, i) => [names[i], value])
    : readPieces(elements, 2 * readNumber(elements));
  if (readNumber(elements) !== 3 + (isShared ? pieces.length / 2 : 1 + pieces.length)) {
    throw corrupt('an entry of a stream');
  }
  if ((flags & entryFlags.deleted) !== 0) return;
  id.set(highOf(ms), lowOf(ms), highOf(seq), lowOf(seq));
  if (pieces.length === 0 || id.compare(stream.lastId) <= 0) throw corrupt('an entry of a stream');
  stream.append(id, request.assign(pieces), 0, pieces.length, beginsNode);
}

function readPieces(elements: ListpackReader, count: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    elements.nextOfPair();
    pieces.push(Buffer.from(elements.bytes.subarray(elements.start, elements.start + elements.length)));
  }
  return pieces;
}

function integerOf({ bytes, start, length }: ListpackReader): bigint {
  const n = parseBigInteger(bytes, start, length);
  if (n === null) throw corrupt('a number in a node of a stream');
  return n;
}

function readInteger(elements: ListpackReader): bigint {
  elements.nextOfPair();
  return integerOf(elements);
}

/** A number of things. */
function readNumber(elements: ListpackReader): number {
  const n = Number(readInteger(elements));
  if (n < 0) throw corrupt('a number in a node of a stream');
  return n;
}

// Groups

interface Pending {
  readonly timeMs: number;
  readonly count: number;
}

function readGroup(reader: RdbReader, stream: StreamValue, form: StreamForm): void {
  const name = readName(reader);
  const lastId = readIdFromSizes(reader);
  const entriesRead = form.hasHistory
    ? Number(BigInt.asIntN(64, reader.bigSize()))
    : estimateReads(stream, lastId);
  if (entriesRead < unknownReads) throw corrupt('how much a group of a stream has read');
  if (stream.groups.some((group) => group.name === name)) throw corrupt('a group of a stream twice');
  stream.createGroup(name, lastId, entriesRead);
  const group = stream.groups.find((each) => each.name === name)!;
  const pending = readPending(reader);
  for (let left = reader.count(); left > 0; left--) readConsumer(reader, stream, group, pending, form);
  if (pending.size > 0) throw corrupt('a pending entry of a stream without a consumer');
}

/** What is pending for a group, by the bytes of the ids. */
function readPending(reader: RdbReader): Map<string, Pending> {
  const pending = new Map<string, Pending>();
  for (let left = reader.count(); left > 0; left--) {
    const key = readKey(reader);
    if (pending.has(key)) throw corrupt('a pending entry of a stream twice');
    const timeMs = reader.milliseconds();
    pending.set(key, { timeMs, count: reader.size() });
  }
  return pending;
}

/** Takes from `pending` what is pending for the consumer. */
function readConsumer(
  reader: RdbReader,
  stream: StreamValue,
  group: StreamGroup,
  pending: Map<string, Pending>,
  form: StreamForm,
): void {
  const name = readName(reader);
  const seenMs = reader.milliseconds();
  const activeMs = form.hasActivity ? reader.milliseconds() : seenMs;
  if (group.consumers.some((consumer) => consumer.name === name)) {
    throw corrupt('a consumer of a stream twice');
  }
  const consumer: StreamConsumer = stream.createConsumer(group, name, seenMs);
  consumer.activeMs = Math.max(activeMs, neverActive);
  for (let left = reader.count(); left > 0; left--) {
    const key = readKey(reader);
    const entry = pending.get(key);
    if (entry === undefined) throw corrupt('a pending entry of a stream');
    pending.delete(key);
    id.readBytes(Buffer.from(key, 'latin1'), 0);
    stream.claim(group, consumer, id, entry.timeMs, entry.count);
  }
}

/** What a group has read, of a stream that was written before that was counted. */
function estimateReads({ firstId, lastId, size }: StreamValue, readId: StreamId): number {
  if (size === 0) return 0;
  const order = readId.compare(lastId);
  if (order >= 0) return order === 0 ? size : unknownReads;
  const orderToFirst = readId.compare(firstId);
  if (orderToFirst > 0) return unknownReads;
  return orderToFirst === 0 ? 1 : 0;
}

function readName(reader: RdbReader): string {
  reader.string();
  return byteStringOf(reader.text, reader.textStart, reader.textLength);
}

function readKey(reader: RdbReader): string {
  return byteStringOf(reader.bytes, reader.skip(idBytes), idBytes);
}

function readRawId(reader: RdbReader, into: StreamId): void {
  reader.string();
  if (reader.textLength !== idBytes) throw corrupt('the id of a node of a stream');
  into.readBytes(reader.text, reader.textStart);
}

function readIdFromSizes(reader: RdbReader): StreamId {
  const ms = reader.bigSize();
  const seq = reader.bigSize();
  return new StreamId().set(highOf(ms), lowOf(ms), highOf(seq), lowOf(seq));
}
