/**
 * Splits an inline command into arguments as Redis does: separated by white space; `"..."` with `\n`,
 * `\r`, `\t`, `\b`, `\a`, `\xHH` and `\` before any other character; `'...'` with `\'`.
 */

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
const space = /[ \n\r\t\v\f\0]/;

/** The arguments, or null when quotes are not closed, or not followed by white space. */
export function splitInline(line: Uint8Array): Buffer[] | null {
  const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString('latin1');
  const args: Buffer[] = [];
  let i = 0;
  for (;;) {
    while (i < text.length && space.test(text[i])) i++;
    if (i >= text.length) return args;
    let arg = '';
    while (i < text.length && !space.test(text[i])) {
      const quote = text[i];
      if (quote !== '"' && quote !== "'") {
        arg += quote;
        i++;
        continue;
      }
      const quoted = quote === '"' ? readDoubleQuoted(text, i + 1) : readSingleQuoted(text, i + 1);
      if (quoted === null) return null;
      arg += quoted.value;
      i = quoted.next;
      if (i < text.length && !space.test(text[i])) return null;
    }
    args.push(Buffer.from(arg, 'latin1'));
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
