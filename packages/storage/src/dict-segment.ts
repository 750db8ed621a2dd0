/**
 * A part of a `Dict`: slots of hashes and refs, by linear probing, and beside them, when somebody wants to know, a word
 * for each about when and how often it was accessed. Words lie apart from the slots: most dicts have none, and those that
 * look a key up need them only for the one slot they found.
 */
// @hot-path
import type { Ref } from './arena.js';

export const segmentBitsMin = 2;
export const segmentBitsMax = 13;

/** In the word about an element's accesses: it was accessed since `Dict.sweep` last came by. The bits below mean what others say. */
export const wasAccessed: number = 1 << 25;

/**
 * From the place of one stretch of hashes to that of the next: 0.618 of a full segment, odd. What comes in the order of
 * its hashes, as the members of another dict do, is spread over all slots by that while it fills a table of its own. One
 * behind the other they made a single run, and each insertion went through half of it: SUNIONSTORE of 300,000 members took
 * 5.5 s instead of 0.5.
 */
export const homeStride = 5063;

/** What a segment takes beside its slots, about. */
const segmentBytes = 160;

export class Segment {
  /** Slot i: hash at [2i], ref at [2i + 1], 0 = empty. */
  slots: Int32Array;
  /** log2 of the number of slots. */
  bits: number;
  /** How many top bits of the hash all its elements share. */
  depth: number;
  count = 0;
  /** Slot i: what is known of accesses to its element, 0 for nothing; null when nobody wants to know. */
  access: Int32Array | null;

  constructor(bits: number, depth: number, tracksAccess: boolean) {
    this.slots = new Int32Array(2 << bits);
    this.bits = bits;
    this.depth = depth;
    this.access = tracksAccess ? new Int32Array(1 << bits) : null;
  }

  get bytes(): number {
    return segmentBytes + this.slots.byteLength + (this.access === null ? 0 : this.access.byteLength);
  }

  /** Begins or ceases to remember accesses. */
  trackAccess(tracksAccess: boolean): void {
    this.access = tracksAccess ? new Int32Array(1 << this.bits) : null;
  }

  /** Which stretch of hashes, of as many as there are slots, a hash belongs to. */
  stretch(hash: number): number {
    return (hash << this.depth) >>> (32 - this.bits);
  }

  /** The slot where elements of a stretch are, or the nearest one behind that was free. */
  slotOf(stretch: number): number {
    return Math.imul(stretch, homeStride) & ((1 << this.bits) - 1);
  }

  home(hash: number): number {
    return this.slotOf(this.stretch(hash));
  }

  /** The record of the first element with this hash, 0 when there is none. */
  firstWith(hash: number): Ref {
    const slots = this.slots;
    const mask = (1 << this.bits) - 1;
    for (let slot = this.home(hash); ; slot = (slot + 1) & mask) {
      const ref = slots[2 * slot + 1];
      if (ref === 0 || slots[2 * slot] === hash) return ref;
    }
  }

  /** Returns the slot. */
  add(hash: number, ref: Ref, access: number): number {
    const slots = this.slots;
    const mask = (1 << this.bits) - 1;
    let slot = this.home(hash);
    while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
    slots[2 * slot] = hash;
    slots[2 * slot + 1] = ref;
    if (this.access !== null) this.access[slot] = access;
    this.count++;
    return slot;
  }

  /** Adds all elements of another segment. */
  take(other: Segment): void {
    const { slots } = other;
    for (let i = 0; i < slots.length; i += 2) {
      if (slots[i + 1] !== 0) this.add(slots[i], slots[i + 1], other.accessOf(i >> 1));
    }
  }

  accessOf(slot: number): number {
    return this.access === null ? 0 : this.access[slot];
  }

  /** Gives it another number of slots, for the same elements. */
  resize(bits: number): void {
    const { slots, access } = this;
    this.bits = bits;
    this.slots = new Int32Array(2 << bits);
    if (access !== null) this.access = new Int32Array(1 << bits);
    this.count = 0;
    for (let i = 0; i < slots.length; i += 2) {
      if (slots[i + 1] !== 0) this.add(slots[i], slots[i + 1], access === null ? 0 : access[i >> 1]);
    }
  }

  /** Empties a slot and closes the gap: later elements of the run move back where they may. */
  removeSlot(slot: number): void {
    const { access, slots } = this;
    const mask = (1 << this.bits) - 1;
    let gap = slot;
    for (let next = (gap + 1) & mask; slots[2 * next + 1] !== 0; next = (next + 1) & mask) {
      const distance = (next - this.home(slots[2 * next])) & mask;
      if (distance < ((next - gap) & mask)) continue;
      slots[2 * gap] = slots[2 * next];
      slots[2 * gap + 1] = slots[2 * next + 1];
      if (access !== null) access[gap] = access[next];
      gap = next;
    }
    slots[2 * gap] = 0;
    slots[2 * gap + 1] = 0;
    this.count--;
  }
}
