/** What of a reply two servers must agree on, by the command it answers. */
import { renderReply, type WireReply } from '@holdfast/protocol/testing';
import { sorted, typesOf } from '../matrix.js';
import { isUnpredictable } from './known-differences.js';
import { called, nameOf, type RandomRequest } from './request.js';

/** Replies without an order of their own. */
const unordered =
  /^(KEYS|SMEMBERS|SUNION|SINTER|SDIFF|HKEYS|HVALS|PUBSUB (SHARD)?CHANNELS|GEORADIUS.*|GEOSEARCH)$/;
/** Elements drawn at random, bytes that depend on the version of a format, seconds since. */
const shapeOnly = /^(RANDOMKEY|SPOP|SRANDMEMBER|HRANDFIELD|ZRANDMEMBER|DUMP|OBJECT IDLETIME|OBJECT FREQ)$/;
const scan = /^([HSZ]?SCAN)$/;
/** Numbers that go on while the servers are asked, of which one may be far behind; in seconds or milliseconds. */
const clocks = /^P?(TTL|EXPIRETIME)$/;
const clockTolerance: Readonly<Record<string, number>> = { TTL: 60, EXPIRETIME: 60 };
const msTolerance = 60_000;
/** Numbers as text: Redis 7.2 prints the shortest digits that read back the same, 7.0 prints 17. */
const scored = /^(Z|BZ|GEO|EVAL|FCALL)/;

/** Text that is equal when the replies are. */
export function comparable(whole: RandomRequest, reply: WireReply): string {
  const request = called(whole);
  const name = nameOf(request);
  if (reply.type === '-') return renderReply(reply);
  if (shapeOnly.test(name) || hasAny(request) || isUnpredictable(whole)) return typesOf(reply);
  if (scan.test(name)) return scanned(request, reply);
  if (unordered.test(name)) return renderReply(sorted(scored.test(name) ? plainNumbers(reply) : reply, 1));
  if (name === 'HGETALL') return renderReply(sorted(reply, 2));
  if (scored.test(name)) return renderReply(plainNumbers(reply));
  if (name.startsWith('X')) return timeless(name, renderReply(reply));
  return renderReply(reply);
}

/** Whether two replies are the same to the byte, as most are. */
export function isSameReply(theirs: WireReply, ours: WireReply): boolean {
  if (theirs.type !== ours.type || theirs.text !== ours.text) return false;
  const [a, b] = [theirs.items, ours.items];
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((item, i) => isSameReply(item, b[i]));
}

/** Whether numbers that depend on the moment are as good as equal. */
export function isEqualButForTime(request: RandomRequest, theirs: WireReply, ours: WireReply): boolean {
  const name = nameOf(request);
  if (!clocks.test(name) || theirs.type !== ':' || ours.type !== ':') return false;
  return isSameMoment(theirs, ours, clockTolerance[name]);
}

/** Whether two moments, or times that are left, are the same but for the time between the servers' looks at a clock. */
export function isSameMoment(theirs: WireReply, ours: WireReply, tolerance: number = msTolerance): boolean {
  const [a, b] = [Number(theirs.text), Number(ours.text)];
  const isFar = a > Number.MAX_SAFE_INTEGER && Math.abs(b) > Number.MAX_SAFE_INTEGER;
  return a === b || isFar || (a >= 0 && b >= 0 && Math.abs(a - b) <= tolerance);
}

/** GEO searches with ANY take what they find first. */
function hasAny(request: RandomRequest): boolean {
  return /^GEO(SEARCH|RADIUS)/i.test(request[0]) && request.some((word) => word.toUpperCase() === 'ANY');
}

/** What is said of a page of a scan; a server may take several to say what another says in one. */
export const onePage = 'a page';

/** A scan that was over at once has seen everything; cursors are the server's own. */
function scanned(request: RandomRequest, reply: WireReply): string {
  const [next, page] = reply.items ?? [];
  const isWhole = next?.text === '0' && request[request[0].toUpperCase() === 'SCAN' ? 1 : 2] === '0';
  if (!isWhole || page === undefined) return onePage;
  return renderReply(sorted(plainNumbers(page), /^[HZ]/i.test(request[0]) ? 2 : 1));
}

function plainNumbers(reply: WireReply): WireReply {
  if (reply.items !== null) return { ...reply, items: reply.items.map(plainNumbers) };
  if (reply.text === null || (reply.type !== '$' && reply.type !== ',') || !/\d/.test(reply.text))
    return reply;
  const number = Number(reply.text);
  return Number.isNaN(number) ? reply : { ...reply, text: String(number === 0 ? 0 : number) };
}

/**
 * Without what depends on the time. Redis keeps a node of a stream without entries when its last one had been
 * deleted one by one before the others were trimmed.
 */
export function timeless(name: string, reply: string): string {
  const plain = reply
    .replace(/\$"(seen-time|active-time|idle|inactive)", :-?\d+(, )?/g, '')
    .replace(/\$"(radix-tree-keys|radix-tree-nodes)", :\d+/g, '')
    .replace(/:1[78]\d{11}\b/g, ':time');
  return name === 'XPENDING' ? plain.replace(/, :\d+, (:\d+\])/g, ', :idle, $1') : plain;
}
