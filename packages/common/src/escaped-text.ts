/**
 * Text for messages that repeat what a client sent, which need not be text. Bytes are read as UTF-8, and a byte
 * that is none becomes a lone surrogate, U+DC80 to U+DCFF, which no UTF-8 decodes to: so encoding gives back what
 * was read, byte by byte (as Python's `surrogateescape` does, PEP 383).
 */
const escapeStart = 0xdc00;

/** A lone surrogate of those that stand for a byte: in unicode mode a pair is one character. */
const escaped = /([\udc80-\udcff])/u;

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
  if (!isEscaped(text)) return Buffer.from(text, 'utf8');
  const parts = text.split(escaped);
  return Buffer.concat(parts.map((part, i) => (i % 2 === 1 ? byteOf(part) : Buffer.from(part, 'utf8'))));
}

function byteOf(surrogate: string): Buffer {
  return Buffer.of(surrogate.charCodeAt(0) - escapeStart);
}

function escapeBytes(bytes: Uint8Array): string {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let text = '';
  for (let i = 0; i < source.length; ) {
    const length = sequenceLength(source, i);
    if (length === 0) text += String.fromCharCode(escapeStart + source[i]);
    else text += source.toString('utf8', i, i + length);
    i += length || 1;
  }
  return text;
}

const encodedReplacement = Buffer.from('\ufffd');

/** How many bytes the character at `at` has; 0 when there is none. */
function sequenceLength(source: Buffer, at: number): number {
  const lead = source[at];
  const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length < 2) return length;
  const sequence = source.subarray(at, at + length);
  const isCharacter = !sequence.toString('utf8').includes('\ufffd') || sequence.equals(encodedReplacement);
  return isCharacter ? length : 0;
}
