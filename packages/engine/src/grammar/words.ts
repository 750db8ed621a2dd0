/** Arguments that are words: tokens, and choices among them. */
import { Argument, type ArgumentDoc, type ArgumentParser, syntaxError } from './argument.js';

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
