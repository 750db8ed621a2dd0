/** Copies of keys, within a database and from one to another, whose arenas are different. */
import { KvError } from '@holdfast/common';
import type { Ref } from './arena.js';
import { valueTypes } from './collection.js';
import type { Database } from './database.js';
import { MutationReader, MutationWriter } from './mutation.js';
import { createCollection } from './values/create.js';

/**
 * Makes a key of `target`, which must not exist, a copy of the key that `source.find` just returned: value
 * and expiry, as one change by the current write. `source` and `target` may be the same. Takes time and
 * memory in proportion to the value, and room in the log: see `admitCopy`. Returns the new record.
 */
export function copyKey(
  source: Database,
  ref: Ref,
  target: Database,
  key: Uint8Array,
  start: number,
  length: number,
): Ref {
  const expiryMs = source.expiry(ref);
  if (source.type(ref) === valueTypes.string) {
    source.readString(ref);
    const { valueBytes, valueStart, valueLength } = source;
    const form = source.stringForm(ref);
    target.find(key, start, length);
    return target.putString(0, key, start, length, valueBytes, valueStart, valueLength, expiryMs, form);
  }
  const description = new MutationWriter();
  const original = source.collection(ref);
  original.describe(description);
  const copy = createCollection(source.type(ref), target);
  target.find(key, start, length);
  let record = target.putCollection(key, start, length, copy);
  // A collection reports each step of being filled; what is journaled is the whole.
  const { context } = target;
  const { journal } = context;
  context.journal = null;
  try {
    const reader = new MutationReader(description.bytes.subarray(0, description.length));
    while (reader.next()) copy.apply(reader);
    copy.takeEncoding(original.encoding);
    record = target.find(key, start, length);
    if (expiryMs !== 0) record = target.setExpiry(record, expiryMs);
    else target.touch(record);
  } finally {
    context.journal = journal;
  }
  if (journal !== null) target.describe(record, journal);
  return record;
}

/** Throws KvError LIMIT when the log does not take a copy of the key that `source.find` just returned. */
export function admitCopy(source: Database, ref: Ref): void {
  if (!source.takesWhole(ref)) throw new KvError('LIMIT', source.context.journal!.refusal);
}
