/**
 * Replies as RESP, given to a writer of another form: what comes back from another process and is not for a Redis
 * client. RESP2 and RESP3; strict, as what comes is our own.
 */
import { byteStringOf, parseDouble } from './bytes.js';
import { KvError } from './errors.js';
import { textOf } from './escaped-text.js';
import type { Reply } from './reply.js';

const lf = 10;
/** `|`: pairs about the reply that follows them, which other forms have no place for. */
const attribute = 124;

/** Writes the replies in `bytes[start, end)`, each complete, to `reply`. Throws KvError CORRUPT for what is none. */
export function replayReplies(reply: Reply, bytes: Uint8Array, start: number, end: number): void {
  let at = start;
  while (at < end) at = replayOne(reply, bytes, at, end);
}

/** Position after the reply at `at`. Throws KvError CORRUPT where there is none. */
export function endOfReply(bytes: Uint8Array, at: number, end: number): number {
  for (let left = 1; left > 0; left--) {
    const type = bytes[at];
    const next = endOfLine(bytes, at, end);
    if (isBulk(type)) {
      const length = countAt(bytes, at, next);
      at = length < 0 ? next : next + length + 2;
      if (at > end) throw damaged();
    } else {
      if (isAggregate(type)) left += Math.max(countAt(bytes, at, next), 0) * (type === 37 ? 2 : 1);
      else if (type === attribute) left += countAt(bytes, at, next) * 2 + 1;
      at = next;
    }
  }
  return at;
}

function replayOne(reply: Reply, bytes: Uint8Array, at: number, end: number): number {
  const type = bytes[at];
  const next = endOfLine(bytes, at, end);
  if (type === attribute) return replayOne(reply, bytes, endOfAttribute(bytes, at, next, end), end);
  if (isBulk(type)) return replayBulk(reply, bytes, at, next, end);
  if (isAggregate(type)) return replayAggregate(reply, bytes, at, next, end);
  const text = byteStringOf(bytes, at + 1, next - at - 3);
  switch (String.fromCharCode(type)) {
    case '+':
      if (text === 'OK') reply.ok();
      else reply.simple(text);
      break;
    case '-':
      reply.error(textOf(bytes.subarray(at + 1, next - 2)));
      break;
    case ':':
      replayInteger(reply, text);
      break;
    case '_':
      reply.null();
      break;
    case '#':
      reply.boolean(text === 't');
      break;
    case ',':
      reply.double(parseDouble(bytes, at + 1, next - at - 3));
      break;
    case '(':
      reply.bigNumber(text);
      break;
    default:
      throw damaged();
  }
  return next;
}

function replayInteger(reply: Reply, text: string): void {
  const n = Number(text);
  if (Number.isSafeInteger(n)) reply.integer(n);
  else reply.bigInteger(BigInt(text));
}

/** `$`, and `=`: three letters of format, a colon, the text. */
function replayBulk(reply: Reply, bytes: Uint8Array, at: number, start: number, end: number): number {
  const length = countAt(bytes, at, start);
  if (length < 0) {
    reply.null();
    return start;
  }
  if (start + length + 2 > end) throw damaged();
  if (bytes[at] === 36) {
    reply.bulk(bytes, start, length);
  } else {
    const text = textOf(bytes.subarray(start, start + length));
    reply.verbatim(text.slice(0, 3), text.slice(4));
  }
  return start + length + 2;
}

function replayAggregate(reply: Reply, bytes: Uint8Array, at: number, start: number, end: number): number {
  const count = countAt(bytes, at, start);
  if (count < 0) {
    reply.nullArray();
    return start;
  }
  const type = String.fromCharCode(bytes[at]);
  if (type === '%') reply.map(count);
  else if (type === '~') reply.set(count);
  else if (type === '>') reply.push(count);
  else reply.array(count);
  let next = start;
  for (let left = type === '%' ? count * 2 : count; left > 0; left--)
    next = replayOne(reply, bytes, next, end);
  return next;
}

function endOfAttribute(bytes: Uint8Array, at: number, start: number, end: number): number {
  let next = start;
  for (let left = countAt(bytes, at, start) * 2; left > 0; left--) next = endOfReply(bytes, next, end);
  return next;
}

function isBulk(type: number): boolean {
  return type === 36 || type === 61;
}

/** `*`, `%`, `~`, `>`. */
function isAggregate(type: number): boolean {
  return type === 42 || type === 37 || type === 126 || type === 62;
}

/** The number behind the first byte of a line that ends before `next`. */
function countAt(bytes: Uint8Array, at: number, next: number): number {
  const isNegative = bytes[at + 1] === 45;
  let n = 0;
  for (let i = isNegative ? at + 2 : at + 1; i < next - 2; i++) {
    const digit = bytes[i] - 48;
    if (digit < 0 || digit > 9) throw damaged();
    n = n * 10 + digit;
  }
  return isNegative ? -n : n;
}

/** Position after the line that begins at `at`. */
function endOfLine(bytes: Uint8Array, at: number, end: number): number {
  for (let i = at + 1; i < end; i++) if (bytes[i] === lf) return i + 1;
  throw damaged();
}

function damaged(): KvError {
  return new KvError('CORRUPT', 'what another node replied is not RESP');
}
