/**
 * Splits a line into words as Redis does, in inline commands, in the first line of a script and in its config file:
 * separated by white space; `"..."` with `\n`, `\r`, `\t`, `\b`, `\a`, `\xHH` and `\` before any other character; `'...'`
 * with `\'`. And puts a word into such quotes.
 */

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
const escapeOf: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(escapes).map(([letter, character]) => [character, `\\${letter}`])),
  '"': '\\"',
  '\\': '\\\\',
};
const space = /[ \n\r\t\v\f\0]/;
/** A word without quotes may have the other white space within. */
const wordEnd = /[ \n\r\t\0]/;

/** The words, as byte strings; null when quotes are not closed, or not followed by white space. */
export function splitWords(text: string): string[] | null {
  const words: string[] = [];
  let i = 0;
  for (;;) {
    while (i < text.length && space.test(text[i])) i++;
    if (i >= text.length) return words;
    let word = '';
    while (i < text.length && !wordEnd.test(text[i])) {
      const quote = text[i];
      if (quote !== '"' && quote !== "'") {
        word += quote;
        i++;
        continue;
      }
      const quoted = quote === '"' ? readDoubleQuoted(text, i + 1) : readSingleQuoted(text, i + 1);
      if (quoted === null) return null;
      word += quoted.value;
      i = quoted.next;
      if (i < text.length && !space.test(text[i])) return null;
      break;
    }
    words.push(word);
  }
}

interface Quoted {
  readonly value: string;
  readonly next: number;
}

function readDoubleQuoted(text: string, start: number): Quoted | null {
  let value = '';
  for (let i = start; i < text.length; i++) {
    if (text[i] === '"') return { value, next: i + 1 };
    if (text[i] !== '\\' || i + 1 >= text.length) {
      value += text[i];
      continue;
    }
    const hex = /^x([0-9a-fA-F]{2})/.exec(text.slice(i + 1, i + 4));
    if (hex !== null) {
      value += String.fromCharCode(Number.parseInt(hex[1], 16));
      i += 3;
    } else {
      i++;
      value += escapes[text[i]] ?? text[i];
    }
  }
  return null;
}

function readSingleQuoted(text: string, start: number): Quoted | null {
  let value = '';
  for (let i = start; i < text.length; i++) {
    if (text[i] === "'") return { value, next: i + 1 };
    if (text[i] === '\\' && text[i + 1] === "'") i++;
    value += text[i];
  }
  return null;
}

/** A byte string in double quotes, in printable ASCII. */
export function quotedWord(word: string): string {
  const escaped = word.replace(
    /[^ !#-[\]-~]/g,
    (c) => escapeOf[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${escaped}"`;
}
