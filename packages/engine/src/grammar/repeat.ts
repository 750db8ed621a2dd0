/** Arguments that come again and again. */
import type { Request } from '@holdfast/common';
import {
  Argument,
  type ArgumentDoc,
  type ArgumentParser,
  type ArgumentShape,
  type KeyCollector,
  notAnInteger,
  syntaxError,
} from './argument.js';
import { bytes, IndexArgument, type NumberRules } from './values.js';

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
  override readonly isAlwaysSet: boolean;
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
    this.isAlwaysSet = this.countMin > 0;
    this.#repeated = { first: 0, count: 0, stride: this.#items.length };
    this.#validates = this.#items.some(([, value]) => !(value instanceof IndexArgument));
  }

  /** Always the same object, filled by every parse. */
  initial(): Repeated {
    const repeated = this.#repeated;
    repeated.count = 0;
    return repeated;
  }

  parse(parser: ArgumentParser, at: number): number {
    const { request } = parser;
    const stride = this.#items.length;
    const repeated = this.#repeated;
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

/** Whatever follows, unparsed: for the few commands whose grammar is their own. */
export function rest(countMin = 0): Argument<Repeated> {
  return repeat(bytes(), countMin === 0 ? { mayBeEmpty: true } : {});
}
