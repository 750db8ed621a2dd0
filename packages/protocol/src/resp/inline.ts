/** Inline commands: words on a line, as a person types them. */
import { splitWords } from '@holdfast/common';

/** The arguments, or null when quotes are not closed, or not followed by white space. */
export function splitInline(line: Uint8Array): Buffer[] | null {
  const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString('latin1');
  return splitWords(text)?.map((word) => Buffer.from(word, 'latin1')) ?? null;
}
