/**
 * Every configuration that a search has reached, so that none is searched twice.
 *
 *     rows    | event | state | parent | operation | next in bucket | pending words | unknown words |
 *
 * A configuration: all operations that complete before `event` are linearized, and of those still under way
 * the ones whose bits are set; then the object is in `state`. `pending` bits are for operations that must be
 * linearized in the end. `unknown` bits are for those that need not be: of two configurations that differ in
 * these alone, the one that used fewer can do all that the other can, so a superset counts as reached.
 */
const event = 0;
const state = 1;
const parent = 2;
const operation = 3;
const next = 4;
const headWords = 5;

export class ConfigurationTable {
  readonly #pendingWords: number;
  readonly #words: number;
  readonly #stride: number;
  /** First configuration of each chain, or -1. As many as there is room for configurations. */
  #buckets: Int32Array;
  #rows: Int32Array;
  #size = 0;

  constructor(pendingWords: number, unknownWords: number) {
    this.#pendingWords = pendingWords;
    this.#words = pendingWords + unknownWords;
    this.#stride = headWords + this.#words;
    this.#buckets = new Int32Array(64).fill(-1);
    this.#rows = new Int32Array(this.#buckets.length * this.#stride);
  }

  get byteCount(): number {
    return this.#rows.byteLength + this.#buckets.byteLength;
  }

  get size(): number {
    return this.#size;
  }

  /** Number of the configuration, or -1 when it, or one that can do as much, was there. `words` is copied. */
  add(atEvent: number, inState: number, words: Int32Array, from: number, by: number): number {
    const hash = this.#hash(atEvent, inState, words);
    let bucket = hash & (this.#buckets.length - 1);
    for (let i = this.#buckets[bucket]; i !== -1; i = this.#rows[i * this.#stride + next]) {
      if (this.#covers(i * this.#stride, atEvent, inState, words)) return -1;
    }
    if (this.#size === this.#buckets.length) {
      this.#grow();
      bucket = hash & (this.#buckets.length - 1);
    }
    const at = this.#size * this.#stride;
    const rows = this.#rows;
    rows[at + event] = atEvent;
    rows[at + state] = inState;
    rows[at + parent] = from;
    rows[at + operation] = by;
    rows[at + next] = this.#buckets[bucket];
    rows.set(words, at + headWords);
    this.#buckets[bucket] = this.#size;
    return this.#size++;
  }

  eventOf(configuration: number): number {
    return this.#rows[configuration * this.#stride + event];
  }

  stateOf(configuration: number): number {
    return this.#rows[configuration * this.#stride + state];
  }

  /** The configuration that it was reached from; -1 - state for one that a search began with. */
  parentOf(configuration: number): number {
    return this.#rows[configuration * this.#stride + parent];
  }

  /** The operation by which it was reached from its parent. */
  operationOf(configuration: number): number {
    return this.#rows[configuration * this.#stride + operation];
  }

  /** Whether an operation that has not completed is linearized, besides unknown ones. */
  hasPending(configuration: number): boolean {
    const at = configuration * this.#stride + headWords;
    return this.#rows.subarray(at, at + this.#pendingWords).some((word) => word !== 0);
  }

  wordsInto(configuration: number, target: Int32Array): void {
    const at = configuration * this.#stride + headWords;
    for (let i = 0; i < target.length; i++) target[i] = this.#rows[at + i];
  }

  #hash(atEvent: number, inState: number, words: Int32Array): number {
    let hash = Math.imul(atEvent ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(inState + 0x7f4a7c15, 0xc2b2ae35);
    for (let i = 0; i < this.#pendingWords; i++)
      hash = Math.imul(hash ^ words[i] ^ (hash >>> 15), 0x2c1b3c6d);
    hash ^= hash >>> 16;
    hash = Math.imul(hash, 0x297a2d39);
    return hash ^ (hash >>> 15);
  }

  #covers(at: number, atEvent: number, inState: number, words: Int32Array): boolean {
    const rows = this.#rows;
    if (rows[at + event] !== atEvent || rows[at + state] !== inState) return false;
    const bits = at + headWords;
    for (let i = 0; i < this.#pendingWords; i++) if (rows[bits + i] !== words[i]) return false;
    for (let i = this.#pendingWords; i < this.#words; i++)
      if ((rows[bits + i] & ~words[i]) !== 0) return false;
    return true;
  }

  #grow(): void {
    const rows = new Int32Array(this.#rows.length * 2);
    rows.set(this.#rows);
    this.#rows = rows;
    this.#buckets = new Int32Array(this.#buckets.length * 2).fill(-1);
    const wordsAt = (i: number) => rows.subarray(i * this.#stride + headWords, (i + 1) * this.#stride);
    for (let i = 0; i < this.#size; i++) {
      const at = i * this.#stride;
      const bucket = this.#hash(rows[at + event], rows[at + state], wordsAt(i)) & (this.#buckets.length - 1);
      rows[at + next] = this.#buckets[bucket];
      this.#buckets[bucket] = i;
    }
  }
}
