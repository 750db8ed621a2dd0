/**
 * Which keys may have left memory, since the last moment at which all were there: a Bloom filter that grows. Of a key that
 * is neither in memory nor here nothing is on the disk, and nobody needs to look.
 *
 *     layer 0   64 Kbit, 4096 keys      layer 1   four times as large      ...      the last   all the room there is
 *     block     512 bits: all of a key's are in one, so that a look costs one line of the processor's cache
 *
 * 16 bits a key and four bits set for each: a key is taken for one that left once in 300 times, in each layer that is full.
 * The last layer is filled on, down to 3 bits a key: with 8 of them once in 30 times, with 4 once in 6, and then once in 3.
 *
 * Keys are given by their hash in the dict of the key space, which is at hand wherever one was just looked for.
 */
// @hot-path

const bitsPerKey = 16;
const bitsPerKeyMin = 3;
const blockWords = 16;
const blockBytes = blockWords * 4;
const firstBytes = 8192;
/** How much larger than the one before a layer is, if there is room. */
const growth = 4;

export interface DepartedLayer {
  readonly words: Uint32Array;
  keys: number;
}

export class DepartedKeys {
  readonly #layers: DepartedLayer[] = [];
  usedBytes = 0;

  /** What it consists of, oldest first: its own, not a copy. */
  get layers(): readonly DepartedLayer[] {
    return this.#layers;
  }

  /** Adds a layer that another one had, which is its own from now on. */
  addLayer(words: Uint32Array, keys: number): void {
    this.#layers.push({ words, keys });
    this.usedBytes += words.byteLength;
  }

  /** Adds a key. False when that would take more than `bytesMax` bytes in all: then what it does not know may have left all the same. */
  add(hash: number, bytesMax: number): boolean {
    if (this.mayHave(hash)) return true;
    const layer = this.#layerWithRoom(bytesMax);
    if (layer === null) return false;
    layer.keys++;
    const { words } = layer;
    const block = blockOf(hash, words);
    const bits = bitsOf(hash);
    words[block + ((bits >>> 5) & 15)] |= 1 << bits;
    words[block + ((bits >>> 14) & 15)] |= 1 << (bits >>> 9);
    words[block + ((bits >>> 23) & 15)] |= 1 << (bits >>> 18);
    words[block + fourthWord(bits)] |= 1 << (bits >>> 27);
    return true;
  }

  /** The last layer, or a new one, which takes the rest of the room when there would not be as much for another one. */
  #layerWithRoom(bytesMax: number): DepartedLayer | null {
    const last = this.#layers.at(-1);
    if (last !== undefined && bitsOfEach(last) > bitsPerKey) return last;
    const room = Math.floor((bytesMax - this.usedBytes) / blockBytes) * blockBytes;
    const aim = last === undefined ? firstBytes : last.words.byteLength * growth;
    const bytes = room < 2 * aim ? room : aim;
    if (bytes < firstBytes) return last !== undefined && bitsOfEach(last) > bitsPerKeyMin ? last : null;
    const layer = { words: new Uint32Array(bytes / 4), keys: 0 };
    this.#layers.push(layer);
    this.usedBytes += bytes;
    return layer;
  }

  /** False when it was never added. */
  mayHave(hash: number): boolean {
    const bits = bitsOf(hash);
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const { words } = this.#layers[i];
      const block = blockOf(hash, words);
      if (
        (words[block + ((bits >>> 5) & 15)] & (1 << bits)) !== 0 &&
        (words[block + ((bits >>> 14) & 15)] & (1 << (bits >>> 9))) !== 0 &&
        (words[block + ((bits >>> 23) & 15)] & (1 << (bits >>> 18))) !== 0 &&
        (words[block + fourthWord(bits)] & (1 << (bits >>> 27))) !== 0
      ) {
        return true;
      }
    }
    return false;
  }
}

/** Bits that a layer has for each of its keys; Infinity while it has none. */
function bitsOfEach({ keys, words }: DepartedLayer): number {
  return (words.length * 32) / keys;
}

/** The first word of a key's block. */
function blockOf(hash: number, words: Uint32Array): number {
  const share = (Math.imul(hash, 0x9e3779b1) >>> 0) / 2 ** 32;
  return Math.floor(share * (words.length / blockWords)) * blockWords;
}

/** Four places in a block, nine bits for each of three, five for the bit of the fourth: as murmur stirs at its end. */
function bitsOf(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function fourthWord(bits: number): number {
  return (bits ^ (bits >>> 11) ^ (bits >>> 21)) & 15;
}
