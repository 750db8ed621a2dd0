/**
 * Arguments whose handler reads them itself, because Redis looks at the key before them or because their
 * grammar is their own: what COMMAND DOCS says of them is declared as it is, not derived.
 */
import { type Argument, type ArgumentDoc, HandledArgument } from './grammar.js';

/** A value of a type: `integer`, `string`, `pattern`, ... */
export function valueDoc(name: string, type: string, token?: string, ...flags: string[]): ArgumentDoc {
  return { name, type, ...(token === undefined ? {} : { token }), flags };
}

/** A word that stands alone. */
export function wordDoc(word: string, ...flags: string[]): ArgumentDoc {
  return { name: word.toLowerCase(), type: 'pure-token', token: word, flags };
}

/** One of several. */
export function oneofDoc(name: string, flags: readonly string[], ...parts: ArgumentDoc[]): ArgumentDoc {
  return { name, type: 'oneof', flags, arguments: parts };
}

/** Several in a row. */
export function blockDoc(name: string, flags: readonly string[], ...parts: ArgumentDoc[]): ArgumentDoc {
  return { name, type: 'block', flags, arguments: parts };
}

/** The same, introduced by a word. */
export function after(token: string, doc: ArgumentDoc): ArgumentDoc {
  return { ...doc, token };
}

/**
 * Everything from here to the end, of which so many arguments must be there: the value is the index where it
 * begins. Several of these in one command stand for the same arguments.
 */
export function described(doc: ArgumentDoc, countMin = 0): Argument<number> {
  return new DescribedArgument(doc, countMin);
}

class DescribedArgument extends HandledArgument {
  readonly #doc: ArgumentDoc;

  constructor(doc: ArgumentDoc, countMin: number) {
    super(countMin);
    this.#doc = doc;
  }

  describe(): ArgumentDoc {
    return this.#doc;
  }
}
