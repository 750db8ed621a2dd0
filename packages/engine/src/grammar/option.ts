/** Words with values behind them. */
import type { Request } from '@holdfast/common';
import {
  type ArgsOf,
  Argument,
  type ArgumentDoc,
  type ArgumentParser,
  type ArgumentShape,
  type KeyCollector,
  syntaxError,
} from './argument.js';

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
  readonly #valueCountMin: number;

  constructor(word: string, values: S, repeatable: boolean, required: boolean) {
    super();
    this.word = word;
    this.isOption = !required;
    this.#repeatable = repeatable;
    this.#values = Object.entries(values);
    const initial: Record<string, unknown> = { present: false };
    let valueCountMin = 0;
    for (const [name, value] of this.#values) {
      value.name = name;
      initial[name] = value.initial();
      valueCountMin += value.countMin;
    }
    this.#valueCountMin = valueCountMin;
    this.countMin = required ? 1 + valueCountMin : 0;
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
    // As Redis does: whether all values are there is looked at before any of them.
    if (request.count - at - 1 < this.#valueCountMin) return parser.fail(syntaxError);
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
