/**
 * The bytes of a segment: one file head, then frames, each starting at a multiple of 8.
 *
 *     file head, 64 bytes                       frame head, 40 bytes, then the batch
 *      0  'HOLDFLOG'                             0  checksum of bytes 4-39, seeded with the salt
 *      8  format version                         4  'HF' , kind, 0
 *     12  salt                                   8  length of the batch
 *     16  checksum of bytes 0-15                12  checksum of the batch
 *     20  zeros                                 16  position
 *                                               24  epoch
 *                                               32  durable: last position known to be on the disk
 *                                                   when this frame was written
 *
 * All numbers little-endian; 64-bit ones are safe integers.
 *
 * The salt is drawn anew whenever a file is prepared. So what a recycled file still holds from its former
 * life, and what a client may have put into a value to look like a frame, is never taken for one.
 *
 * `durable` is what tells a torn tail from damage. After a power cut any part of what was not synced may be
 * missing while later parts are there, so a bad frame with good ones behind it proves nothing by itself. But
 * a good frame with `durable >= p` proves that position p was on the disk once: if it is bad now, the disk
 * lost it.
 */
// @hot-path
import { checksum } from '@holdfast/common';

export const formatVersion = 1;
export const fileHeadBytes = 64;
export const frameHeadBytes = 40;

/** `batch` is an entry; `mark` and `seal` have no batch and the position of the entry before them. */
export const frameKinds = { batch: 1, mark: 2, seal: 3 } as const;
export type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

const fileMagic = Buffer.from('HOLDFLOG', 'latin1');
const frameMagic0 = 0x48;
const frameMagic1 = 0x46;

/** Where the frame after one with `length` bytes of batch starts, relative to its start. */
export function frameBytes(length: number): number {
  // Not `& ~7`: a batch may be longer than 31 bits allow once padded.
  return Math.ceil((frameHeadBytes + length) / 8) * 8;
}

/** A frame head, decoded: one object, filled again and again. */
export class FrameHead {
  kind: FrameKind = frameKinds.batch;
  length = 0;
  checksum = 0;
  position = 0;
  epoch = 0;
  durable = 0;

  /** Reads the head at `bytes[at]`, which must have 40 bytes there; false when it is none with this salt. */
  decode(bytes: Uint8Array, at: number, salt: number): boolean {
    if (bytes[at + 4] !== frameMagic0 || bytes[at + 5] !== frameMagic1) return false;
    const kind = bytes[at + 6];
    if (kind < frameKinds.batch || kind > frameKinds.seal) return false;
    if (checksum(bytes, at + 4, at + frameHeadBytes, salt) !== readUint32(bytes, at)) return false;
    this.kind = kind as FrameKind;
    this.length = readUint32(bytes, at + 8);
    this.checksum = readUint32(bytes, at + 12);
    this.position = readSafeInteger(bytes, at + 16);
    this.epoch = readSafeInteger(bytes, at + 24);
    this.durable = readSafeInteger(bytes, at + 32);
    return true;
  }

  /** Writes this head at `bytes[at]`. */
  encode(bytes: Uint8Array, at: number, salt: number): void {
    bytes[at + 4] = frameMagic0;
    bytes[at + 5] = frameMagic1;
    bytes[at + 6] = this.kind;
    bytes[at + 7] = 0;
    writeUint32(bytes, at + 8, this.length);
    writeUint32(bytes, at + 12, this.checksum);
    writeSafeInteger(bytes, at + 16, this.position);
    writeSafeInteger(bytes, at + 24, this.epoch);
    writeSafeInteger(bytes, at + 32, this.durable);
    writeUint32(bytes, at, checksum(bytes, at + 4, at + frameHeadBytes, salt));
  }
}

export function encodeFileHead(salt: number): Uint8Array {
  const bytes = new Uint8Array(fileHeadBytes);
  bytes.set(fileMagic, 0);
  writeUint32(bytes, 8, formatVersion);
  writeUint32(bytes, 12, salt);
  writeUint32(bytes, 16, checksum(bytes, 0, 16, 0));
  return bytes;
}

/** Version and salt of a segment file; null when the head is damaged. */
export function decodeFileHead(bytes: Uint8Array): { version: number; salt: number } | null {
  if (bytes.length < fileHeadBytes) return null;
  for (let i = 0; i < fileMagic.length; i++) if (bytes[i] !== fileMagic[i]) return null;
  if (checksum(bytes, 0, 16, 0) !== readUint32(bytes, 16)) return null;
  return { version: readUint32(bytes, 8), salt: readUint32(bytes, 12) };
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

function writeUint32(bytes: Uint8Array, at: number, n: number): void {
  bytes[at] = n;
  bytes[at + 1] = n >>> 8;
  bytes[at + 2] = n >>> 16;
  bytes[at + 3] = n >>> 24;
}

function readSafeInteger(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at + 4) * 0x100000000 + readUint32(bytes, at);
}

function writeSafeInteger(bytes: Uint8Array, at: number, n: number): void {
  writeUint32(bytes, at, n >>> 0);
  writeUint32(bytes, at + 4, Math.floor(n / 0x100000000));
}
