/**
 * Which of the 16,384 slots a key belongs to: CRC16 (XMODEM) of the key, or of the part between the
 * first `{` and the next `}` when that part is not empty.
 * Source: Redis Cluster specification, "Key distribution model" and "Hash tags".
 */
// @hot-path

import { hashSlotCount } from './limits.js';

const table = new Uint16Array(256);
for (let i = 0; i < 256; i++) {
  let crc = i << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  table[i] = crc;
}

/** CRC16/XMODEM of a range of bytes. */
export function crc16(bytes: Uint8Array, start: number, length: number): number {
  let crc = 0;
  for (let i = start, end = start + length; i < end; i++) {
    crc = ((crc << 8) ^ table[((crc >>> 8) ^ bytes[i]) & 0xff]) & 0xffff;
  }
  return crc;
}

/** The slot of a key, 0 to 16383. */
export function hashSlotOf(bytes: Uint8Array, start: number, length: number): number {
  const end = start + length;
  for (let open = start; open < end; open++) {
    if (bytes[open] !== 123) continue;
    for (let close = open + 1; close < end; close++) {
      if (bytes[close] !== 125) continue;
      if (close === open + 1) return crc16(bytes, start, length) % hashSlotCount;
      return crc16(bytes, open + 1, close - open - 1) % hashSlotCount;
    }
    break;
  }
  return crc16(bytes, start, length) % hashSlotCount;
}
