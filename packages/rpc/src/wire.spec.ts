import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import {
  tagOf,
  varintLength,
  WireReader,
  WireWriter,
  wireTypes,
  writePaddedVarint,
  writeVarint,
} from './wire.js';

const numbers = [
  0,
  1,
  127,
  128,
  16_383,
  16_384,
  2 ** 21,
  2 ** 28 - 1,
  2 ** 28,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
].concat([2 ** 35 + 17, 2 ** 42 - 1, 2 ** 49, Number.MAX_SAFE_INTEGER]);

function readerOf(bytes: Uint8Array): WireReader {
  const reader = new WireReader();
  reader.open(bytes, 0, bytes.length);
  return reader;
}

describe('varints', () => {
  it.each(numbers)('writes and reads %d as the library does', (n) => {
    const expected = new BinaryWriter().uint64(n).finish();
    const bytes = new Uint8Array(16);
    const end = writeVarint(bytes, 0, n);
    expect(Buffer.from(bytes.subarray(0, end))).toEqual(Buffer.from(expected));
    expect(varintLength(n)).toBe(expected.length);
    expect(readerOf(expected).varint()).toBe(n);
  });

  it.each(numbers)('leaves room for %d', (n) => {
    const bytes = new Uint8Array(12).fill(0xff);
    writePaddedVarint(bytes, 1, 9, n);
    const reader = readerOf(bytes.subarray(1));
    expect([reader.varint(), reader.at, bytes[0], bytes[10]]).toEqual([n, 9, 0xff, 0xff]);
  });

  it('reads up to 64 bits, and no further', () => {
    expect(readerOf(new BinaryWriter().uint64('18446744073709551615').finish()).varint()).toBe(2 ** 64);
    expect(() => readerOf(new Uint8Array(11).fill(0x80)).varint()).toThrow('not valid protobuf');
  });

  it('reads what is longer than it must be', () => {
    expect(readerOf(new Uint8Array([0x81, 0x80, 0x80, 0])).varint()).toBe(1);
  });
});

describe('WireReader', () => {
  it('passes over fields of every type', () => {
    const bytes = new BinaryWriter()
      .uint32(tagOf(1, wireTypes.varint))
      .uint64(Number.MAX_SAFE_INTEGER)
      .uint32(tagOf(2, wireTypes.bytes))
      .bytes(new Uint8Array(200))
      .uint32(tagOf(3, wireTypes.fixed64))
      .double(1.5)
      .uint32(tagOf(4, wireTypes.fixed32))
      .float(1.5)
      .uint32(tagOf(5, wireTypes.varint))
      .uint32(7)
      .finish();
    const reader = readerOf(bytes);
    for (let field = 1; field <= 4; field++) {
      const tag = reader.varint();
      expect(tag >> 3).toBe(field);
      reader.skip(tag);
    }
    expect(reader.varint()).toBe(tagOf(5, wireTypes.varint));
    expect(reader.varint()).toBe(7);
    expect(reader.at).toBe(bytes.length);
  });

  it.each([[[0x0a]], [[0x0a, 5, 1]], [[0x80]], [[0x09, 1, 2]], [[0x0d, 1]], [[0x0b]], [[0x00]]])(
    'refuses %j',
    (bytes) => {
      const reader = readerOf(new Uint8Array(bytes));
      expect(() => reader.skip(reader.varint())).toThrow('not valid protobuf');
    },
  );
});

describe('WireWriter', () => {
  it('grows, and begins anew when its bytes were taken', () => {
    const writer = new WireWriter(4);
    const content = Buffer.alloc(1000, 'x');
    writer.reserve(content.length + 16);
    writer.field(tagOf(1, wireTypes.bytes), content, 0, content.length);
    const first = writer.take();
    writer.reserve(16);
    writer.number(tagOf(2, wireTypes.varint), 5);
    const reader = new BinaryReader(first);
    expect(reader.uint32()).toBe(tagOf(1, wireTypes.bytes));
    expect(Buffer.from(reader.bytes())).toEqual(content);
    expect([...writer.take()]).toEqual([16, 5]);
  });
});
