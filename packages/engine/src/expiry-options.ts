/** When keys expire, as several commands take it: the options EX, PX, EXAT and PXAT, and amounts of time. */
import { parseBigInteger, type Reply, type Request } from '@holdfast/common';
import { type Chosen, notAnInteger, unparsedInteger } from './grammar.js';

/** Read late: what else is wrong with a command is said first. */
export const expiryOptions = {
  EX: unparsedInteger(),
  PX: unparsedInteger(),
  EXAT: unparsedInteger('unix-time'),
  PXAT: unparsedInteger('unix-time'),
};

/** The latest point in time that Redis' commands give a key, in ms since 1970. */
const latest = 9223372036854775807n;
/** The latest that typed operations give: as far as numbers are exact. */
export const expiryMsMax: number = Number.MAX_SAFE_INTEGER;

/** What `readExpiry` returns for a point in time that does not fit 64 bits. */
export const isTooFar: number = Number.POSITIVE_INFINITY;

/**
 * Argument `i`, so many units after `baseMs`, in ms since 1970, before it if it is negative. NaN when it is
 * no integer, `isTooFar` when it does not fit. Exact as far as numbers are, to the year 287,396.
 */
export function readExpiry(request: Request, i: number, unitMs: number, baseMs: number): number {
  const amount = request.integer(i);
  const expiryMs = amount * unitMs + baseMs;
  if (amount !== amount || Number.isSafeInteger(expiryMs)) return expiryMs;
  const exact = parseBigInteger(request.bytes, request.start(i), request.length(i)) as bigint;
  const shifted = exact * BigInt(unitMs);
  if (shifted > latest || shifted < -latest - 1n || shifted + BigInt(baseMs) > latest) return isTooFar;
  return expiryMs;
}

/**
 * Argument `i` as the expiry of a key that is being set: ms since 1970. -1 after replying what is wrong
 * with it: it must be an integer, and positive.
 */
export function readPositiveExpiry(
  request: Request,
  i: number,
  unitMs: number,
  baseMs: number,
  command: string,
  reply: Reply,
): number {
  const expiryMs = readExpiry(request, i, unitMs, baseMs);
  if (expiryMs !== expiryMs) {
    reply.error(notAnInteger);
    return -1;
  }
  if (expiryMs !== isTooFar && request.integer(i) > 0) return expiryMs;
  reply.error(`ERR invalid expire time in '${command}' command`);
  return -1;
}

/** As `readPositiveExpiry`, for one of `expiryOptions`. */
export function readExpiryOption(
  request: Request,
  { word, value }: Chosen<string>,
  nowMs: number,
  command: string,
  reply: Reply,
): number {
  const unitMs = word === 'EX' || word === 'EXAT' ? 1000 : 1;
  const baseMs = word === 'EX' || word === 'PX' ? nowMs : 0;
  return readPositiveExpiry(request, value, unitMs, baseMs, command, reply);
}

/** Replies a time or a span of time in whole units, which may be beyond the safe integers. */
export function replyTime(reply: Reply, time: number): void {
  if (Number.isSafeInteger(time)) return reply.integer(time);
  const exact = BigInt(time);
  reply.bigInteger(exact > latest ? latest : exact);
}
