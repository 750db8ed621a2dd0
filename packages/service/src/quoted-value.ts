/**
 * A value of a config file in quotes, as Redis has them: within double quotes `\n`, `\r`, `\t`, `\b`, `\a`, `\xHH` (a byte) and
 * any other character behind a backslash as it is; within single quotes `\'` alone.
 *
 *     requirepass "two words\nand a line"
 */
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
const names: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(escapes).map(([name, character]) => [character, name]),
);

const doubleQuoted = /^"((?:[^"\\]|\\.)*)"$/;
const singleQuoted = /^'((?:[^'\\]|\\.)*)'$/;
/** The bytes of several `\xHH` may be one character. */
const escaped = /((?:\\x[0-9a-f]{2})+)|\\(.)/gi;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what would end the line, or not be seen in it.
const unprintable = /[\x00-\x1f\x7f]/;
const special = new RegExp(`["\\\\]|${unprintable.source}`, 'g');

/** What is said by a value as it stands in the file: without its quotes, if it is in quotes as a whole. */
export function unquoted(text: string): string {
  const double = doubleQuoted.exec(text);
  if (double !== null) {
    return double[1].replace(escaped, (_, bytes: string | undefined, character: string) =>
      bytes === undefined
        ? (escapes[character] ?? character)
        : Buffer.from(bytes.replaceAll(/\\x/gi, ''), 'hex').toString('utf8'),
    );
  }
  return singleQuoted.exec(text)?.[1].replaceAll("\\'", "'") ?? text;
}

/** The value as it can stand in a line of the file, in quotes where it would not be read as it is otherwise. */
export function quoted(value: string): string {
  if (value !== '' && !/^[\s"'#]|\s$/.test(value) && !unprintable.test(value)) return value;
  const body = value.replace(special, (character) => `\\${names[character] ?? codeOf(character)}`);
  return `"${body}"`;
}

function codeOf(character: string): string {
  if (!unprintable.test(character)) return character;
  return `x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
