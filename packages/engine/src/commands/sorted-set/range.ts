/** Ranges by rank, score or member: how arguments say them, and which ranks they are in a sorted set. */
// @hot-path
import { doubleOf, type Request } from '@holdfast/common';
import { ZSetBound, type ZSetValue } from '@holdfast/storage';
import { integer, notAnInteger, option } from '../../grammar.js';

export type RangeKind = 'rank' | 'score' | 'member';

const leftParenthesis = 40;
const plus = 43;
const minus = 45;
const leftBracket = 91;

/** `LIMIT offset count` */
export const limitOption = () => option('LIMIT', { offset: integer(), count: integer() });

/** One range. `parse` first, then `select`, then `limit` if need be: `from` and `count` are the answer. */
export class ZSetRange {
  /** Rank of the lowest entry. */
  from = 0;
  /** Number of entries: 0 when the range is empty. */
  count = 0;
  #kind: RangeKind = 'rank';
  #isReverse = false;
  #start = 0;
  #stop = 0;
  readonly #lower = new ZSetBound();
  readonly #upper = new ZSetBound();

  /**
   * Reads the two ends at arguments `first` and `first + 1`; what is wrong with them, or null. A reverse
   * range by score or member names the upper end first, a reverse range by rank counts from the end.
   */
  parse(request: Request, kind: RangeKind, first: number, isReverse: boolean): string | null {
    this.#kind = kind;
    this.#isReverse = isReverse;
    const lower = isReverse ? first + 1 : first;
    const upper = isReverse ? first : first + 1;
    switch (kind) {
      case 'rank':
        this.#start = request.integer(first);
        this.#stop = request.integer(first + 1);
        return this.#start !== this.#start || this.#stop !== this.#stop ? notAnInteger : null;
      case 'score':
        return parseScore(request, lower, this.#lower, false) && parseScore(request, upper, this.#upper, true)
          ? null
          : 'ERR min or max is not a float';
      default:
        return parseMember(request, lower, this.#lower, false) &&
          parseMember(request, upper, this.#upper, true)
          ? null
          : 'ERR min or max not valid string range item';
    }
  }

  /** Finds the range in a set. */
  select(zset: ZSetValue): void {
    const { size } = zset;
    if (this.#kind === 'rank') {
      const start = Math.max(this.#start < 0 ? this.#start + size : this.#start, 0);
      const stop = Math.min(this.#stop < 0 ? this.#stop + size : this.#stop, size - 1);
      this.count = Math.max(stop - start + 1, 0);
      this.from = this.#isReverse ? size - 1 - stop : start;
      return;
    }
    this.from = zset.countBefore(this.#lower);
    this.count = Math.max(zset.countBefore(this.#upper) - this.from, 0);
  }

  /** Leaves out `offset` entries, in the direction of the range, and keeps `count` of the others: all if negative. */
  limit(offset: number, count: number): void {
    const left = offset < 0 ? 0 : Math.max(this.count - offset, 0);
    const kept = count < 0 ? left : Math.min(left, count);
    if (kept > 0) this.from += this.#isReverse ? this.count - offset - kept : offset;
    this.count = kept;
  }
}

/** For one call at a time. */
export const range = new ZSetRange();

/** `1.5`, `(1.5`, `-inf`. As Redis, takes nothing for 0, and spaces before a number. */
function parseScore(request: Request, i: number, bound: ZSetBound, isUpper: boolean): boolean {
  const isExclusive = request.length(i) > 0 && request.bytes[request.start(i)] === leftParenthesis;
  let score = isExclusive ? Number.NaN : request.double(i);
  if (score !== score) {
    const text = isExclusive ? request.byteString(i).slice(1) : request.byteString(i);
    score = text === '' ? 0 : doubleOf(text.replace(/^[ \t-\r]+/, ''));
  }
  bound.atScore(score, isUpper !== isExclusive);
  return score === score;
}

/** `[member`, `(member`, `-`, `+`. */
function parseMember(request: Request, i: number, bound: ZSetBound, isUpper: boolean): boolean {
  const start = request.start(i);
  const length = request.length(i);
  const first = length === 0 ? 0 : request.bytes[start];
  if (first === leftParenthesis || first === leftBracket) {
    bound.atMember(request.bytes, start + 1, length - 1, isUpper !== (first === leftParenthesis));
    return true;
  }
  if (first === minus) bound.atStart();
  else bound.atEnd();
  return length === 1 && (first === minus || first === plus);
}
