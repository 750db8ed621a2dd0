/** The options of HGETEX and HSETEX: an expiry, a condition, and the fields, in any order. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import { bytes, choice, unparsed, unparsedInteger } from '../../grammar.js';
import { readFieldExpiry } from './field-expiry.js';

const units: Readonly<Record<string, { readonly unitMs: number; readonly isSpan: boolean }>> = {
  EX: { unitMs: 1000, isSpan: true },
  PX: { unitMs: 1, isSpan: true },
  EXAT: { unitMs: 1000, isSpan: false },
  PXAT: { unitMs: 1, isSpan: false },
};
const expiryWords = Object.keys(units);

/** The expiry as the docs show it; `keep` is the word for what happens without one. */
export function expiryArgument(keep: 'PERSIST' | 'KEEPTTL') {
  return unparsed(
    choice({
      EX: unparsedInteger(),
      PX: unparsedInteger(),
      EXAT: unparsedInteger('unix-time'),
      PXAT: unparsedInteger('unix-time'),
      [keep]: true,
    }),
  );
}

export class FieldOptions {
  /** Argument of the first field, and number of fields. */
  first = 0;
  count = 0;
  /** Ms since 1970; -1 when none was given. */
  expiryMs = -1;
  /** PERSIST or KEEPTTL was given. */
  keeps = false;
  condition: 'FNX' | 'FXX' | null = null;

  readonly #ctx: Context;
  readonly #stride: number;
  readonly #keep: string;

  /** Of fields that take `stride` arguments each. */
  constructor(ctx: Context, stride: number, keep: 'PERSIST' | 'KEEPTTL') {
    this.#ctx = ctx;
    this.#stride = stride;
    this.#keep = keep;
  }

  /** Reads all arguments from `from` on; false after replying what is wrong with them. */
  read(from: number, reply: Reply): boolean {
    const { request } = this.#ctx;
    for (let at = from; at < request.count; ) {
      const next = this.#readOne(at, reply);
      if (next < 0) return false;
      at = next;
    }
    if (this.count > 0) return true;
    reply.error('ERR Mandatory argument FIELDS is missing or not at the right position');
    return false;
  }

  /** The position after the option at `at`, or -1. */
  #readOne(at: number, reply: Reply): number {
    const { request } = this.#ctx;
    if (request.is(at, 'FIELDS')) return this.#readFields(at, reply);
    if (request.is(at, this.#keep)) {
      if (this.keeps || this.expiryMs >= 0) return this.#refuseExpiry(reply);
      this.keeps = true;
      return at + 1;
    }
    const word = expiryWords.find((each) => request.is(at, each));
    if (word !== undefined) return this.#readExpiry(at, word, reply);
    if (this.#keep === 'KEEPTTL' && (request.is(at, 'FNX') || request.is(at, 'FXX'))) {
      if (this.condition !== null) return refuse(reply, 'Only one of FXX or FNX arguments can be specified');
      this.condition = request.is(at, 'FNX') ? 'FNX' : 'FXX';
      return at + 1;
    }
    return refuse(reply, `unknown argument: ${request.quoted(at)}`);
  }

  #readExpiry(at: number, word: string, reply: Reply): number {
    if (this.keeps || this.expiryMs >= 0) return this.#refuseExpiry(reply);
    if (at + 1 >= this.#ctx.request.count) return refuse(reply, 'missing expire time');
    const { unitMs, isSpan } = units[word];
    this.expiryMs = readFieldExpiry(this.#ctx, at + 1, unitMs, isSpan ? this.#ctx.nowMs : 0, reply);
    return this.expiryMs < 0 ? -1 : at + 2;
  }

  #readFields(at: number, reply: Reply): number {
    const { request } = this.#ctx;
    if (this.count > 0) return refuse(reply, 'FIELDS keyword specified multiple times');
    const count = at + 1 < request.count ? request.integer(at + 1) : Number.NaN;
    if (!(count >= 1)) return refuse(reply, 'invalid number of fields');
    this.first = at + 2;
    this.count = count;
    const next = this.first + count * this.#stride;
    if (next <= request.count) return next;
    return refuse(reply, 'The `numfields` parameter must match the number of arguments');
  }

  #refuseExpiry(reply: Reply): number {
    return refuse(reply, `Only one of EX, PX, EXAT, PXAT or ${this.#keep} arguments can be specified`);
  }
}

/** As the docs show the fields of HSETEX. */
export const fieldAndValue = { field: bytes(), value: bytes() };

function refuse(reply: Reply, problem: string): -1 {
  reply.error(`ERR ${problem}`);
  return -1;
}
