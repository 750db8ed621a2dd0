/**
 * A sorted set: the score of each member. A mutation that removes a range names its ends only, and the
 * members between them are gone from memory when it is staged: then the sorted set is renewed. Small
 * ranges are journaled member by member.
 */
// @hot-path
import { type Collection, valueTypes } from '../../collection.js';
import type { Database } from '../../database.js';
import { collectionKinds, type MutationReader } from '../../mutation.js';
import { ZSetCursor } from '../../values/zset-cursor.js';
import type { ZSetValue } from '../../values/zset-value.js';
import { readDouble, writeDouble } from '../disk-records.js';
import type { ElementSink } from './element-sink.js';
import type { Layout, MutationOutput } from './layout.js';

/** The kinds and their fields are declared in `values/zset-value.ts`. */
const putMembers = collectionKinds(valueTypes.zset);
const removeMembers = putMembers + 1;

const entry = new ZSetCursor();

export class ZSetLayout implements Layout {
  readonly hasElements = true;
  readonly isDivisible = true;

  stage(reader: MutationReader, _database: Database, sink: ElementSink | null): boolean {
    const { kind, bytes } = reader;
    if (kind !== putMembers && kind !== removeMembers) {
      for (let end = 0; end < 2; end++) {
        reader.number();
        reader.field();
      }
      return false;
    }
    for (let left = reader.uint32(); left > 0; left--) {
      const score = kind === putMembers ? reader.number() : 0;
      reader.field();
      if (sink === null) continue;
      if (kind === putMembers) putMember(sink, bytes, reader.fieldStart, reader.fieldLength, score);
      else sink.delete(bytes, reader.fieldStart, reader.fieldLength);
    }
    return true;
  }

  needsRenewal(): boolean {
    return false;
  }

  renewalBytes(): number {
    return 0;
  }

  freeze(collection: Collection, _isNew: boolean, isRenewed: boolean, sink: ElementSink): void {
    if (!isRenewed || collection.size === 0) return;
    const zset = collection as ZSetValue;
    zset.seek(entry, 0);
    do {
      putMember(sink, entry.bytes, entry.start, entry.length, entry.score);
    } while (zset.stepForward(entry));
  }

  freezeElement(): void {}

  holds(collection: Collection, bytes: Uint8Array, start: number, length: number): boolean {
    return !Number.isNaN((collection as ZSetValue).score(bytes, start, length));
  }

  table(): null {
    return null;
  }

  expires(): boolean {
    return false;
  }

  describe(element: Uint8Array, value: Uint8Array, output: MutationOutput): void {
    const writer = output.begin(putMembers);
    writer.uint32(1);
    writer.number(readDouble(value, 0));
    writer.field(element, 0, element.length);
  }
}

function putMember(
  sink: ElementSink,
  member: Uint8Array,
  start: number,
  length: number,
  score: number,
): void {
  sink.put(member, start, length, 8);
  writeDouble(sink.set.bytes, sink.set.at, score);
}
