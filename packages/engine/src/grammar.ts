/**
 * The grammar of a command's arguments, declared once with the command. Derived from it: the arity, the
 * parser, the positions of the keys, and the argument part of COMMAND DOCS.
 *
 *     args: { key: key('RW', 'update'), value: bytes(), condition: oneOf('NX', 'XX'), get: token('GET') }
 *
 * Required arguments come in order. Neighbouring options (`token`, `oneOf`, `choice`, `option`) form a
 * group that clients may write in any order. A parsed argument of bytes is its index in the request,
 * not its content: nothing is copied or decoded that the handler does not ask for. The object that a
 * handler receives is one per command, filled anew by each call.
 */
import { keyBytesMax, type Request } from '@holdfast/common';

export const syntaxError = 'ERR syntax error';
export const notAnInteger = 'ERR value is not an integer or out of range';
export const notADouble = 'ERR value is not a valid float';

/** How a key is used: read only, read and written, overwritten, removed. */
export type KeyAccess = 'RO' | 'RW' | 'OW' | 'RM';
export type KeyUse = 'access' | 'update' | 'insert' | 'delete' | 'not_key' | 'incomplete' | 'variable_flags';

/** What a command does with its keys. */
export interface KeyUsage {
  readonly access: KeyAccess;
  readonly uses: readonly KeyUse[];
}

/** Where keys are, in the terms of COMMAND INFO's key specifications. */
export interface KeySpec extends KeyUsage {
  readonly begin:
    | { readonly index: number }
    | { readonly keyword: string; readonly startFrom: number }
    /** Where no rule tells: the index of the key, 0 for none. Reported as unknown. */
    | { readonly search: (request: Request) => number };
  readonly find:
    | { readonly lastKey: number; readonly step: number; readonly limit: number }
    | { readonly keyNumIndex: number; readonly firstKey: number; readonly step: number };
  /** Why the key is used so, for humans. */
  readonly notes?: string;
}

/** An argument as COMMAND DOCS describes it. */
export interface ArgumentDoc {
  readonly name: string;
  readonly type: string;
  readonly token?: string;
  readonly keySpecIndex?: number;
  readonly flags: readonly string[];
  readonly arguments?: readonly ArgumentDoc[];
}

/** State of one parse. */
export class ArgumentParser {
  request!: Request;
  /** The object that the handler receives. */
  args: Record<string, unknown> = {};
  /** Why the parse failed. */
  error = syntaxError;

  fail(message: string): -1 {
    this.error = message;
    return -1;
  }
}

interface KeyCollector {
  readonly specs: KeySpec[];
}

export abstract class Argument<T> {
  name = '';
  /** The value before parsing, and when the argument is left out. */
  abstract initial(): T;
  /** How many arguments it takes at least. */
  abstract readonly countMin: number;
  /** Whether it always takes exactly `countMin`. */
  abstract readonly isFixed: boolean;
  /** Named by a token, and may be left out: part of a group in any order. */
  readonly isOption: boolean = false;
  /** Whether COMMAND DOCS speaks of it. */
  isDocumented = true;
  /** Parses from argument `at` into `parser.args[name]`; the position after it, or -1. */
  abstract parse(parser: ArgumentParser, at: number): number;
  /** Which argument, of those parsed into `value`, is longer than the grammar allows: its index, or -1. */
  findTooLong(_request: Request, _value: unknown): number {
    return -1;
  }
  /** Adds the positions of its keys. `at` is its position, or NaN when that varies. */
  collectKeys(_at: number, _collector: KeyCollector): void {}
  abstract describe(): ArgumentDoc;

  protected store(parser: ArgumentParser, value: unknown): void {
    parser.args[this.name] = value;
  }
}

export type ArgumentShape = Record<string, Argument<unknown>>;
export type ArgsOf<S> = { [K in keyof S]: S[K] extends Argument<infer T> ? T : never };

/** Takes one argument; `check` says what is wrong with it, or null. */
class SingleArgument<T> extends Argument<T> {
  readonly countMin = 1;
  readonly isFixed = true;
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

/** Argument `i` as a cursor, as strtoul reads it; NaN when it is none. */
export function readCursor(request: Request, i: number): number {
  const n = request.integer(i);
  if (n >= 0) return n;
  // Nothing at all is zero; a sign alone is not.
  const match = /^(?:([+-]?)(\d+))?$/.exec(request.byteString(i));
  if (match === null) return Number.NaN;
  const [, sign = '', digits = '0'] = match;
  if (BigInt(digits) >= cursorEnd) return Number.NaN;
  // A negative one wraps around, to where nothing is.
  return sign === '-' ? Number(cursorEnd) : Number(digits);
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
export function timeoutProblem(ms: number): string | null {
  if (Number.isNaN(ms)) return 'ERR timeout is not a float or out of range';
  if (ms < 0) return 'ERR timeout is negative';
  return ms > timeoutMsMax ? 'ERR timeout is out of range' : null;
}

/** Seconds that a command may wait, with fractions, parsed to whole milliseconds; 0 waits for ever. */
export function timeout(): Argument<number> {
  return new SingleArgument<number>('double', 0, readTimeout, timeoutProblem);
}

/** A word that may be there: true when it is. There twice is a syntax error unless `repeatable`. */
export function token(word: string, rules: { readonly repeatable?: boolean } = {}): Argument<boolean> {
  return new TokenArgument(word, rules.repeatable ?? true);
}

class TokenArgument extends Argument<boolean> {
  readonly countMin = 0;
  readonly isFixed = false;
  override readonly isOption = true;
  readonly word: string;
  readonly #repeatable: boolean;

  constructor(word: string, repeatable: boolean) {
    super();
    this.word = word;
    this.#repeatable = repeatable;
  }

  initial(): boolean {
    return false;
  }

  parse(parser: ArgumentParser, at: number): number {
    if (at >= parser.request.count || !parser.request.is(at, this.word)) return at;
    if (!this.#repeatable && parser.args[this.name] === true) return parser.fail(syntaxError);
    this.store(parser, true);
    return at + 1;
  }

  describe(): ArgumentDoc {
    return { name: this.name, type: 'pure-token', token: this.word, flags: ['optional'] };
  }
}

/** What a `choice` found: which word, and the value after it (0 for a word alone). */
export interface Chosen<W extends string> {
  word: W | null;
  value: number;
}

type Alternatives<W extends string> = Record<W, Argument<number> | true>;

/**
 * One of several words, at most once, each alone (`true`) or followed by a value. A second, different
 * word is a syntax error; the same one again replaces its value only with `repeatable`.
 */
export function choice<W extends string>(
  words: Alternatives<W>,
  rules: { readonly required?: boolean; readonly repeatable?: boolean } = {},
): Argument<Chosen<W>> {
  return new ChoiceArgument(words, rules.required ?? false, rules.repeatable ?? true);
}

class ChoiceArgument<W extends string> extends Argument<Chosen<W>> {
  readonly countMin: number;
  readonly isFixed = false;
  override readonly isOption: boolean;
  readonly #entries: [W, Argument<number> | true][];
  readonly #required: boolean;
  readonly #repeatable: boolean;
  readonly #initial: Chosen<W> = { word: null, value: 0 };

  constructor(words: Alternatives<W>, required: boolean, repeatable: boolean) {
    super();
    this.#entries = Object.entries(words) as [W, Argument<number> | true][];
    this.#required = required;
    this.#repeatable = repeatable;
    this.isOption = !required;
    const counts = this.#entries.map(([, value]) => (value === true ? 1 : 2));
    this.countMin = required ? Math.min(...counts) : 0;
    for (const [word, value] of this.#entries) if (value !== true) value.name = word.toLowerCase();
  }

  initial(): Chosen<W> {
    return this.#initial;
  }

  parse(parser: ArgumentParser, at: number): number {
    const { request } = parser;
    const missing = this.#required ? parser.fail(syntaxError) : at;
    if (at >= request.count) return missing;
    for (const [word, value] of this.#entries) {
      if (!request.is(at, word)) continue;
      const chosen = parser.args[this.name] as Chosen<W>;
      if (chosen.word !== null && (chosen.word !== word || !this.#repeatable))
        return parser.fail(syntaxError);
      if (value === true) {
        this.store(parser, { word, value: 0 });
        return at + 1;
      }
      const name = value.name;
      value.name = this.name;
      const next = value.parse(parser, at + 1);
      value.name = name;
      if (next < 0) return next;
      this.store(parser, { word, value: parser.args[this.name] as number });
      return next;
    }
    return missing;
  }

  describe(): ArgumentDoc {
    const parts = this.#entries.map(([word, value]): ArgumentDoc => {
      if (value === true) return { name: word.toLowerCase(), type: 'pure-token', token: word, flags: [] };
      return { ...value.describe(), token: word };
    });
    return { name: this.name, type: 'oneof', flags: this.#required ? [] : ['optional'], arguments: parts };
  }
}

/** One of several words: the one that is there, or null. Two different ones are a syntax error. */
export function oneOf<W extends string>(...words: W[]): Argument<W | null> {
  return new WordArgument(words, false);
}

/** One of several words, at this place. */
export function requiredWord<W extends string>(...words: W[]): Argument<W> {
  return new WordArgument(words, true) as Argument<W>;
}

class WordArgument<W extends string> extends Argument<W | null> {
  readonly countMin: number;
  readonly isFixed: boolean;
  override readonly isOption: boolean;
  readonly #words: readonly W[];

  constructor(words: readonly W[], required: boolean) {
    super();
    this.#words = words;
    this.countMin = required ? 1 : 0;
    this.isFixed = required;
    this.isOption = !required;
  }

  initial(): W | null {
    return null;
  }

  parse(parser: ArgumentParser, at: number): number {
    const { request } = parser;
    if (at < request.count) {
      for (const word of this.#words) {
        if (!request.is(at, word)) continue;
        const present = parser.args[this.name];
        if (this.isOption && present !== null && present !== word) return parser.fail(syntaxError);
        this.store(parser, word);
        return at + 1;
      }
    }
    return this.isOption ? at : parser.fail(syntaxError);
  }

  describe(): ArgumentDoc {
    const parts = this.#words.map(describeWord);
    if (parts.length === 1) return { ...parts[0], name: this.name };
    return { name: this.name, type: 'oneof', flags: this.isOption ? ['optional'] : [], arguments: parts };
  }
}

/**
 * Words of which the handler says itself which go together: bit i of the value is set when word i is
 * there.
 */
export function anyOf(...words: string[]): Argument<number> {
  return new WordsArgument(words);
}

class WordsArgument extends Argument<number> {
  readonly countMin = 0;
  readonly isFixed = false;
  override readonly isOption = true;
  readonly #words: readonly string[];

  constructor(words: readonly string[]) {
    super();
    this.#words = words;
  }

  initial(): number {
    return 0;
  }

  parse(parser: ArgumentParser, at: number): number {
    if (at >= parser.request.count) return at;
    for (let i = 0; i < this.#words.length; i++) {
      if (!parser.request.is(at, this.#words[i])) continue;
      this.store(parser, (parser.args[this.name] as number) | (1 << i));
      return at + 1;
    }
    return at;
  }

  describe(): ArgumentDoc {
    return { name: this.name, type: 'oneof', flags: ['optional'], arguments: this.#words.map(describeWord) };
  }
}

function describeWord(word: string): ArgumentDoc {
  return { name: word.toLowerCase(), type: 'pure-token', token: word, flags: [] };
}

/** What an `option` found: whether its word is there, and the values after it. */
export type Option<S extends ArgumentShape> = { present: boolean } & ArgsOf<S>;

/** A word followed by values, such as `LIMIT offset count`. Given again it replaces the first one, if it may. */
export function option<S extends ArgumentShape>(
  word: string,
  values: S,
  rules: { readonly repeatable?: boolean; readonly required?: boolean } = {},
): Argument<Option<S>> {
  return new OptionArgument(word, values, rules.repeatable ?? true, rules.required ?? false);
}

class OptionArgument<S extends ArgumentShape> extends Argument<Option<S>> {
  readonly countMin: number;
  readonly isFixed = false;
  override readonly isOption: boolean;
  readonly word: string;
  readonly #values: [string, Argument<unknown>][];
  readonly #initial: Option<S>;
  readonly #repeatable: boolean;

  constructor(word: string, values: S, repeatable: boolean, required: boolean) {
    super();
    this.word = word;
    this.isOption = !required;
    this.#repeatable = repeatable;
    this.#values = Object.entries(values);
    const initial: Record<string, unknown> = { present: false };
    let countMin = 1;
    for (const [name, value] of this.#values) {
      value.name = name;
      initial[name] = value.initial();
      countMin += value.countMin;
    }
    this.countMin = required ? countMin : 0;
    this.#initial = initial as Option<S>;
  }

  initial(): Option<S> {
    return this.#initial;
  }

  parse(parser: ArgumentParser, at: number): number {
    const { request, args } = parser;
    if (at >= request.count || !request.is(at, this.word)) {
      return this.isOption ? at : parser.fail(syntaxError);
    }
    if (!this.#repeatable && (args[this.name] as Option<S>).present) return parser.fail(syntaxError);
    const parsed: Record<string, unknown> = { present: true };
    for (const [name, value] of this.#values) parsed[name] = value.initial();
    let next = at + 1;
    parser.args = parsed;
    for (const [, value] of this.#values) {
      next = value.parse(parser, next);
      if (next < 0) break;
    }
    parser.args = args;
    if (next >= 0) this.store(parser, parsed);
    return next;
  }

  override findTooLong(request: Request, value: unknown): number {
    const option = value as { readonly present: boolean } & Record<string, unknown>;
    if (!option.present) return -1;
    for (const [name, argument] of this.#values) {
      const found = argument.findTooLong(request, option[name]);
      if (found >= 0) return found;
    }
    return -1;
  }

  override collectKeys(at: number, collector: KeyCollector): void {
    for (const [, value] of this.#values) value.collectKeys(at, collector);
  }

  describe(): ArgumentDoc {
    const flags = this.isOption ? ['optional'] : [];
    if (this.#values.length === 1) {
      const doc = this.#values[0][1].describe();
      return { ...doc, token: this.word, flags: [...flags, ...doc.flags] };
    }
    const parts = this.#values.map(([, value]) => value.describe());
    return { name: this.name, type: 'block', token: this.word, flags, arguments: parts };
  }
}

/** Arguments that come again and again: item i has its first argument at `first + i * stride`. */
export interface Repeated {
  first: number;
  count: number;
  stride: number;
}

/** One or more items up to the end, or to the arguments `followedBy`; an item is one argument or several in a row. */
export function repeat(item: Argument<unknown> | ArgumentShape, rules: RepeatRules = {}): Argument<Repeated> {
  return new RepeatArgument(item, null, rules);
}

/** A number, then as many items: `numkeys key [key ...]`. `Repeated.first` is the first item. */
export function counted(
  item: Argument<unknown> | ArgumentShape,
  count: NumberRules & RepeatRules & { readonly name?: string } = {},
): Argument<Repeated> {
  return new RepeatArgument(item, count, count);
}

export interface RepeatRules {
  /** Said when the last item is incomplete, or fewer arguments follow than were announced. */
  readonly incompleteError?: string;
  /** No item at all is fine. */
  readonly mayBeEmpty?: boolean;
  /** So many single arguments come after the items: 0 unless said. */
  readonly followedBy?: number;
}

class RepeatArgument extends Argument<Repeated> {
  readonly countMin: number;
  readonly isFixed = false;
  readonly #items: [string, Argument<unknown>][];
  readonly #count: (NumberRules & { readonly name?: string }) | null;
  readonly #incompleteError: string;
  readonly #followedBy: number;
  readonly #scratch: Record<string, unknown> = {};
  readonly #validates: boolean;
  readonly #repeated: Repeated;

  constructor(
    item: Argument<unknown> | ArgumentShape,
    count: (NumberRules & { readonly name?: string }) | null,
    rules: RepeatRules,
  ) {
    super();
    this.#items = item instanceof Argument ? [['item', item]] : Object.entries(item);
    for (const [name, value] of this.#items) value.name = name;
    this.#count = count;
    this.#incompleteError = rules.incompleteError ?? syntaxError;
    this.#followedBy = rules.followedBy ?? 0;
    this.countMin = (count === null ? 0 : 1) + (rules.mayBeEmpty ? 0 : this.#items.length);
    this.#repeated = { first: 0, count: 0, stride: this.#items.length };
    this.#validates = this.#items.some(([, value]) => !(value instanceof IndexArgument));
  }

  /** One object, filled by every parse. */
  initial(): Repeated {
    const repeated = this.#repeated;
    repeated.count = 0;
    return repeated;
  }

  parse(parser: ArgumentParser, at: number): number {
    const { request } = parser;
    const stride = this.#items.length;
    const repeated = parser.args[this.name] as Repeated;
    let first = at;
    if (this.#count !== null) {
      if (at >= request.count) return parser.fail(syntaxError);
      const {
        min = 1,
        max = Number.POSITIVE_INFINITY,
        error = notAnInteger,
        rangeError = error,
      } = this.#count;
      const announced = request.integer(at);
      if (announced !== announced) return parser.fail(error);
      if (announced < min || announced > max) return parser.fail(rangeError);
      first = at + 1;
      if (announced * stride > request.count - first) return parser.fail(this.#incompleteError);
      repeated.count = announced;
    } else {
      const left = request.count - at - this.#followedBy;
      if (left % stride !== 0 || left < this.countMin) return parser.fail(this.#incompleteError);
      repeated.count = left / stride;
    }
    repeated.first = first;
    repeated.stride = stride;
    if (this.#validates && !this.#validate(parser, first, repeated.count)) return -1;
    return first + repeated.count * stride;
  }

  override findTooLong(request: Request, value: unknown): number {
    const { first, count, stride } = value as Repeated;
    for (let item = 0; item < this.#items.length; item++) {
      const argument = this.#items[item][1];
      if (!(argument instanceof IndexArgument) || argument.lengthMax === Number.POSITIVE_INFINITY) continue;
      for (let i = 0; i < count; i++) {
        const found = argument.findTooLong(request, first + i * stride + item);
        if (found >= 0) return found;
      }
    }
    return -1;
  }

  /** Checks the items one by one; their values are read again by the handler. */
  #validate(parser: ArgumentParser, first: number, count: number): boolean {
    const { args } = parser;
    parser.args = this.#scratch;
    let at = first;
    for (let i = 0; i < count && at >= 0; i++) {
      for (const [, value] of this.#items) {
        at = value.parse(parser, at);
        if (at < 0) break;
      }
    }
    parser.args = args;
    return at >= 0;
  }

  override collectKeys(at: number, { specs }: KeyCollector): void {
    const found = this.#items.findIndex(([, item]) => item instanceof IndexArgument && item.access !== null);
    if (found < 0) return;
    const item = this.#items[found][1] as IndexArgument;
    const { access, uses } = item;
    item.keySpecIndex = specs.length;
    const step = this.#items.length;
    if (this.#count === null) {
      const begin = { index: at + found };
      specs.push({ access: access!, uses, begin, find: { lastKey: -1 - this.#followedBy, step, limit: 0 } });
    } else {
      specs.push({
        access: access!,
        uses,
        begin: { index: at },
        find: { keyNumIndex: 0, firstKey: 1 + found, step },
      });
    }
  }

  describe(): ArgumentDoc {
    const parts = this.#items.map(([, item]) => item.describe());
    const items: ArgumentDoc =
      parts.length === 1
        ? { ...parts[0], name: this.name, flags: ['multiple'] }
        : { name: this.name, type: 'block', flags: ['multiple'], arguments: parts };
    if (this.#count === null) return items;
    const number: ArgumentDoc = { name: this.#count.name ?? 'numkeys', type: 'integer', flags: [] };
    return { name: this.name, type: 'block', flags: [], arguments: [number, items] };
  }
}

/** An argument at its place that may be left out: null then. */
export function optional<T>(argument: Argument<T>): Argument<T | null> {
  return new OptionalArgument(argument);
}

class OptionalArgument<T> extends Argument<T | null> {
  readonly countMin = 0;
  readonly isFixed = false;
  readonly #argument: Argument<T>;

  constructor(argument: Argument<T>) {
    super();
    this.#argument = argument;
  }

  initial(): T | null {
    return null;
  }

  parse(parser: ArgumentParser, at: number): number {
    if (at >= parser.request.count) return at;
    this.#argument.name = this.name;
    return this.#argument.parse(parser, at);
  }

  describe(): ArgumentDoc {
    this.#argument.name = this.name;
    return { ...this.#argument.describe(), flags: ['optional'] };
  }
}

/** An argument that is understood, as Redis understands it without saying so. */
export function undocumented<T>(argument: Argument<T>): Argument<T> {
  argument.isDocumented = false;
  return argument;
}

/**
 * An argument that the handler reads itself, with all that follow, since Redis looks at the key before
 * them: it stands in the declaration for the arity and the docs. The value is the index where the first such
 * argument of a command begins.
 */
export function unparsed(argument: Argument<unknown>): Argument<number> {
  return new UnparsedArgument(argument);
}

class UnparsedArgument extends Argument<number> {
  readonly countMin: number;
  readonly isFixed = false;
  override readonly isOption: boolean;
  readonly #argument: Argument<unknown>;

  constructor(argument: Argument<unknown>) {
    super();
    this.#argument = argument;
    this.countMin = argument.countMin;
    this.isOption = argument.isOption;
  }

  initial(): number {
    return 0;
  }

  parse(parser: ArgumentParser, at: number): number {
    if (at < parser.request.count) this.store(parser, at);
    return parser.request.count;
  }

  describe(): ArgumentDoc {
    this.#argument.name = this.name;
    return this.#argument.describe();
  }
}

/** As `unparsed`, for what no other argument describes: how COMMAND DOCS shows it is given, but for the name. */
export function described(doc: DescribedDoc, rules: { readonly countMin?: number } = {}): Argument<number> {
  return new DescribedArgument(doc, rules.countMin ?? 0);
}

type DescribedDoc = Omit<ArgumentDoc, 'name' | 'flags'> & { readonly flags?: readonly string[] };

class DescribedArgument extends Argument<number> {
  readonly countMin: number;
  readonly isFixed = false;
  override readonly isOption: boolean;
  readonly #doc: DescribedDoc;

  constructor(doc: DescribedDoc, countMin: number) {
    super();
    this.#doc = doc;
    this.countMin = countMin;
    this.isOption = countMin === 0;
  }

  initial(): number {
    return 0;
  }

  parse(parser: ArgumentParser, at: number): number {
    if (at < parser.request.count) this.store(parser, at);
    return parser.request.count;
  }

  describe(): ArgumentDoc {
    const flags = this.isOption ? ['optional'] : [];
    return { flags, ...this.#doc, name: this.name };
  }
}

/** Whatever follows, unparsed: for the few commands whose grammar is their own. */
export function rest(countMin = 0): Argument<Repeated> {
  return repeat(bytes(), countMin === 0 ? { mayBeEmpty: true } : {});
}
