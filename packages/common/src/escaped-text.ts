/**
 * Text for messages that repeat what a client sent, which need not be text. Bytes are read as UTF-8, and a byte
 * that is none becomes a lone surrogate, U+DC80 to U+DCFF, which no UTF-8 decodes to: so encoding gives back what
 * was read, byte by byte (as Python's `surrogateescape` does, PEP 383).
 *
 * Both ways go through one buffer, and not through a text for each character: ten megabytes took all the memory that a
 * process has.
 */
const escapeStart = 0xdc00;

/** A lone surrogate of those that stand for a byte: in unicode mode a pair is one character. */
const escaped = /[\udc80-\udcff]/u;

/** Bytes as a text that `utf8Of` turns into the same bytes again. */
export function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  return text.includes('\ufffd') ? escapeBytes(bytes) : text;
}

/** A byte string (one character a byte) as `textOf` has its bytes. */
export function textOfByteString(bytes: string): string {
  return textOf(Buffer.from(bytes, 'latin1'));
}

/** Whether a text has bytes that were no UTF-8. One of Latin-1 alone is not even looked through. */
export function isEscaped(text: string): boolean {
  return escaped.test(text);
}

/** The bytes of a text that `textOf` made, or of any other. */
export function utf8Of(text: string): Buffer {
  return isEscaped(text) ? unescapeBytes(text) : Buffer.from(text, 'utf8');
}

function escapeBytes(bytes: Uint8Array): string {
  // No character has more units of UTF-16 than bytes of UTF-8.
  const units = Buffer.allocUnsafe(2 * bytes.length);
  let to = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 4) {
      const beyond = codePointAt(bytes, at, length) - 0x10000;
      to = units.writeUInt16LE(0xd800 | (beyond >>> 10), to);
      to = units.writeUInt16LE(0xdc00 | (beyond & 0x3ff), to);
    } else {
      to = units.writeUInt16LE(length === 0 ? escapeStart | bytes[at] : codePointAt(bytes, at, length), to);
    }
    at += length || 1;
  }
  return units.toString('utf16le', 0, to);
}

function unescapeBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(3 * text.length);
  let to = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at)!;
    if (code >= escapeStart + 0x80 && code <= escapeStart + 0xff) bytes[to++] = code - escapeStart;
    else to = writeCodePoint(bytes, to, code);
    at += code > 0xffff ? 2 : 1;
  }
  return bytes.subarray(0, to);
}

function writeCodePoint(target: Uint8Array, start: number, code: number): number {
  // Half of a pair is no character: what stands for any other is written.
  const written = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code;
  const more = written < 0x80 ? 0 : written < 0x800 ? 1 : written < 0x10000 ? 2 : 3;
  target[start] = leads[more] | (written >>> (6 * more));
  for (let i = 1; i <= more; i++) target[start + i] = 0x80 | ((written >>> (6 * (more - i))) & 0x3f);
  return start + 1 + more;
}

/** How a character begins that has so many bytes more. */
const leads = [0, 0xc0, 0xe0, 0xf0] as const;

/** How many bytes the character at `at` has; 0 when there is none. */
function sequenceLength(source: Uint8Array, at: number): number {
  const lead = source[at];
  if (lead < 0x80) return 1;
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > source.length) return 0;
  // What has a shorter form, halves of pairs, and what is beyond the last character.
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const greatest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (source[at + 1] < least || source[at + 1] > greatest) return 0;
  for (let i = 2; i < length; i++) if ((source[at + i] & 0xc0) !== 0x80) return 0;
  return length;
}

/** The character of so many bytes. */
function codePointAt(source: Uint8Array, at: number, length: number): number {
  if (length === 1) return source[at];
  let code = source[at] & (0xff >>> (length + 1));
  for (let i = 1; i < length; i++) code = (code << 6) | (source[at + i] & 0x3f);
  return code;
}
