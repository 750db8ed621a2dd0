/** The first line of a script or library: `#!lua flags=no-writes,allow-stale` or `#!lua name=mylib`. */
import { splitWords } from '@holdfast/common';
import { scriptFlagNames, scriptFlags } from './script-run.js';

export interface ScriptHead {
  /** `scriptFlags`. */
  readonly flags: number;
  /** How long the line is, without its end: 0 when there is none. */
  readonly length: number;
}

export interface LibraryHead {
  readonly name: string;
  readonly length: number;
}

/** Reads the first line of a script, or says what is wrong with it, as an error. `code` is a byte string. */
export function parseScriptHead(code: string): ScriptHead | string {
  if (!code.startsWith('#!')) return { flags: scriptFlags.isPlain, length: 0 };
  const length = code.indexOf('\n');
  if (length < 0) return 'ERR Invalid script shebang';
  const words = splitWords(code.slice(0, length));
  if (words === null || words.length === 0) return 'ERR Invalid engine in script shebang';
  if (words[0] !== '#!lua') return `ERR Unexpected engine in script shebang: ${words[0]}`;
  let flags = 0;
  for (const word of words.slice(1)) {
    if (!word.startsWith('flags=')) return `ERR Unknown lua shebang option: ${word}`;
    for (const name of word.slice(6).split(',')) {
      if (word.length === 6) continue;
      const known = scriptFlagNames.find(([each]) => each === name);
      if (known === undefined) return `ERR Unexpected flag in script shebang: ${name}`;
      flags |= known[1];
    }
  }
  return { flags, length };
}

/** As `parseScriptHead`, of a library. */
export function parseLibraryHead(code: string): LibraryHead | string {
  if (!code.startsWith('#!')) return 'ERR Missing library metadata';
  const length = code.indexOf('\n');
  if (length < 0) return 'ERR Invalid library metadata';
  const words = splitWords(code.slice(0, length));
  if (words === null || words.length === 0) return 'ERR Invalid library metadata';
  let name: string | null = null;
  for (const word of words.slice(1)) {
    if (!/^name=/i.test(word)) return `ERR Invalid metadata value given: ${word}`;
    if (name !== null) {
      return 'ERR Invalid metadata value, name argument was given multiple times';
    }
    name = word.slice(5);
  }
  if (name === null) return 'ERR Library name was not given';
  const problem = nameProblem(name);
  if (problem !== '') return problem;
  const engine = words[0].slice(2);
  return engine.toLowerCase() === 'lua' ? { name, length } : `ERR Engine '${engine}' not found`;
}

/** What is wrong with the name of a library or function, as an error; '' when nothing is. */
export function nameProblem(name: string): string {
  if (/^\w+$/.test(name)) return '';
  return 'ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long';
}
