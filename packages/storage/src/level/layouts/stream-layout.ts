/**
 * A stream: its nodes under their ids, and records of what belongs to its groups. So an entry that is added writes one
 * node, and a stream that is trimmed loses nodes, however large it is.
 *
 *     0                                     state     last id, entries added f64, greatest deleted id
 *     1 | node id                           node      as in a `putNode` mutation
 *     2 | group                             group     last id, entries read f64
 *     3 | length u32 | group | consumer     consumer  seen f64, active f64
 *     4 | length u32 | group | id           pending   time f64, deliveries f64, consumer
 *
 * What is pending comes from the mutations; the rest is read from memory when the set is frozen. The state is there
 * whatever else is not, so that an empty stream has a record.
 */
// @hot-path
import type { Collection } from '../../collection.js';
import type { Database } from '../../database.js';
import { MutationReader } from '../../mutation.js';
import type { StreamGroup } from '../../values/stream-group.js';
import { StreamId } from '../../values/stream-id.js';
import { groupChanges, pendingChanges, streamKinds } from '../../values/stream-kinds.js';
import { compareNode } from '../../values/stream-node.js';
import type { StreamValue } from '../../values/stream-value.js';
import type { ElementSink } from './element-sink.js';
import type { Layout, MutationOutput } from './layout.js';
import { NameView, RecordKey, RecordWriter, readGroupKey, recordKinds } from './stream-records.js';

const key = new RecordKey();
const records = new RecordWriter();
const group = new NameView();
const consumer = new NameView();
const id = new StreamId();
const nodeId = new StreamId();

export class StreamLayout implements Layout {
  readonly hasElements = true;
  readonly isDivisible = false;

  stage(reader: MutationReader, _database: Database, sink: ElementSink | null): boolean {
    switch (reader.kind) {
      case streamKinds.append:
        nodeId.readFrom(reader);
        id.readFrom(reader);
        for (let left = reader.uint32() * 2; left > 0; left--) reader.field();
        restate(sink, key.node(nodeId));
        restate(sink, key.state());
        return true;
      case streamKinds.putNode:
        nodeId.readFrom(reader);
        for (let left = nodeWords; left > 0; left--) reader.uint32();
        reader.field();
        restate(sink, key.node(nodeId));
        return true;
      case streamKinds.deleteEntries:
        for (let left = reader.uint32(); left > 0; left--) {
          nodeId.readFrom(reader);
          id.readFrom(reader);
          restate(sink, key.node(nodeId));
        }
        restate(sink, key.state());
        return true;
      case streamKinds.trim:
        stageTrim(reader, sink);
        return true;
      case streamKinds.setState: {
        const isReset = reader.byte() === 1;
        id.readFrom(reader);
        reader.number();
        id.readFrom(reader);
        restate(sink, key.state());
        return !isReset;
      }
      case streamKinds.changeGroup:
        return stageGroup(reader, sink);
      case streamKinds.putPending:
        stagePending(reader, sink);
        return true;
      default:
        readName(reader, group);
        for (let left = reader.uint32(); left > 0; left--)
          remove(sink, key.pending(group, id.readFrom(reader)));
        return true;
    }
  }

  needsRenewal(): boolean {
    return false;
  }

  renewalBytes(): number {
    return 0;
  }

  freeze(collection: Collection, _isNew: boolean, isRenewed: boolean, sink: ElementSink): void {
    if (!isRenewed) return;
    const stream = collection as StreamValue;
    const { arena, nodes } = stream;
    records.state(sink, key, stream);
    for (let i = 0; i < nodes.length; i++) {
      records.node(sink, key.node(stream.readNodeId(i, nodeId)), arena, nodes.at(i));
    }
    for (const each of stream.groups) putGroup(stream, each, sink);
  }

  freezeElement(collection: Collection, element: Uint8Array, sink: ElementSink): void {
    const stream = collection as StreamValue;
    if (element[0] === recordKinds.state) {
      records.state(sink, key, stream);
    } else if (element[0] === recordKinds.node) {
      freezeNode(stream, nodeId.readBytes(element, 1), sink);
    } else if (element[0] === recordKinds.group) {
      group.set(element, 1, element.length - 1);
      const found = stream.group(group.bytes, group.start, group.length);
      if (found === null) remove(sink, key.group(group));
      else records.group(sink, key.group(group), found);
    } else {
      readGroupKey(element, group, consumer);
      const owner = stream.group(group.bytes, group.start, group.length);
      const found = owner?.consumer(consumer.bytes, consumer.start, consumer.length) ?? null;
      if (found === null) remove(sink, key.consumer(group, consumer));
      else records.consumer(sink, key.consumer(group, consumer), found);
    }
  }

  holds(): boolean {
    return false;
  }

  table(): null {
    return null;
  }

  expires(): boolean {
    return false;
  }

  describe(element: Uint8Array, value: Uint8Array, output: MutationOutput): void {
    if (element[0] === recordKinds.state) {
      const writer = output.begin(streamKinds.setState);
      writer.byte(1);
      writer.raw(value);
    } else if (element[0] === recordKinds.node) {
      output.begin(streamKinds.putNode).raw(value);
    } else if (element[0] === recordKinds.group) {
      const writer = output.begin(streamKinds.changeGroup);
      writer.byte(groupChanges.put);
      writer.field(element, 1, element.length - 1);
      writer.raw(value);
    } else {
      readGroupKey(element, group, consumer);
      if (element[0] === recordKinds.consumer) describeConsumer(value, output);
      else describePending(element, value, output);
    }
  }
}

/** Words of a node's description between its id and its content. */
const nodeWords = 5;

function restate(sink: ElementSink | null, { bytes, length }: RecordKey): void {
  sink?.restate(bytes, 0, length);
}

function remove(sink: ElementSink | null, { bytes, length }: RecordKey): void {
  sink?.delete(bytes, 0, length);
}

function readName(reader: MutationReader, into: NameView): NameView {
  reader.field();
  return into.set(reader.bytes, reader.fieldStart, reader.fieldLength);
}

function stageTrim(reader: MutationReader, sink: ElementSink | null): void {
  for (let left = reader.uint32(); left > 0; left--) remove(sink, key.node(nodeId.readFrom(reader)));
  if (reader.byte() === 0) return;
  nodeId.readFrom(reader);
  id.readFrom(reader);
  restate(sink, key.node(nodeId));
}

/** False when a group is gone with more pending than was named. */
function stageGroup(reader: MutationReader, sink: ElementSink | null): boolean {
  const change = reader.byte();
  readName(reader, group);
  switch (change) {
    case groupChanges.put:
      id.readFrom(reader);
      reader.number();
      restate(sink, key.group(group));
      restate(sink, key.state());
      return true;
    case groupChanges.destroy: {
      const isNamed = reader.byte() === 1;
      for (let left = reader.uint32(); left > 0; left--)
        remove(sink, key.consumer(group, readName(reader, consumer)));
      remove(sink, key.group(group));
      return isNamed;
    }
    case groupChanges.putConsumer:
      readName(reader, consumer);
      reader.number();
      reader.number();
      restate(sink, key.consumer(group, consumer));
      return true;
    default:
      remove(sink, key.consumer(group, readName(reader, consumer)));
      return true;
  }
}

function stagePending(reader: MutationReader, sink: ElementSink | null): void {
  const isDelivery = reader.byte() === pendingChanges.deliver;
  readName(reader, group);
  readName(reader, consumer);
  let timeMs = isDelivery ? reader.number() : 0;
  if (isDelivery) reader.number();
  let deliveries = 1;
  for (let left = reader.uint32(); left > 0; left--) {
    id.readFrom(reader);
    if (!isDelivery) {
      timeMs = reader.number();
      deliveries = reader.number();
    }
    if (sink !== null) records.pending(sink, key.pending(group, id), timeMs, deliveries, consumer);
  }
  if (!isDelivery) return;
  id.readFrom(reader);
  restate(sink, key.group(group));
  restate(sink, key.consumer(group, consumer));
}

function freezeNode(stream: StreamValue, wanted: StreamId, sink: ElementSink): void {
  const { arena, nodes } = stream;
  const position = stream.nodeAt(wanted);
  const isThere = nodes.length > 0 && compareNode(arena, nodes.at(position), wanted) === 0;
  if (isThere) records.node(sink, key.node(wanted), arena, nodes.at(position));
  else remove(sink, key.node(wanted));
}

function putGroup({ arena }: StreamValue, each: StreamGroup, sink: ElementSink): void {
  group.setText(each.name);
  records.group(sink, key.group(group), each);
  for (const one of each.consumers) {
    consumer.setText(one.name);
    records.consumer(sink, key.consumer(group, consumer), one);
    for (let ref = one.pending.first(); ref !== 0; ref = one.pending.next()) {
      records.pendingOf(sink, key.pending(group, one.pending.readId(ref, id)), arena, ref, consumer);
    }
  }
}

/** `group` and `consumer` are those of its key. */
function describeConsumer(value: Uint8Array, output: MutationOutput): void {
  const writer = output.begin(streamKinds.changeGroup);
  writer.byte(groupChanges.putConsumer);
  writer.field(group.bytes, group.start, group.length);
  writer.field(consumer.bytes, consumer.start, consumer.length);
  writer.raw(value);
}

function describePending(element: Uint8Array, value: Uint8Array, output: MutationOutput): void {
  const reader = new MutationReader(value);
  const timeMs = reader.number();
  const deliveries = reader.number();
  reader.field();
  const writer = output.begin(streamKinds.putPending);
  writer.byte(pendingChanges.put);
  writer.field(group.bytes, group.start, group.length);
  writer.field(value, reader.fieldStart, reader.fieldLength);
  writer.uint32(1);
  id.readBytes(element, consumer.start).writeTo(writer);
  writer.number(timeMs);
  writer.number(deliveries);
}
