/** Arguments that take one argument of the request: bytes, keys, numbers. */
import { keyBytesMax, type Request } from '@holdfast/common';
import {
  Argument,
  type ArgumentDoc,
  type ArgumentParser,
  type KeyAccess,
  type KeyCollector,
  type KeySpec,
  type KeyUse,
  notADouble,
  notAnInteger,
  syntaxError,
} from './argument.js';

/** Takes one argument; `check` says what is wrong with it, or null. */
class SingleArgument<T> extends Argument<T> {
  readonly countMin = 1;
  readonly isFixed = true;
  override readonly isAlwaysSet = true;
  readonly docType: string;
  readonly #initial: T;
  readonly read: (request: Request, i: number) => T;
  readonly check: (value: T) => string | null;

  constructor(
    docType: string,
    initial: T,
    read: (request: Request, i: number) => T,
    check: (value: T) => string | null,
  ) {
    super();
    this.docType = docType;
    this.#initial = initial;
    this.read = read;
    this.check = check;
  }

  initial(): T {
    return this.#initial;
  }

  parse(parser: ArgumentParser, at: number): number {
    if (at >= parser.request.count) return parser.fail(syntaxError);
    const value = this.read(parser.request, at);
    const problem = this.check(value);
    if (problem !== null) return parser.fail(problem);
    this.store(parser, value);
    return at + 1;
  }

  describe(): ArgumentDoc {
    return { name: this.name, type: this.docType, flags: [] };
  }
}

const indexOf = (_request: Request, i: number): number => i;
const nothingWrong = (): null => null;

/** An argument whose value is its index in the request: bytes, or a key. */
export class IndexArgument extends SingleArgument<number> {
  readonly access: KeyAccess | null;
  readonly uses: readonly KeyUse[];
  readonly lengthMax: number;
  keySpecIndex = -1;
  #notes: string | null = null;

  constructor(
    docType: string,
    access: KeyAccess | null,
    uses: readonly KeyUse[],
    lengthMax = Number.POSITIVE_INFINITY,
  ) {
    super(docType, 0, indexOf, nothingWrong);
    this.access = access;
    this.uses = uses;
    this.lengthMax = lengthMax;
  }

  override findTooLong(request: Request, value: unknown): number {
    const i = value as number;
    return request.length(i) > this.lengthMax ? i : -1;
  }

  override collectKeys(at: number, { specs }: KeyCollector): void {
    if (this.access === null) return;
    this.keySpecIndex = specs.length;
    const { access, uses } = this;
    const spec: KeySpec = { access, uses, begin: { index: at }, find: { lastKey: 0, step: 1, limit: 0 } };
    specs.push(this.#notes === null ? spec : { ...spec, notes: this.#notes });
  }

  /** Says in the key's specification why it is used so. */
  noted(notes: string): this {
    this.#notes = notes;
    return this;
  }

  override describe(): ArgumentDoc {
    const doc = super.describe();
    return this.keySpecIndex < 0 ? doc : { ...doc, keySpecIndex: this.keySpecIndex };
  }
}

/** A key; its value is its index in the request. */
export function key(access: KeyAccess, ...uses: KeyUse[]): IndexArgument {
  return new IndexArgument('key', access, uses, keyBytesMax);
}

/** Any bytes; the value is their index in the request. */
export function bytes(): IndexArgument {
  return new IndexArgument('string', null, []);
}

/** Bytes that become a field of a hash, or a member of a set or sorted set; the value is their index in the request. */
export function shortBytes(): IndexArgument {
  return new IndexArgument('string', null, [], keyBytesMax);
}

/** A pattern; the value is its index in the request. */
export function pattern(): IndexArgument {
  return new IndexArgument('pattern', null, []);
}

/**
 * A number that the handler reads itself, since Redis looks at the key before it; the value is its index
 * in the request.
 */
export function unparsedInteger(docType: 'integer' | 'unix-time' = 'integer'): IndexArgument {
  return new IndexArgument(docType, null, []);
}

/** As `unparsedInteger`, for a double. */
export function unparsedDouble(): IndexArgument {
  return new IndexArgument('double', null, []);
}

export interface NumberRules {
  readonly min?: number;
  readonly max?: number;
  /** Said when it is no number. */
  readonly error?: string;
  /** Said when it is out of `min` and `max`. */
  readonly rangeError?: string;
  /** Said when it is zero, where that is not allowed. */
  readonly zeroError?: string;
}

function numberArgument(
  docType: string,
  read: (r: Request, i: number) => number,
  rules: NumberRules,
  error: string,
) {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = rules;
  const parseError = rules.error ?? error;
  const rangeError = rules.rangeError ?? parseError;
  return new SingleArgument<number>(docType, 0, read, (n) => {
    if (n !== n) return parseError;
    if (n === 0 && rules.zeroError !== undefined) return rules.zeroError;
    return n < min || n > max ? rangeError : null;
  });
}

const readInteger = (request: Request, i: number): number => request.integer(i);
const readDouble = (request: Request, i: number): number => request.double(i);

/** A 64-bit integer, as a number (the nearest double beyond 2^53). */
export function integer(rules: NumberRules = {}): Argument<number> {
  return numberArgument('integer', readInteger, rules, notAnInteger);
}

/** Cursors have 64 bits. */
const cursorEnd = 2n ** 64n;
const cursorDigitsMax = 20;

/** Argument `i` as a cursor, as strtoul reads it; NaN when it is none. */
export function readCursor(request: Request, i: number): number {
  const n = request.integer(i);
  if (n >= 0) return n;
  // Nothing at all is zero; a sign alone is not.
  const match = /^(?:([+-]?)(\d+))?$/.exec(request.byteString(i));
  if (match === null) return Number.NaN;
  const [, sign = '', digits = '0'] = match;
  const significant = digits.replace(/^0+(?=\d)/, '');
  // A number of millions of digits takes seconds to be made.
  if (significant.length > cursorDigitsMax || BigInt(significant) >= cursorEnd) return Number.NaN;
  // A negative one wraps around, to where nothing is.
  return sign === '-' ? Number(cursorEnd) : Number(significant);
}

/** A position that SCAN and its kin returned. */
export function cursor(): Argument<number> {
  return numberArgument('integer', readCursor, {}, 'ERR invalid cursor');
}

/** A point in time, in seconds or milliseconds as the command says. */
export function unixTime(rules: NumberRules = {}): Argument<number> {
  return numberArgument('unix-time', readInteger, rules, notAnInteger);
}

export function double(rules: NumberRules = {}): Argument<number> {
  return numberArgument('double', readDouble, rules, notADouble);
}

/** Ends before the point in time that the clock of Redis can still name. */
const timeoutMsMax = 2 ** 63 - 2 ** 41;

/** Argument `i` as seconds that a command may wait, in whole milliseconds; see `timeoutProblem`. */
export function readTimeout(request: Request, i: number): number {
  const seconds = request.double(i);
  // Redis reads a long double: what is no double any more is one still, and out of range.
  if (seconds !== seconds && hugePattern.test(request.byteString(i))) return Number(request.byteString(i));
  return Math.ceil(seconds * 1000);
}

/** A number with an exponent beyond those of doubles. */
const hugePattern = /^[+-]?\d+(\.\d*)?e\+?\d{3,4}$/i;

/** What is wrong with a timeout, or null. */
export function timeoutProblem(ms: number, kind: 'a float' | 'an integer' = 'a float'): string | null {
  if (Number.isNaN(ms)) return `ERR timeout is not ${kind} or out of range`;
  if (ms < 0) return 'ERR timeout is negative';
  return ms > timeoutMsMax ? 'ERR timeout is out of range' : null;
}

/** Seconds that a command may wait, with fractions, parsed to whole milliseconds; 0 waits for ever. */
export function timeout(): Argument<number> {
  return new SingleArgument<number>('double', 0, readTimeout, timeoutProblem);
}

/** Milliseconds that a command may wait; 0 waits for ever. */
export function timeoutMs(): Argument<number> {
  return new SingleArgument<number>('integer', 0, readInteger, (ms) => timeoutProblem(ms, 'an integer'));
}
