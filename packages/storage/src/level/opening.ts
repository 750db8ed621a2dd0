/**
 * What a store says of itself when it is opened: its format, the state it is as of, and that nothing is missing before.
 *
 * LevelDB passes over what is damaged in its own log, and then applies what follows: a batch in the middle would be
 * gone without a trace. So each batch puts a mark of its own and removes that of the batch before. One mark alone, the
 * one that the state names, shows that all batches before are there:
 *
 *     batch 7    - mark 6   + mark 7   state: 7 batches
 *     batch 8    (lost)
 *     batch 9    - mark 8   + mark 9   state: 9 batches      marks 7 and 9: a batch between them is missing
 */
import { KvError, type Random } from '@holdfast/common';
import { metaKey, readUint64, writeUint64 } from './disk-keys.js';
import {
  foreignDirectory,
  formatVersion,
  freshState,
  readFormat,
  readState,
  type State,
  unmarkedFormat,
  writeFormat,
  writeState,
} from './disk-records.js';
import { isDepartedKey } from './kept-departed.js';
import type { OrderedBatch, OrderedStore } from './ordered-store.js';

const formatKey = metaKey('format');
export const stateKey: Buffer = metaKey('state');
const marks = metaKey('batch');
const marksEnd = metaKey('batci');
const noValue = new Uint8Array(0);

export interface OpenedState {
  /** Of the format. */
  readonly version: number;
  readonly seed: number;
  readonly state: State;
}

/** Reads what the store says, or begins a new one. Throws KvError INVALID, CORRUPT. */
export async function openState(store: OrderedStore, random: Random, place: string): Promise<OpenedState> {
  const opened = await readOpenedState(store, place);
  if (opened !== null) {
    if (opened.version !== formatVersion) await takeOver(store, opened);
    return opened;
  }
  const seed = random.uint32() | 0;
  const state = freshState();
  const batch = store.batch();
  batch.put(formatKey, writeFormat(seed));
  batch.put(markKey(state.batches), noValue);
  batch.put(stateKey, writeState(stateKey, state));
  await batch.write();
  return { version: formatVersion, seed, state };
}

/** Null when the store is empty. Throws KvError INVALID, CORRUPT. */
export async function readOpenedState(store: OrderedStore, place: string): Promise<OpenedState | null> {
  const [format, stored] = await store.getMany([formatKey, stateKey]);
  if (format === undefined || stored === undefined) {
    const range = store.range(Buffer.alloc(0), Buffer.from([0xff]));
    const entries = await range.next(1).finally(() => range.close());
    if (entries.length === 0) return null;
    if (format === undefined) throw foreignDirectory(place);
    throw incomplete(place, 'the record of its state is missing');
  }
  const { seed, version } = readFormat(format, place);
  const state = readState(stateKey, stored);
  if (version !== unmarkedFormat) await checkMarks(store, state, place);
  return { version, seed, state };
}

/** Whether a key that begins as those of what a store says of itself is one of them. */
export function isMetaKey(key: Uint8Array): boolean {
  const isMark = key.length === marks.length + 8 && marks.equals(key.subarray(0, marks.length));
  return isMark || formatKey.equals(key) || stateKey.equals(key) || isDepartedKey(key);
}

/** To a batch of changes: it is number `batches`. */
export function moveMark(batch: OrderedBatch, batches: number): void {
  batch.delete(markKey(batches - 1));
  batch.put(markKey(batches), noValue);
}

async function checkMarks(store: OrderedStore, { batches }: State, place: string): Promise<void> {
  const range = store.range(marks, marksEnd);
  const entries = await range.next(3).finally(() => range.close());
  const found = entries.map(([key]) => readUint64(key, marks.length));
  if (found.length === 1 && found[0] === batches) return;
  throw incomplete(place, `of ${batches} batches those after ${found[0] ?? 0} are missing`);
}

/** A store of a format before, of which all can be read: from now on it is of this one, and its batches leave marks. */
async function takeOver(store: OrderedStore, { seed, state, version }: OpenedState): Promise<void> {
  const batch = store.batch();
  batch.put(formatKey, writeFormat(seed));
  if (version === unmarkedFormat) batch.put(markKey(state.batches), noValue);
  await batch.write();
}

function markKey(batches: number): Buffer {
  const key = Buffer.allocUnsafe(marks.length + 8);
  marks.copy(key);
  writeUint64(key, marks.length, batches);
  return key;
}

function incomplete(place: string, what: string): KvError {
  return new KvError(
    'CORRUPT',
    `${place} is damaged: ${what}. Restore the directory from a backup; \`kvctl check\` tells more.`,
  );
}
