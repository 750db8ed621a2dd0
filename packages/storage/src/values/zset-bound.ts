/**
 * One end of a range of a sorted set: a cut between its entries. How many entries lie before the cut is
 * the rank where a range begins, or ends, so that every range becomes one of ranks.
 */
// @hot-path
import { compareBytes } from '@holdfast/common';

const kinds = { start: 0, end: 1, score: 2, member: 3, entry: 4 } as const;
type Kind = (typeof kinds)[keyof typeof kinds];

const noBytes = new Uint8Array(0);

export class ZSetBound {
  #kind: Kind = kinds.start;
  /** The cut lies after what is equal. */
  #isAfter = false;
  #score = 0;
  #bytes: Uint8Array = noBytes;
  #from = 0;
  #length = 0;

  /** Before everything. */
  atStart(): void {
    this.#kind = kinds.start;
  }

  /** After everything. */
  atEnd(): void {
    this.#kind = kinds.end;
  }

  /** Before the entries with a score, or after them. */
  atScore(score: number, isAfter: boolean): void {
    this.#kind = kinds.score;
    this.#score = score;
    this.#isAfter = isAfter;
  }

  /** Before a member or after it, where all scores are equal. The bytes are not copied. */
  atMember(bytes: Uint8Array, start: number, length: number, isAfter: boolean): void {
    this.atEntry(0, bytes, start, length, isAfter);
    this.#kind = kinds.member;
  }

  /** Before an entry or after it, whether it is there or not. The bytes are not copied. */
  atEntry(score: number, bytes: Uint8Array, start: number, length: number, isAfter: boolean): void {
    this.#kind = kinds.entry;
    this.#score = score;
    this.#bytes = bytes;
    this.#from = start;
    this.#length = length;
    this.#isAfter = isAfter;
  }

  /** Whether `follows` looks at the members of entries with this score. */
  needsMember(score: number): boolean {
    return this.#kind === kinds.member || (this.#kind === kinds.entry && score === this.#score);
  }

  /** Whether the cut comes after an entry. The member is not looked at unless `needsMember` says so. */
  follows(score: number, bytes: Uint8Array, start: number, length: number): boolean {
    switch (this.#kind) {
      case kinds.start:
        return false;
      case kinds.end:
        return true;
      case kinds.score:
        return score < this.#score || (this.#isAfter && score === this.#score);
      default: {
        if (this.#kind === kinds.entry && score !== this.#score) return score < this.#score;
        const order = compareBytes(bytes, start, length, this.#bytes, this.#from, this.#length);
        return order < 0 || (this.#isAfter && order === 0);
      }
    }
  }
}
