/** What COMMAND DOCS says of arguments that handlers read themselves, in few words: see `described`. */
import type { ArgumentDoc } from './grammar.js';

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
