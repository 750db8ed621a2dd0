/**
 * Protobuf's wire format by hand, for messages that carry many commands: no object per field, no 64-bit
 * detour for numbers. The generated code is the simple twin that tests hold it to.
 *
 *     field      | tag: number << 3 | type | payload ...
 *     type 0     varint: 7 bits a byte, low ones first, top bit set on all but the last
 *     type 2     varint length, then that many bytes
 */
// @hot-path
import { copyBytes, emptyBytes, KvError } from '@holdfast/common';

export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** The tag of a field: its number and its type, as one varint. */
export function tagOf(field: number, type: number): number {
  return (field << 3) | type;
}

/** Bytes that a non-negative safe integer takes. */
export function varintLength(n: number): number {
  if (n < 0x80) return 1;
  if (n < 0x4000) return 2;
  if (n < 0x200000) return 3;
  if (n < 0x10000000) return 4;
  let length = 4;
  for (let rest = Math.floor(n / 0x10000000); rest > 0; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Writes a non-negative safe integer at `bytes[at]`; the position after it. */
export function writeVarint(bytes: Uint8Array, at: number, n: number): number {
  while (n > 0x7fffffff) {
    const rest = Math.floor(n / 128);
    bytes[at++] = (n - rest * 128) | 0x80;
    n = rest;
  }
  let small = n | 0;
  while (small > 0x7f) {
    bytes[at++] = (small & 0x7f) | 0x80;
    small >>>= 7;
  }
  bytes[at++] = small;
  return at;
}

/** Writes a number that is known only later into `size` bytes that were left for it: the last groups may be empty. */
export function writePaddedVarint(bytes: Uint8Array, at: number, size: number, n: number): void {
  const end = at + size;
  let next = writeVarint(bytes, at, n);
  if (next === end) return;
  bytes[next - 1] |= 0x80;
  while (next < end - 1) bytes[next++] = 0x80;
  bytes[next] = 0;
}

/** Walks through the fields of a message. Throws KvError CORRUPT where it is none. */
export class WireReader {
  bytes: Uint8Array = emptyBytes;
  at = 0;
  end = 0;

  /** Reads `bytes[start, end)`, which must not change meanwhile. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  /** An unsigned varint; beyond 2^53 the nearest double. */
  varint(): number {
    const { bytes } = this;
    let at = this.at;
    let byte = bytes[at++];
    let n = byte & 0x7f;
    if (byte > 0x7f) {
      let scale = 128;
      do {
        if (at >= this.end || scale > 2 ** 63) throw malformed();
        byte = bytes[at++];
        n += (byte & 0x7f) * scale;
        scale *= 128;
      } while (byte > 0x7f);
    }
    if (at > this.end) throw malformed();
    this.at = at;
    return n;
  }

  /** The length of a field of type `bytes`, whose content begins at `at` and lies within the message. */
  length(): number {
    const length = this.varint();
    if (length > this.end - this.at) throw malformed();
    return length;
  }

  /** Passes over the field whose tag was just read. */
  skip(tag: number): void {
    const type = tag & 7;
    if (tag < 8) throw malformed();
    if (type === wireTypes.varint) this.varint();
    else if (type === wireTypes.bytes) this.#advance(this.length());
    else if (type === wireTypes.fixed64) this.#advance(8);
    else if (type === wireTypes.fixed32) this.#advance(4);
    else throw malformed();
  }

  #advance(count: number): void {
    if (count > this.end - this.at) throw malformed();
    this.at += count;
  }
}

function malformed(): KvError {
  return new KvError('CORRUPT', 'the message is not valid protobuf');
}

/** Appends fields to a buffer that grows. */
export class WireWriter {
  bytes: Buffer;
  length = 0;
  readonly #initialBytes: number;

  constructor(initialBytes: number) {
    this.#initialBytes = initialBytes;
    this.bytes = Buffer.allocUnsafeSlow(initialBytes);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const wanted = this.length + count;
    if (wanted <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(wanted, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  /** A tag and a number below 2^53. Needs 13 bytes of room. */
  number(tag: number, n: number): void {
    this.length = writeVarint(this.bytes, writeVarint(this.bytes, this.length, tag), n);
  }

  /** A tag and the length of what follows. Needs 13 bytes of room. */
  begin(tag: number, length: number): void {
    this.number(tag, length);
  }

  /** A field of bytes. Needs room for them and 13 more. */
  field(tag: number, source: Uint8Array, start: number, length: number): void {
    this.number(tag, length);
    this.raw(source, start, length);
  }

  /** Bytes as they are. Needs room for them. */
  raw(source: Uint8Array, start: number, length: number): void {
    copyBytes(source, start, this.bytes, this.length, length);
    this.length += length;
  }

  /** What was written; the writer begins anew in another buffer. The receiver owns it. */
  take(): Buffer {
    const { bytes, length } = this;
    const taken = bytes.subarray(0, length);
    this.length = 0;
    this.bytes = Buffer.allocUnsafeSlow(
      Math.max(this.#initialBytes, Math.min(nextPowerOfTwo(length), bufferKeptMax)),
    );
    return taken;
  }
}

/** After a large message the next buffer is not larger than this. */
const bufferKeptMax = 256 * 1024;

function nextPowerOfTwo(n: number): number {
  return 2 ** (32 - Math.clz32(n));
}
