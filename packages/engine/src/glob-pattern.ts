/**
 * A glob pattern over bytes, prepared once for many keys: as `globMatch`, without making strings.
 *
 *     user:1?:*      prefix `user:1`, then `?:*`          what comes before the first special byte is
 *     user:*         prefix `user:`, any end              compared first, and is often all there is
 */
// @hot-path
import { bytesEqual, hashSlotOf } from '@holdfast/common';

const star = 42;
const question = 63;
const bracket = 91;
const backslash = 92;
const closing = 93;
const caret = 94;
const dash = 45;
const openingBrace = 123;
const closingBrace = 125;

/** Stars with something behind them, next to each other counting as one: as in Redis, a pattern of more matches nothing. */
const starsMax = 1000;

export class GlobPattern {
  readonly #pattern: Uint8Array;
  readonly #prefixLength: number;
  /** The prefix is followed by one `*` and nothing else. */
  readonly #hasAnyEnd: boolean;
  readonly #hasTooManyStars: boolean;

  /** `pattern` is not copied: it must stay as it is. */
  constructor(pattern: Uint8Array) {
    this.#pattern = pattern;
    let length = 0;
    while (length < pattern.length && !isSpecial(pattern[length])) length++;
    this.#prefixLength = length;
    this.#hasAnyEnd = length === pattern.length - 1 && pattern[length] === star;
    this.#hasTooManyStars = pattern.length > 2 * starsMax && starsIn(pattern) > starsMax;
  }

  /** Matches everything. */
  get isAll(): boolean {
    return this.#hasAnyEnd && this.#prefixLength === 0;
  }

  /** Matches only what is equal to it. */
  get isLiteral(): boolean {
    return this.#prefixLength === this.#pattern.length;
  }

  /** The slot that whatever matches is in; -1 when it may be in any: it is known by a hash tag before the first special byte. */
  get slot(): number {
    const pattern = this.#pattern;
    const length = this.#prefixLength;
    return this.isLiteral || hasHashTag(pattern, length) ? hashSlotOf(pattern, 0, length) : -1;
  }

  matches(bytes: Uint8Array, start: number, length: number): boolean {
    const prefixLength = this.#prefixLength;
    if (this.#hasAnyEnd && prefixLength === 0) return true;
    if (length < prefixLength || !bytesEqual(this.#pattern, 0, bytes, start, prefixLength)) return false;
    if (this.#hasAnyEnd) return true;
    // As in Redis, nothing but the empty pattern and a single star match the empty string.
    if (length === 0) return this.#pattern.length === 0;
    if (this.#hasTooManyStars) return false;
    return this.#matchesFrom(prefixLength, bytes, start + prefixLength, start + length);
  }

  /** After a mismatch only the last star is tried again, one byte further on: no exponential time. */
  #matchesFrom(from: number, bytes: Uint8Array, start: number, end: number): boolean {
    const p = this.#pattern;
    let i = from;
    let at = start;
    let afterStar = -1;
    let resumeAt = 0;
    while (at < end) {
      if (p[i] === star) {
        afterStar = ++i;
        resumeAt = at;
        if (i === p.length) return true;
        continue;
      }
      const next = i < p.length ? matchOne(p, i, bytes[at]) : -1;
      if (next >= 0) {
        i = next;
        at++;
      } else if (afterStar >= 0) {
        i = afterStar;
        at = ++resumeAt;
      } else {
        return false;
      }
    }
    while (p[i] === star) i++;
    return i >= p.length;
  }
}

/** Whether the first `{` is followed by a `}`, and not at once. */
function hasHashTag(pattern: Uint8Array, length: number): boolean {
  const open = pattern.indexOf(openingBrace);
  const close = open < 0 ? -1 : pattern.indexOf(closingBrace, open);
  return close > open + 1 && close < length;
}

/** Those in a class count, too: nobody writes a thousand of them. */
function starsIn(p: Uint8Array): number {
  let count = 0;
  for (let i = 0; i + 1 < p.length; i++) {
    if (p[i] === star && p[i + 1] !== star) count++;
    else if (p[i] === backslash) i++;
  }
  return count;
}

function isSpecial(byte: number): boolean {
  return byte === star || byte === question || byte === bracket || byte === backslash;
}

/** Matches one element of the pattern at `i` against a byte; the position after it, or -1. */
function matchOne(p: Uint8Array, i: number, byte: number): number {
  const first = p[i];
  if (first === question) return i + 1;
  if (first === bracket) return matchClass(p, i + 1, byte);
  if (first === backslash && i + 1 < p.length) return p[i + 1] === byte ? i + 2 : -1;
  return first === byte ? i + 1 : -1;
}

/** A class without its end reaches to the end of the pattern. */
function matchClass(p: Uint8Array, start: number, byte: number): number {
  let i = start;
  const isNegated = p[i] === caret;
  if (isNegated) i++;
  let isMatched = false;
  while (i < p.length && p[i] !== closing) {
    if (p[i] === backslash && i + 1 < p.length) {
      if (p[i + 1] === byte) isMatched = true;
      i += 2;
    } else if (p[i + 1] === dash && i + 2 < p.length) {
      const low = p[i] < p[i + 2] ? p[i] : p[i + 2];
      const high = p[i] < p[i + 2] ? p[i + 2] : p[i];
      if (byte >= low && byte <= high) isMatched = true;
      i += 3;
    } else {
      if (p[i] === byte) isMatched = true;
      i++;
    }
  }
  if (isMatched === isNegated) return -1;
  return i < p.length ? i + 1 : i;
}
