/**
 * Who writes the log of a shard, in its own words: the records that storage passes over.
 *
 * A leader says so in the first entry of its epoch, and again now and then, so that those who begin to read
 * later know it too. A handover names who is to lead next: the leader that wrote it writes nothing more.
 */
import { KvError, type NodeAddresses } from '@holdfast/common';
import { MutationReader, MutationWriter, mutationKinds } from '@holdfast/storage';

export interface LeadershipRecord {
  readonly kind: 'leader';
  readonly node: string;
  readonly epoch: number;
  /** For how long others leave it alone after each entry, in ms. */
  readonly leaseMs: number;
  readonly addresses: NodeAddresses;
}

export interface HandoverRecord {
  readonly kind: 'handover';
  /** The node that is to lead. */
  readonly to: string;
}

export type ShardRecord = LeadershipRecord | HandoverRecord;

/** A batch of this record alone. Its version is the last one given away: whoever leads later stays above it. */
export function shardBatch(record: ShardRecord, version: number): Buffer {
  const text = Buffer.from(JSON.stringify(record));
  const writer = new MutationWriter(64 + text.length);
  writer.begin(mutationKinds.leadership, 0, version, text, 0, 0);
  writer.field(text, 0, text.length);
  return writer.bytes.subarray(0, writer.length);
}

/** The record that a batch begins with; null when it begins with something else. Throws KvError CORRUPT. */
export function shardRecordOf(batch: Uint8Array): ShardRecord | null {
  if (batch[0] !== mutationKinds.leadership) return null;
  const reader = new MutationReader(batch);
  reader.next();
  reader.field();
  const { fieldStart, fieldLength } = reader;
  const text = Buffer.from(batch.buffer, batch.byteOffset + fieldStart, fieldLength).toString();
  try {
    return JSON.parse(text) as ShardRecord;
  } catch (cause) {
    throw new KvError('CORRUPT', 'a record of leadership is damaged', { cause });
  }
}
