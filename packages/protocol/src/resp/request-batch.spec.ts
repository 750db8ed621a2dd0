import { describe, expect, it } from 'vitest';
import { encodeRequest } from '../testing/index.js';
import { malformed, needMore, RequestDecoder } from './decoder.js';
import { batchCountMax, RequestBatch } from './request-batch.js';

const bulkBytesMax = 512 * 1024 * 1024;

function names(batch: RequestBatch): string[] {
  return batch.requests.slice(0, batch.count).map((request) => request.byteString(1));
}

function echoes(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => encodeRequest(['ECHO', `message ${i}`])));
}

describe('a batch of requests', () => {
  it('is what decoding one after another gives, wherever the bytes end', () => {
    const input = Buffer.concat([echoes(5), Buffer.from('*0\r\n\r\n'), echoes(3)]);
    for (let cut = 0; cut <= input.length; cut++) {
      const decoder = new RequestDecoder(bulkBytesMax);
      const batch = new RequestBatch();
      const found: string[] = [];
      const used = decoder.decodeBatch(input, 0, cut, batch, batchCountMax);
      found.push(...names(batch));
      expect(batch.next).toBe(needMore);
      decoder.rebase(used);
      const rest = input.subarray(used);
      expect(decoder.decodeBatch(rest, 0, rest.length, batch, batchCountMax)).toBe(rest.length);
      found.push(...names(batch));
      expect(found).toEqual([...[0, 1, 2, 3, 4], ...[0, 1, 2]].map((i) => `message ${i}`));
    }
  });

  it('ends when it is full, and the next one goes on there', () => {
    const input = echoes(batchCountMax * 2 + 1);
    const decoder = new RequestDecoder(bulkBytesMax);
    const batch = new RequestBatch();
    const counts: number[] = [];
    for (let at = 0; at < input.length; ) {
      at = decoder.decodeBatch(input, at, input.length, batch, batchCountMax);
      expect(batch.ends[batch.count - 1]).toBe(at);
      counts.push(batch.count);
    }
    expect(counts).toEqual([batchCountMax, batchCountMax, 1]);
  });

  it('has the commands before a malformed one', () => {
    const input = Buffer.concat([echoes(2), Buffer.from('*1\r\n!')]);
    const decoder = new RequestDecoder(bulkBytesMax);
    const batch = new RequestBatch();
    decoder.decodeBatch(input, 0, input.length, batch, batchCountMax);
    expect(names(batch)).toEqual(['message 0', 'message 1']);
    expect(batch.next).toBe(malformed);
  });

  it('can be left in its middle: what follows is decoded again', () => {
    const input = echoes(4);
    const decoder = new RequestDecoder(bulkBytesMax);
    const batch = new RequestBatch();
    decoder.decodeBatch(input, 0, input.length - 3, batch, batchCountMax);
    decoder.reset();
    const rest = input.subarray(batch.ends[0]);
    decoder.decodeBatch(rest, 0, rest.length, batch, batchCountMax);
    expect(names(batch)).toEqual(['message 1', 'message 2', 'message 3']);
  });

  it('holds no bytes of a connection once it has let go', () => {
    const batch = new RequestBatch();
    const input = echoes(1);
    new RequestDecoder(bulkBytesMax).decodeBatch(input, 0, input.length, batch, batchCountMax);
    batch.forget();
    expect(batch.requests.every((request) => request.bytes.length === 0)).toBe(true);
  });

  it('gives back the room that very many arguments took', () => {
    const batch = new RequestBatch();
    const input = encodeRequest(Array(100_000).fill('a'));
    new RequestDecoder(bulkBytesMax).decodeBatch(input, 0, input.length, batch, batchCountMax);
    expect(batch.requests[0].offsets.length).toBeGreaterThan(100_000);
    batch.forget();
    expect(batch.requests[0].offsets.length).toBeLessThan(1000);
  });
});
