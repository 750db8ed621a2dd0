/**
 * The grammar of a command's arguments, declared once with the command. Derived from it: the arity, the
 * parser, the positions of the keys, and the argument part of COMMAND DOCS (but for those in `usages`).
 *
 *     args: { key: key('RW', 'update'), value: bytes(), condition: oneOf('NX', 'XX'), get: token('GET') }
 *
 * Required arguments come in order. Neighbouring options (`token`, `oneOf`, `choice`, `option`) form a
 * group that clients may write in any order. A parsed argument of bytes is its index in the request,
 * not its content: nothing is copied or decoded that the handler does not ask for. The object that a
 * handler receives is one per command, filled anew by each call.
 */

export * from './grammar/argument.js';
export * from './grammar/handled.js';
export * from './grammar/option.js';
export * from './grammar/repeat.js';
export * from './grammar/values.js';
export * from './grammar/words.js';
