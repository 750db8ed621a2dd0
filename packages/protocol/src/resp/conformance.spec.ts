/** What holds for every Request and Reply, here as they come over the Redis protocol. */
import type { Request } from '@holdfast/common';
import {
  type ReplyMedium,
  type ReplyShape,
  replyConformance,
  requestConformance,
  showInResp2,
} from '@holdfast/common/testing';
import { describe, it } from 'vitest';
import { encodeRequest, ReplyReader, type WireReply } from '../testing/index.js';
import { BufferPool } from './buffer-pool.js';
import { RequestDecoder } from './decoder.js';
import { RespReply } from './reply.js';

/** Requests by one decoder, out of one buffer that is used again and again. */
function decoded(encode: (args: readonly Uint8Array[]) => Buffer): {
  next(args: readonly Uint8Array[]): Request;
} {
  const decoder = new RequestDecoder(1 << 29);
  const buffer = Buffer.alloc(1 << 20);
  return {
    next(args) {
      const length = encode(args).copy(buffer, 3);
      const end = decoder.decode(buffer, 3, 3 + length);
      if (end !== 3 + length) throw new Error(`decoded up to ${end} of ${3 + length}: ${decoder.error}`);
      return decoder.request;
    },
  };
}

describe('a request in an array of bulk strings', () => {
  for (const { name, run } of requestConformance) it(name, () => run(decoded(encodeRequest)));
});

/** Each argument in quotes, each byte in hexadecimal: too long for a line where arguments are many or long. */
function encodeInline(args: readonly Uint8Array[]): Buffer {
  const line = args.map((arg) => `"${Buffer.from(arg).toString('hex').replace(/../g, '\\x$&')}"`).join(' ');
  return line.length > 60_000 ? encodeRequest(args) : Buffer.from(`${line}\r\n`);
}

describe('a request in a line', () => {
  for (const { name, run } of requestConformance) it(name, () => run(decoded(encodeInline)));
});

const kinds: Readonly<Record<string, ReplyShape['kind']>> = {
  '+': 'status',
  '-': 'error',
  ':': 'integer',
  ',': 'double',
  $: 'bytes',
  _: 'null',
  '#': 'boolean',
  '(': 'bigNumber',
  '=': 'verbatim',
  '*': 'array',
  '%': 'map',
  '~': 'set',
  '>': 'push',
};

function shapeOf({ type, text, items }: WireReply): ReplyShape {
  if (items !== null) return { kind: kinds[type], items: items.map(shapeOf) };
  if (text === null) return { kind: 'null' };
  if (type === '#') return { kind: 'boolean', text: text === 't' ? 'true' : 'false' };
  return { kind: kinds[type], text: type === '=' ? text.slice('txt:'.length) : text };
}

function medium(dialect: 2 | 3): ReplyMedium {
  const reply = new RespReply(new BufferPool());
  reply.dialect = dialect;
  const reader = new ReplyReader();
  return {
    reply,
    show: dialect === 2 ? showInResp2 : (shape) => shape,
    read() {
      const sent = Buffer.from(reply.bytes.subarray(0, reply.length));
      reply.consume(reply.length, false);
      return reader.push(sent).map(shapeOf);
    },
  };
}

describe.each([2, 3] as const)('a reply in RESP%i', (dialect) => {
  for (const { name, run } of replyConformance) it(name, () => run(medium(dialect)));
});
