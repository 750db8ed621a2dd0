/**
 * A hash table from bytes to records in an arena: the key space of a database, and the large hashes,
 * sets and sorted sets in it.
 *
 * Extendible hashing. The top bits of a key's hash choose a segment, the next bits a stretch of hashes, which has a home
 * slot there:
 *
 *     hash      | top `depth` bits | stretch            | rest ...
 *                      |                 |
 *     directory   [0] [1] [2] [3]        v
 *                  |   |    \ /     segment: | hash, ref | hash, ref | 0, 0 | ...   linear probing
 *                  v   v     v
 *                 seg seg   seg (its own depth is smaller: two entries share it)
 *
 * A full segment doubles up to 8,192 slots, then splits in two: no insertion ever moves more than one
 * segment's slots (about 0.1 ms), however many keys there are, and no array limit of the runtime is
 * near. The hash beside the ref spares a look at records that don't match (what they hold: `Records`). A removal shifts the
 * following slots back: there are no tombstones.
 *
 * Cursors of `scan` are hashes: an element that is there from the start of a full scan to its end is
 * always returned, whatever is inserted, removed, split or merged meanwhile.
 */
// @hot-path
import { copyBytes, KvError, type Request } from '@holdfast/common';
import type { Arena, Ref } from './arena.js';
import { homeStride, Segment, segmentBitsMax, segmentBitsMin, wasAccessed } from './dict-segment.js';
import { hashBytes } from './hash-bytes.js';
import { keyLengthMax, Records } from './records.js';

/** How many keys are brought near at once, and the longest of them. */
const prefetchMax = 16;
const prefetchKeyBytesMax = 64;
const prefetchHashes = new Int32Array(prefetchMax);
const prefetchRefs = new Int32Array(prefetchMax);
/** Of two. A scan needs one for each slot. */
const powers = Float64Array.from({ length: 33 }, (_, exponent) => 2 ** exponent);

export class Dict extends Records {
  /** Number of elements. */
  size = 0;
  /** Bytes of the directory and its segments, records not counted. The arena counts them too, all but those of an empty dict. */
  indexBytes = 0;
  /** Remembers for each element what `access` and `setAccess` are about. */
  tracksAccess = false;
  readonly #seed: number;
  #directory: Segment[];
  /** log2 of the directory's length, at least 1 so that the shift by `32 - depth` is defined. */
  #depth = 1;
  /** How many segments have the depth `#depth`: none when the whole table is one segment. */
  #deepest = 0;
  // Where the last `find` ended: what `create`, `replace` and `remove` act upon.
  #hash = 0;
  #segment: Segment;
  #slot = 0;
  /** Keeps the loads of `prefetch` from being optimized away. */
  prefetched = 0;
  // Where a walk is: entry of the directory, position in its segment's slots.
  #walkEntry = 0;
  #walkAt = 1;

  constructor(arena: Arena, seed: number) {
    super(arena);
    this.#seed = seed;
    this.#segment = new Segment(segmentBitsMin, 0, false);
    this.#directory = [this.#segment, this.#segment];
    this.indexBytes = emptyIndexBytes;
  }

  /** The record of a key, or 0. `create`, `replace` and `remove` then act on that key. */
  find(bytes: Uint8Array, start: number, length: number): Ref {
    const hash = hashBytes(bytes, start, length, this.#seed);
    const segment = this.#directory[hash >>> (32 - this.#depth)];
    const slots = segment.slots;
    const mask = (1 << segment.bits) - 1;
    this.#hash = hash;
    this.#segment = segment;
    const stretch = (hash << segment.depth) >>> (32 - segment.bits);
    for (let slot = Math.imul(stretch, homeStride) & mask; ; slot = (slot + 1) & mask) {
      const ref = slots[2 * slot + 1];
      if (ref === 0) return 0;
      if (slots[2 * slot] === hash && this.keyEquals(ref, bytes, start, length)) {
        this.#slot = slot;
        return ref;
      }
    }
  }

  /** As if `find` had just returned `ref`, whose key has this hash: without hashing the key, and comparing it. */
  seek(hash: number, ref: Ref): void {
    const segment = this.#directory[hash >>> (32 - this.#depth)];
    const slots = segment.slots;
    const mask = (1 << segment.bits) - 1;
    let slot = segment.home(hash);
    while (slots[2 * slot + 1] !== ref) {
      if (slots[2 * slot + 1] === 0) throw new KvError('INVALID', 'a record is not where its hash says');
      slot = (slot + 1) & mask;
    }
    this.#hash = hash;
    this.#segment = segment;
    this.#slot = slot;
  }

  /** The hash of the key that `find` last looked for. */
  get hash(): number {
    return this.#hash;
  }

  /**
   * Brings what `find` will look at for argument 1 of each request near the processor: first the slots of them
   * all, then the records. Loads that do not wait for each other miss together, while one `find` after
   * another waits for each. A hint, for two requests or more; changes nothing that can be seen.
   */
  prefetch(requests: readonly Request[], count: number): void {
    const hashes = prefetchHashes;
    const wanted = count < prefetchMax ? count : prefetchMax;
    const shift = 32 - this.#depth;
    for (let i = 0; i < wanted; i++) {
      const { bytes, offsets } = requests[i];
      const length = requests[i].count > 1 && offsets[3] <= prefetchKeyBytesMax ? offsets[3] : 0;
      hashes[i] = hashBytes(bytes, offsets[2], length, this.#seed);
    }
    let seen = 0;
    for (let i = 0; i < wanted; i++) {
      const hash = hashes[i];
      const segment = this.#directory[hash >>> shift];
      seen ^= segment.slots[2 * segment.home(hash)];
    }
    for (let i = 0; i < wanted; i++) {
      const hash = hashes[i];
      const segment = this.#directory[hash >>> shift];
      prefetchRefs[i] = segment.firstWith(hash);
    }
    for (let i = 0; i < wanted; i++) {
      const ref = prefetchRefs[i];
      if (ref !== 0) seen ^= this.arena.wordsOf(ref)[this.arena.offset(ref) >>> 2];
    }
    this.prefetched = seen;
  }

  /**
   * Adds the key that `find` just missed, with room for a value of `valueLength` bytes that the caller
   * then writes, and the stamp with it. `typeAndFlags`: the type in bits 24-27, `hasExpiry`, `hasObject`.
   * `replace` and `remove` may follow, as after a `find`. Throws KvError LIMIT when the key is too long.
   */
  create(bytes: Uint8Array, start: number, length: number, valueLength: number, typeAndFlags: number): Ref {
    if (length > keyLengthMax) {
      throw new KvError('LIMIT', `a key, field or member of ${length} bytes is longer than ${keyLengthMax}`);
    }
    if (this.#segment.count >= 3 << (this.#segment.bits - 2)) this.#makeRoom();
    const ref = this.allocate(length, valueLength, typeAndFlags);
    copyBytes(bytes, start, this.arena.chunk(ref), this.keyStart(ref), length);
    this.#slot = this.#segment.add(this.#hash, ref, 0);
    this.size++;
    return ref;
  }

  /**
   * Gives the record that `find` just returned another value length or other flags: see `reshape`. Returns the
   * record's ref, which may be a new one.
   */
  replace(ref: Ref, valueLength: number, typeAndFlags: number, keepValue: boolean): Ref {
    const record = this.reshape(ref, valueLength, typeAndFlags, keepValue);
    if (record !== ref) this.#segment.slots[2 * this.#slot + 1] = record;
    return record;
  }

  /** Removes the record that `find` just returned and frees it. */
  remove(ref: Ref): void {
    this.free(ref);
    this.#segment.removeSlot(this.#slot);
    this.size--;
    const segment = this.#segment;
    if (segment.bits > segmentBitsMin && segment.count < 1 << (segment.bits - 3)) this.#shrink(segment);
  }

  /**
   * Appends at least `count` refs to `into` (fewer at the end), starting at `cursor` (0 at first), and
   * returns the next cursor, 0 when all was seen. Looks at no more than ten slots for each ref wanted.
   * Elements with the same hash come in the same call.
   */
  scan(cursor: number, count: number, into: Ref[]): number {
    let from = cursor;
    const wanted = into.length + count;
    for (let visits = count * 10; from < 0x100000000 && visits > 0 && into.length < wanted; visits--) {
      const segment = this.#directory[from >>> (32 - this.#depth)];
      const slots = segment.slots;
      const mask = (1 << segment.bits) - 1;
      const home = segment.home(from | 0);
      const width = powers[Math.max(0, 32 - segment.depth - segment.bits)];
      const until = Math.floor(from / width) * width + width;
      for (let slot = home; slots[2 * slot + 1] !== 0; slot = (slot + 1) & mask) {
        const hash = slots[2 * slot] >>> 0;
        if (hash >= from && hash < until) into.push(slots[2 * slot + 1]);
      }
      from = until;
    }
    return from >= 0x100000000 ? 0 : from;
  }

  /** Whether a scan that goes on from `cursor` has been where this key is, or would be. */
  isScanned(cursor: number, bytes: Uint8Array, start: number, length: number): boolean {
    return hashBytes(bytes, start, length, this.#seed) >>> 0 < cursor;
  }

  /** A random record, each as likely as any other. `random` gives uniform 32-bit integers. The dict must not be empty. */
  random(random: () => number): Ref {
    for (;;) {
      const entry = random() >>> (32 - this.#depth);
      const segment = this.#directory[entry];
      // A segment with several entries in the directory is not to come up more often than the others.
      if (segment.depth !== 0 && (entry & ((1 << (this.#depth - segment.depth)) - 1)) !== 0) continue;
      const ref = segment.slots[2 * (random() & ((1 << segment.bits) - 1)) + 1];
      if (ref !== 0) return ref;
    }
  }

  /** Starts a walk over all records: `next` gives one after another, then 0. The dict must not be changed meanwhile. */
  rewind(): void {
    this.#walkEntry = 0;
    this.#walkAt = 1;
  }

  next(): Ref {
    const directory = this.#directory;
    while (this.#walkEntry < directory.length) {
      const { slots, depth } = directory[this.#walkEntry];
      while (this.#walkAt < slots.length) {
        const ref = slots[this.#walkAt];
        this.#walkAt += 2;
        if (ref !== 0) return ref;
      }
      this.#walkEntry += 1 << (this.#depth - depth);
      this.#walkAt = 1;
    }
    return 0;
  }

  /** Calls `visit` with every record. The dict must not be changed meanwhile. */
  forEach(visit: (ref: Ref) => void): void {
    for (const segment of new Set(this.#directory)) {
      for (let i = 1; i < segment.slots.length; i += 2) if (segment.slots[i] !== 0) visit(segment.slots[i]);
    }
  }

  /** Calls `visit` with the hash of every key. The dict must not be changed meanwhile. */
  forEachHash(visit: (hash: number) => void): void {
    for (const { slots } of new Set(this.#directory)) {
      for (let i = 0; i < slots.length; i += 2) if (slots[i + 1] !== 0) visit(slots[i]);
    }
  }

  /** Frees all records and empties the table. */
  clear(): void {
    this.forEach((ref) => {
      this.free(ref);
    });
    this.#segment = new Segment(segmentBitsMin, 0, this.tracksAccess);
    this.#directory = [this.#segment, this.#segment];
    this.#depth = 1;
    this.#deepest = 0;
    this.size = 0;
    this.#indexChanged(this.#segment.bytes + 16 - this.indexBytes);
  }

  /** Frees about `budget` records, a segment at a time; true when none is left. The dict is of no use after. */
  release(budget: number): boolean {
    const directory = this.#directory;
    for (let left = budget; left > 0 && directory.length > 0; ) {
      const segment = directory.pop() as Segment;
      // A segment may have several entries, side by side: it goes with the last of them.
      if (segment === directory[directory.length - 1]) continue;
      const { slots } = segment;
      for (let i = 1; i < slots.length; i += 2) {
        if (slots[i] !== 0) this.free(slots[i]);
      }
      left -= segment.count;
      this.#indexChanged(-segment.bytes);
    }
    if (directory.length > 0) return false;
    // What is left of the count: the directory, which goes with the dict.
    this.#indexChanged(emptyIndexBytes - this.indexBytes);
    return true;
  }

  // Accesses

  /** Begins to remember accesses, of which nothing is known yet, or forgets them all and ceases to. */
  trackAccess(tracksAccess: boolean): void {
    this.tracksAccess = tracksAccess;
    for (const segment of new Set(this.#directory)) {
      this.#indexChanged(-segment.bytes);
      segment.trackAccess(tracksAccess);
      this.#indexChanged(segment.bytes);
    }
  }

  /** What was set for the element that `find` or `create` just returned, 0 when nothing was. Only while `tracksAccess`. */
  get access(): number {
    return this.#segment.accessOf(this.#slot);
  }

  set access(access: number) {
    this.#segment.access![this.#slot] = access;
  }

  /**
   * Fills `refs` with elements that lie one after the other from a random place on, and `accesses` with what is known
   * of each; returns how many they are, at most `count` and at least one. Looks at no more than ten slots for each one
   * wanted. Good enough to find some element worth removing, and many times cheaper than `random` for each. The dict
   * must not be empty.
   */
  sample(random: () => number, count: number, refs: Int32Array, accesses: Int32Array): number {
    let found = 0;
    let segment = this.#directory[random() >>> (32 - this.#depth)];
    let slot = random() & ((1 << segment.bits) - 1);
    for (let looks = count * 10; found === 0 || (looks > 0 && found < count); looks--) {
      const ref = segment.slots[2 * slot + 1];
      if (ref !== 0) {
        refs[found] = ref;
        accesses[found++] = segment.accessOf(slot);
      }
      if (++slot < 1 << segment.bits) continue;
      segment = this.#directory[random() >>> (32 - this.#depth)];
      slot = 0;
    }
    return found;
  }

  /**
   * The hand of a clock: looks at up to `looks` slots from `cursor` on (0 at first) and appends the elements to `into`
   * that were not accessed since it last came by, and their keys' hashes to `hashes`; of the others it takes the mark
   * away. Stops at the end of the table, with 0; otherwise returns the next cursor. Cursors are hashes: the table may
   * grow and shrink meanwhile.
   */
  sweep(cursor: number, looks: number, into: Ref[], hashes: number[]): number {
    let from = cursor;
    for (let left = looks; left > 0; ) {
      const segment = this.#directory[from >>> (32 - this.#depth)];
      const { access, slots } = segment;
      const first = segment.stretch(from | 0);
      const end = Math.min(first + left, 1 << segment.bits);
      for (let stretch = first; stretch < end; stretch++) {
        const slot = segment.slotOf(stretch);
        const ref = slots[2 * slot + 1];
        if (ref === 0) continue;
        if (access !== null && (access[slot] & wasAccessed) !== 0) {
          access[slot] &= ~wasAccessed;
          continue;
        }
        into.push(ref);
        hashes.push(slots[2 * slot]);
      }
      left -= end - first;
      const width = 2 ** (32 - segment.depth - segment.bits);
      from = (Math.floor(from / width) + end - first) * width;
      if (from >= 0x100000000) return 0;
    }
    return from;
  }

  /** Grows or splits the segment that `find` ended in, then points at the right one again. */
  #makeRoom(): void {
    const segment = this.#segment;
    if (segment.bits < segmentBitsMax || segment.depth + segment.bits >= 32) {
      this.#resize(segment, segment.bits + 1);
    } else {
      this.#split(segment);
    }
    this.#segment = this.#directory[this.#hash >>> (32 - this.#depth)];
  }

  #resize(segment: Segment, bits: number): void {
    const before = segment.bytes;
    segment.resize(bits);
    this.#indexChanged(segment.bytes - before);
  }

  #indexChanged(bytes: number): void {
    this.indexBytes += bytes;
    this.arena.usedBytes += bytes;
  }

  #split(segment: Segment): void {
    if (segment.depth === this.#depth) {
      const doubled: Segment[] = new Array(this.#directory.length * 2);
      for (let i = 0; i < this.#directory.length; i++) {
        doubled[2 * i] = this.#directory[i];
        doubled[2 * i + 1] = this.#directory[i];
      }
      this.#indexChanged(this.#directory.length * 8);
      this.#directory = doubled;
      this.#depth++;
      this.#deepest = 0;
    }
    const { slots, depth } = segment;
    const low = new Segment(segment.bits, depth + 1, this.tracksAccess);
    const high = new Segment(segment.bits, depth + 1, this.tracksAccess);
    this.#indexChanged(low.bytes);
    if (depth + 1 === this.#depth) this.#deepest += 2;
    for (let i = 0; i < slots.length; i += 2) {
      if (slots[i + 1] === 0) continue;
      const half = ((slots[i] << depth) & 0x80000000) === 0 ? low : high;
      half.add(slots[i], slots[i + 1], segment.accessOf(i >> 1));
    }
    const span = 1 << (this.#depth - depth);
    const first = (this.#hash >>> (32 - this.#depth)) & -span;
    for (let i = 0; i < span; i++) this.#directory[first + i] = i < span / 2 ? low : high;
  }

  /** An almost empty segment is merged with its sibling, or made smaller when it is the only one. */
  #shrink(segment: Segment): void {
    if (segment.depth === 0 || segment.bits < segmentBitsMax) {
      this.#resize(segment, segment.bits - 1);
      return;
    }
    const span = 1 << (this.#depth - segment.depth);
    const first = (this.#hash >>> (32 - this.#depth)) & -span;
    const sibling = this.#directory[first ^ span];
    if (sibling.depth !== segment.depth || sibling.count + segment.count > 1 << (segment.bits - 2)) return;
    const merged = new Segment(segmentBitsMax, segment.depth - 1, this.tracksAccess);
    merged.take(segment);
    merged.take(sibling);
    this.#indexChanged(merged.bytes - segment.bytes - sibling.bytes);
    const start = Math.min(first, first ^ span);
    for (let i = 0; i < span * 2; i++) this.#directory[start + i] = merged;
    if (segment.depth === this.#depth) this.#deepest -= 2;
    while (this.#deepest === 0 && this.#depth > 1) this.#halve();
    this.#segment = merged;
    // Its new sibling may have waited for this.
    if (merged.count < 1 << (merged.bits - 3)) this.#shrink(merged);
  }

  /** No segment needs the last bit of the directory any more. */
  #halve(): void {
    const old = this.#directory;
    const halved: Segment[] = new Array(old.length / 2);
    this.#indexChanged(-halved.length * 8);
    for (let i = 0; i < halved.length; i++) halved[i] = old[2 * i];
    this.#directory = halved;
    this.#depth--;
    for (const segment of halved) if (segment.depth === this.#depth) this.#deepest++;
  }
}

const emptyIndexBytes = new Segment(segmentBitsMin, 0, false).bytes + 16;
