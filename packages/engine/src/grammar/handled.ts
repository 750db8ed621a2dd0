/** Arguments that may be left out, and those that the handler reads itself. */
import { Argument, type ArgumentDoc, type ArgumentParser } from './argument.js';

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

/** Takes everything from its place to the end: the value is the index where that begins. */
export abstract class HandledArgument extends Argument<number> {
  readonly countMin: number;
  readonly isFixed = false;

  constructor(countMin: number) {
    super();
    this.countMin = countMin;
  }

  initial(): number {
    return 0;
  }

  parse(parser: ArgumentParser, at: number): number {
    if (at < parser.request.count) this.store(parser, at);
    return parser.request.count;
  }
}

class UnparsedArgument extends HandledArgument {
  override readonly isOption: boolean;
  readonly #argument: Argument<unknown>;

  constructor(argument: Argument<unknown>) {
    super(argument.countMin);
    this.#argument = argument;
    this.isOption = argument.isOption;
  }

  describe(): ArgumentDoc {
    this.#argument.name = this.name;
    return this.#argument.describe();
  }
}

/**
 * As `unparsed`, for what no other argument describes: how COMMAND DOCS shows it is given. Its name is that of the
 * declaration unless it has one of its own, and it may be left out unless `countMin` arguments are asked for.
 */
export function described(doc: DescribedDoc, rules: { readonly countMin?: number } = {}): Argument<number> {
  return new DescribedArgument(doc, rules.countMin ?? 0);
}

type DescribedDoc = Omit<ArgumentDoc, 'name' | 'flags'> & Partial<Pick<ArgumentDoc, 'name' | 'flags'>>;

class DescribedArgument extends HandledArgument {
  override readonly isOption: boolean;
  readonly #doc: DescribedDoc;

  constructor(doc: DescribedDoc, countMin: number) {
    super(countMin);
    this.#doc = doc;
    this.isOption = countMin === 0;
  }

  describe(): ArgumentDoc {
    const flags = this.isOption ? ['optional'] : [];
    return { name: this.name, flags, ...this.#doc };
  }
}
