/**
 * A value of a config file in quotes, with the escapes of Redis. Without them it is the rest of its line.
 *
 *     requirepass "two words\nand a line"
 */
import { isEscaped, quotedWord, splitWords, textOfByteString, utf8Of } from '@holdfast/common';

/** What would be read as quotes, as a comment, or not at all. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: an end of the line within a value would make two settings of it.
const unreadable = /^$|^[\s"'#]|\s$|[\x00-\x1f\x7f]/;

/** What is said by a value as it stands in the file: without its quotes, if it is in quotes as a whole. */
export function unquoted(text: string): string {
  if (!/^["']/.test(text)) return text;
  const words = splitWords(utf8Of(text).toString('latin1'));
  return words?.length === 1 ? textOfByteString(words[0]) : text;
}

/** The value as it can stand in a line of the file. */
export function quoted(value: string): string {
  if (!unreadable.test(value) && !isEscaped(value)) return value;
  return quotedWord(utf8Of(value).toString('latin1'));
}
