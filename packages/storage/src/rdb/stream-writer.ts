/**
 * Writes streams: their nodes as listpacks, their state, their groups with consumers and what is pending.
 *
 *     node   | entries | deleted | number of fields | name | ... | 0 | entry | ...          the names of most entries
 *     entry  | flags | ms | seq | [number of fields | name |] value | ... | elements |     ms, seq: from the node's id
 */
import { StreamCursor } from '../values/stream-cursor.js';
import { entryFlags } from '../values/stream-entry.js';
import type { StreamGroup } from '../values/stream-group.js';
import { StreamId } from '../values/stream-id.js';
import { contentStart, nodeBytes, nodeSize, sharedFields } from '../values/stream-node.js';
import { PieceView } from '../values/stream-piece.js';
import type { StreamValue } from '../values/stream-value.js';
import { ListpackWriter } from './listpack.js';
import { rdbTypes, rdbVersions } from './rdb-types.js';
import type { RdbWriter } from './rdb-writer.js';
import { wholeOf } from './stream-halves.js';

const idBytes = 16;
/** Elements of an entry beside its names and values. */
const entryElements = 3;

const cursor = new StreamCursor();
const listpack = new ListpackWriter();
const name = new PieceView();
const nodeId = new StreamId();
const id = new StreamId();
const rawId = Buffer.alloc(idBytes);

/** See `writeValue`. */
export function writeStream(writer: RdbWriter, stream: StreamValue, newest: number): number {
  // Only Redis 7.2 knows when a consumer was active, where that is not when it asked last.
  const isNew =
    newest >= rdbVersions.redis72 &&
    stream.groups.some(({ consumers }) => consumers.some(({ activeMs, seenMs }) => activeMs !== seenMs));
  writer.byte(isNew ? rdbTypes.streamV3 : rdbTypes.streamV2);
  writer.size(stream.nodes.length);
  for (let position = 0; position < stream.nodes.length; position++) writeNode(writer, stream, position);
  writer.size(stream.size);
  writeIdAsSizes(writer, stream.lastId);
  writeIdAsSizes(writer, stream.firstId);
  writeIdAsSizes(writer, stream.maxDeletedId);
  writer.size(stream.entriesAdded);
  writer.size(stream.groups.length);
  for (const group of stream.groups) writeGroup(writer, group, isNew);
  return isNew ? rdbVersions.redis72 : rdbVersions.redis70;
}

/** Entries that are marked as deleted are left out. */
function writeNode(writer: RdbWriter, stream: StreamValue, position: number): void {
  const { arena, nodes } = stream;
  const node = nodes.at(position);
  const fields = sharedFields(arena, node);
  stream.readNodeId(position, nodeId);
  listpack.begin();
  listpack.addInteger(nodeSize(arena, node));
  listpack.addInteger(0);
  listpack.addInteger(fields);
  let at = contentStart(arena, node);
  for (let i = 0; i < fields; i++) {
    at = name.read(nodeBytes(arena, node), at);
    listpack.add(name.bytes, name.start, name.length);
  }
  listpack.addInteger(0);
  cursor.seekNode(stream, position);
  do addEntry();
  while (cursor.next() && cursor.position === position);
  listpack.end();
  nodeId.writeBytes(rawId, 0);
  writer.string(rawId, 0, idBytes);
  writer.string(listpack.bytes, 0, listpack.length);
}

function addEntry(): void {
  const { fieldCount } = cursor;
  const flags = cursor.bytes[cursor.flagsAt] & entryFlags.sharesFields;
  listpack.addInteger(flags);
  listpack.addBigInteger(wholeOf(cursor.id.msHigh, cursor.id.msLow) - wholeOf(nodeId.msHigh, nodeId.msLow));
  listpack.addBigInteger(
    wholeOf(cursor.id.seqHigh, cursor.id.seqLow) - wholeOf(nodeId.seqHigh, nodeId.seqLow),
  );
  if (flags === 0) listpack.addInteger(fieldCount);
  for (let i = 0; i < fieldCount; i++) {
    cursor.nextField();
    if (flags === 0) listpack.add(cursor.name.bytes, cursor.name.start, cursor.name.length);
    listpack.add(cursor.value.bytes, cursor.value.start, cursor.value.length);
  }
  listpack.addInteger(entryElements + (flags === 0 ? 1 + 2 * fieldCount : fieldCount));
}

function writeIdAsSizes(writer: RdbWriter, { msHigh, msLow, seqHigh, seqLow }: StreamId): void {
  writer.bigSize(wholeOf(msHigh, msLow));
  writer.bigSize(wholeOf(seqHigh, seqLow));
}

function writeGroup(writer: RdbWriter, group: StreamGroup, withActivity: boolean): void {
  writeName(writer, group.name);
  writeIdAsSizes(writer, group.lastId);
  writer.bigSize(BigInt.asUintN(64, BigInt(group.entriesRead)));
  const { consumers, pending } = group;
  writer.size(pending.size);
  for (let ref = pending.first(); ref !== 0; ref = pending.next()) {
    pending.readId(ref, id).writeBytes(rawId, 0);
    writer.raw(rawId, 0, idBytes);
    writer.milliseconds(group.timeOf(ref));
    writer.size(group.countOf(ref));
  }
  writer.size(consumers.length);
  for (const consumer of consumers) {
    writeName(writer, consumer.name);
    writer.milliseconds(consumer.seenMs);
    if (withActivity) writer.milliseconds(consumer.activeMs);
    writer.size(consumer.pending.size);
    for (let ref = consumer.pending.first(); ref !== 0; ref = consumer.pending.next()) {
      consumer.pending.readId(ref, id).writeBytes(rawId, 0);
      writer.raw(rawId, 0, idBytes);
    }
  }
}

/** A byte string. */
function writeName(writer: RdbWriter, text: string): void {
  const bytes = Buffer.from(text, 'latin1');
  writer.string(bytes, 0, bytes.length);
}
