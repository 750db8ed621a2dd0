import { KvError } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { BatchDeflater } from './batch-deflater.js';
import { batchIn, decodeEntry, encodeChunkedEntry, encodeEntry, entryHeadBytes } from './etcd-log-layout.js';
import { deflatedBatchBytesMin, deflatePauseBatches, etcdChunkBytes } from './limits.js';

const key = Buffer.from('log/entries/1');
const origin = { writer: '0123456789abcdef', sequence: 7 };
const random = new SeededRandom(1);
const noise = (length: number): Buffer => Buffer.from(random.fill(new Uint8Array(length)));
const text = (length: number): Buffer => Buffer.alloc(length, '{"name":"value","count":1} ');

function store(batch: Buffer, deflater = new BatchDeflater()): Buffer {
  return encodeEntry(batch, deflater.deflate(batch), 3, origin);
}

function codeOf(body: () => unknown): string | null {
  try {
    body();
  } catch (error) {
    return error instanceof KvError ? error.code : String(error);
  }
  return null;
}

describe('an entry of a log in etcd', () => {
  it.each([0, 1, 100, deflatedBatchBytesMin - 1, deflatedBatchBytesMin, 100_000, etcdChunkBytes])(
    'gives a batch of %i bytes back, whether it could be made shorter or not',
    (length) => {
      for (const batch of [text(length), noise(length)]) {
        const value = store(batch);
        const entry = decodeEntry({ key, value });
        expect(entry).toMatchObject({ ...origin, epoch: 3, batchBytes: length, chunkCount: 0 });
        expect(batchIn({ key, value }, entry).equals(batch)).toBe(true);
      }
    },
  );

  it('is short when the batch is long and says little', () => {
    expect(store(text(100_000)).length).toBeLessThan(5000);
    expect(store(text(1000)).length).toBe(1000 + entryHeadBytes);
    expect(store(noise(100_000)).length).toBe(100_000 + entryHeadBytes);
  });

  it('is not tried to be made shorter for a while when that did not help', () => {
    const deflater = new BatchDeflater();
    store(noise(10_000), deflater);
    for (let i = 0; i < deflatePauseBatches; i++) {
      expect(store(text(10_000), deflater).length).toBeGreaterThan(10_000);
    }
    expect(store(text(10_000), deflater).length).toBeLessThan(1000);
  });

  it('in chunks says where they are, if not under its own position, and is damaged when that is cut off', () => {
    const stored = { batch: noise(100), chunkCount: 3, position: 1042, origin };
    const value = encodeChunkedEntry(stored, 42, 5);
    const told = { ...origin, epoch: 5, batchBytes: 100, chunkCount: 3 };
    expect(decodeEntry({ key, value })).toMatchObject({ ...told, chunksAt: 1042 });
    const own = encodeChunkedEntry(stored, 1042, 5);
    expect(decodeEntry({ key, value: own })).toMatchObject({ ...told, chunksAt: 0 });
    expect(own[0]).toBe(1);
    expect(codeOf(() => decodeEntry({ key, value: value.subarray(0, value.length - 1) }))).toBe('CORRUPT');
  });

  it('is damaged when it is cut, of a kind that there is not, or says another length than it has', () => {
    const value = store(text(100_000));
    const read = (stored: Buffer) => () => {
      const pair = { key, value: stored };
      batchIn(pair, decodeEntry(pair));
    };
    expect(codeOf(read(value))).toBe(null);
    for (const length of [0, 1, entryHeadBytes, entryHeadBytes + 8, value.length - 1]) {
      expect(codeOf(read(value.subarray(0, length)))).toBe('CORRUPT');
    }
    for (const length of [99_999, 100_001, 0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40]) {
      const other = Buffer.from(value);
      other.writeDoubleBE(length, entryHeadBytes);
      expect(codeOf(read(other)), String(length)).toBe('CORRUPT');
    }
    for (const [at, byte] of [
      [0, 1],
      [0, 3],
      [1, 0],
      [1, 4],
      [1, 255],
    ]) {
      const other = Buffer.from(value);
      other[at] = byte;
      expect(codeOf(read(other)), `${at}: ${byte}`).toBe('CORRUPT');
    }
  });
});
