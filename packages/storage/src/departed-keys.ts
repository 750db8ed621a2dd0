/**
 * Which keys may have left memory, since the last moment at which all were there: a Bloom filter that grows. Of a key that
 * is neither in memory nor here nothing is on the disk, and nobody needs to look.
 *
 *     layer 0   1 Mbit, 64 Ki keys      layer 1   twice as large      layer 2   ...
 *
 * 16 bits a key and four bits set for each: a key is taken for one that left once in 400 times, in each layer.
 */
// @hot-path

const firstKeys = 65_536;
const bitsPerKey = 16;
const probes = 4;
/** 8 M keys, in 16 MiB: who has more let go is better served by the filters of the disk. */
const layersUsual = 7;

interface Layer {
  readonly words: Uint32Array;
  readonly keysMax: number;
  keys: number;
}

export class DepartedKeys {
  readonly #layersMax: number;
  readonly #layers: Layer[] = [];
  // The two hashes of the name that was hashed last.
  #first = 0;
  #second = 0;

  constructor(layersMax: number = layersUsual) {
    this.#layersMax = layersMax;
  }

  get usedBytes(): number {
    let bytes = 0;
    for (const { words } of this.#layers) bytes += words.byteLength;
    return bytes;
  }

  /** It can't take any more: what it does not know may have left all the same. */
  get isFull(): boolean {
    const last = this.#layers.at(-1);
    return this.#layers.length === this.#layersMax && last?.keys === last?.keysMax;
  }

  clear(): void {
    this.#layers.length = 0;
  }

  add(name: string): void {
    this.#hash(name);
    if (this.#isKnown()) return;
    let layer = this.#layers.at(-1);
    if (layer === undefined || layer.keys === layer.keysMax) {
      const keysMax = firstKeys * 2 ** this.#layers.length;
      layer = { words: new Uint32Array((keysMax * bitsPerKey) / 32), keysMax, keys: 0 };
      this.#layers.push(layer);
    }
    layer.keys++;
    const { words } = layer;
    for (let i = 0; i < probes; i++) {
      const bit = this.#bit(i, words.length);
      words[bit >>> 5] |= 1 << (bit & 31);
    }
  }

  /** False when it was never added since the last `clear`. */
  mayHave(name: string): boolean {
    if (this.#layers.length === 0) return false;
    this.#hash(name);
    return this.#isKnown();
  }

  #isKnown(): boolean {
    for (let i = 0; i < this.#layers.length; i++) if (this.#isIn(this.#layers[i].words)) return true;
    return false;
  }

  #isIn(words: Uint32Array): boolean {
    for (let i = 0; i < probes; i++) {
      const bit = this.#bit(i, words.length);
      if ((words[bit >>> 5] & (1 << (bit & 31))) === 0) return false;
    }
    return true;
  }

  /** Of probe `i`, in a layer of a power of two of words. */
  #bit(i: number, words: number): number {
    return ((this.#first + Math.imul(i, this.#second)) & (words * 32 - 1)) >>> 0;
  }

  /** Two FNV hashes, stirred as murmur does at its end. */
  #hash(name: string): void {
    let first = 0x811c9dc5;
    let second = 0x9747b28c;
    for (let i = 0; i < name.length; i++) {
      const byte = name.charCodeAt(i);
      first = Math.imul(first ^ byte, 0x01000193);
      second = Math.imul(second ^ byte, 0x5bd1e995);
    }
    this.#first = stirred(first);
    this.#second = stirred(second) | 1;
  }
}

function stirred(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
