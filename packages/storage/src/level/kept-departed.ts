/**
 * What is known of keys that are on the disk, kept over an orderly end: the next life then knows at once which keys are new,
 * instead of looking for each on the disk.
 *
 *     m departed/2                           | crc | batches | layers ... generation, keys, bytes of each |
 *     m departed: layer u16, part u16        | crc | some of the layer's words |
 *
 * It is written at the end, when all is on the disk but a rest that is in the log, and covers every key that is on the disk:
 * those that left memory, those that are in it, and those that the rest removes or renames, which the next life has to find
 * when it applies the log. It belongs to the state after so many batches, and nobody believes it of another one: whatever is
 * written next is one batch more. So a crash, a failure or an older program at worst leaves one that is of no use, which is
 * cleared.
 */
import { KvError } from '@holdfast/common';
import { DepartedKeys } from '../departed-keys.js';
import { metaKey } from './disk-keys.js';
import { checksumBytes, readDouble, seal, verify, writeDouble } from './disk-records.js';
import type { Keyspace } from './keyspace.js';
import type { OrderedStore } from './ordered-store.js';

const allFrom = metaKey('departed');
const headKey = metaKey('departed/2');
export const partsFrom: Buffer = metaKey('departed:');
export const partsTo: Buffer = metaKey('departed;');
const partBytes = 256 * 1024;
/** So many of them are one batch: the store need not hold all of them at once. */
const partsPerBatch = 16;
const partsPerRead = 8;
const numbersPerLayer = 3;

interface KeptLayer {
  readonly generation: number;
  readonly keys: number;
  readonly words: Uint32Array;
}

/** What it knows of each generation; null when nothing is kept that is of the state after `batches`, or it is damaged. */
export function readDeparted(
  store: OrderedStore,
  batches: number,
): Promise<ReadonlyMap<number, DepartedKeys> | null> {
  // The disk itself says what is there.
  return readKept(store, batches).catch(() => null);
}

/** Whether anything is kept, of whatever state. */
export async function hasKept(store: OrderedStore): Promise<boolean> {
  const range = store.range(allFrom, partsTo);
  const entries = await range.next(1).finally(() => range.close());
  return entries.length > 0;
}

/** As `readDeparted`. Throws KvError CORRUPT when it is damaged. */
export async function readKept(
  store: OrderedStore,
  batches: number,
): Promise<ReadonlyMap<number, DepartedKeys> | null> {
  const [head] = await store.getMany([headKey]);
  const layers = head === undefined ? null : readHead(head, batches);
  if (layers === null) return null;
  await readWords(store, layers);
  return byGeneration(layers);
}

/** Keeps what `keyspaces` know, as of the state after `batches`, with the keys that are in memory, and those removed since. */
export async function keepDeparted(
  store: OrderedStore,
  keyspaces: readonly Keyspace[],
  batches: number,
  bytesMax: number,
): Promise<void> {
  await clearDeparted(store);
  const layers: KeptLayer[] = [];
  for (const keyspace of keyspaces) {
    const { departed, generation } = keyspace;
    if (departed === null || !addOthers(keyspace, departed, bytesMax)) continue;
    for (const { keys, words } of departed.layers) layers.push({ generation, keys, words });
  }
  if (layers.length === 0) return;
  let batch = store.batch();
  let parts = 0;
  for (const [number, { words }] of layers.entries()) {
    const bytes = bytesOf(words);
    for (let at = 0; at < bytes.length; at += partBytes) {
      const key = partKey(number, at / partBytes);
      batch.put(key, sealed(key, bytes.subarray(at, at + partBytes)));
      if (++parts % partsPerBatch !== 0) continue;
      await batch.write();
      batch = store.batch();
    }
  }
  // Synced as every batch is: when this one is there, all are.
  batch.put(headKey, writeHead(layers, batches));
  await batch.write();
}

/** What is kept is of no use any more. */
export async function clearDeparted(store: OrderedStore): Promise<void> {
  await store.clear([{ from: allFrom, to: partsTo }]);
}

/** Whether a key is one of those above, or of another version of them. */
export function isDepartedKey(key: Uint8Array): boolean {
  return Buffer.compare(key, allFrom) >= 0 && Buffer.compare(key, partsTo) < 0;
}

/** Adds keys on the disk that never left memory: those that are there, and those whose removal only the log has. */
function addOthers(keyspace: Keyspace, departed: DepartedKeys, bytesMax: number): boolean {
  let isKnown = true;
  const add = (hash: number): void => {
    isKnown &&= departed.add(hash, bytesMax);
  };
  keyspace.database.dict.forEachHash(add);
  keyspace.forEachRemovedHash(add);
  return isKnown;
}

function writeHead(layers: readonly KeptLayer[], batches: number): Buffer {
  const numbers = [batches];
  for (const { generation, keys, words } of layers) numbers.push(generation, keys, words.byteLength);
  const value = Buffer.alloc(checksumBytes + numbers.length * 8);
  numbers.forEach((number, i) => {
    writeDouble(value, checksumBytes + i * 8, number);
  });
  seal(headKey, 0, headKey.length, value, 0, value.length);
  return value;
}

/** The layers, still without their words; null when they are of another state. */
function readHead(value: Uint8Array, batches: number): KeptLayer[] | null {
  verify(headKey, value);
  const number = (i: number): number => readDouble(value, checksumBytes + i * 8);
  if (number(0) !== batches) return null;
  const layers: KeptLayer[] = [];
  const count = (value.length - checksumBytes) / 8;
  for (let i = 1; i < count; i += numbersPerLayer) {
    layers.push({ generation: number(i), keys: number(i + 1), words: new Uint32Array(number(i + 2) / 4) });
  }
  return layers;
}

/** Fills the layers. */
async function readWords(store: OrderedStore, layers: readonly KeptLayer[]): Promise<void> {
  let left = layers.reduce((sum, { words }) => sum + words.byteLength, 0);
  const range = store.range(partsFrom, partsTo);
  try {
    for (;;) {
      const entries = await range.next(partsPerRead);
      if (entries.length === 0) break;
      for (const [key, value] of entries) {
        verify(key, value);
        const number = (key[partsFrom.length] << 8) | key[partsFrom.length + 1];
        const part = (key[partsFrom.length + 2] << 8) | key[partsFrom.length + 3];
        bytesOf(layers[number].words).set(value.subarray(checksumBytes), part * partBytes);
        left -= value.length - checksumBytes;
      }
    }
  } finally {
    await range.close();
  }
  if (left !== 0) throw new KvError('CORRUPT', 'a part of what is known of keys on the disk is missing');
}

function byGeneration(layers: readonly KeptLayer[]): ReadonlyMap<number, DepartedKeys> {
  const known = new Map<number, DepartedKeys>();
  for (const { generation, keys, words } of layers) {
    let departed = known.get(generation);
    if (departed === undefined) known.set(generation, (departed = new DepartedKeys()));
    departed.addLayer(words, keys);
  }
  return known;
}

function partKey(layer: number, part: number): Buffer {
  const key = Buffer.alloc(partsFrom.length + 4);
  partsFrom.copy(key);
  key.writeUInt16BE(layer, partsFrom.length);
  key.writeUInt16BE(part, partsFrom.length + 2);
  return key;
}

function sealed(key: Uint8Array, content: Uint8Array): Buffer {
  const value = Buffer.allocUnsafe(checksumBytes + content.length);
  value.set(content, checksumBytes);
  seal(key, 0, key.length, value, 0, value.length);
  return value;
}

function bytesOf({ buffer, byteLength, byteOffset }: Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
