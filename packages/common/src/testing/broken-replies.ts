/** Replies that are wrong in one way each. The conformance suite must fail every one of them. */
import { ErrorReply, MapReply, type ReplyValue, ValueReply } from '../value-reply.js';
import type { ReplyMedium } from './reply-conformance.js';
import { shapeOf, valueMedium } from './value-medium.js';

const replies: Record<string, () => ValueReply> = {
  'keeps the bytes it is given': () =>
    new (class extends ValueReply {
      readonly #kept: Buffer[] = [];
      override bulk(bytes: Uint8Array, start: number, length: number): void {
        this.#kept.push(Buffer.from(bytes.buffer, bytes.byteOffset + start, length));
        super.bulk(bytes, start, length);
      }
      override take(): ReplyValue | undefined {
        const value = super.take();
        return Buffer.isBuffer(value) ? this.#kept.shift() : value;
      }
    })(),
  'sends the whole buffer': () =>
    new (class extends ValueReply {
      override bulk(bytes: Uint8Array): void {
        super.bulk(bytes, 0, bytes.length);
      }
    })(),
  'says nothing for no bytes': () =>
    new (class extends ValueReply {
      override bulk(bytes: Uint8Array, start: number, length: number): void {
        if (length === 0) this.null();
        else super.bulk(bytes, start, length);
      }
    })(),
  'cuts what is long': () =>
    new (class extends ValueReply {
      override bulk(bytes: Uint8Array, start: number, length: number): void {
        super.bulk(bytes, start, length & 0xffff);
      }
    })(),
  'encodes bytes as a text': () =>
    new (class extends ValueReply {
      override bulk(bytes: Uint8Array, start: number, length: number): void {
        this.text(Buffer.from(bytes.subarray(start, start + length)).toString('utf8'));
      }
    })(),
  'encodes a text byte by byte': () =>
    new (class extends ValueReply {
      override text(value: string): void {
        this.byteString(value);
      }
    })(),
  'counts in 32 bits': () =>
    new (class extends ValueReply {
      override integer(n: number): void {
        super.integer(n | 0);
      }
    })(),
  'rounds large integers': () =>
    new (class extends ValueReply {
      override bigInteger(n: bigint): void {
        super.bigInteger(BigInt(Number(n)));
      }
    })(),
  'rounds doubles': () =>
    new (class extends ValueReply {
      override double(n: number): void {
        super.double(Number(n.toPrecision(15)));
      }
    })(),
  'sends integers for whole doubles': () =>
    new (class extends ValueReply {
      override double(n: number): void {
        if (Number.isInteger(n)) this.integer(n);
        else super.double(n);
      }
    })(),
  'does not mark errors': () =>
    new (class extends ValueReply {
      override error(message: string): void {
        super.error(message);
        this.failed = false;
      }
    })(),
  'forgets what the error was': () =>
    new (class extends ValueReply {
      override error(message: string): void {
        super.error(message);
        this.lastError = '';
      }
    })(),
  'marks what is no error': () =>
    new (class extends ValueReply {
      override ok(): void {
        super.ok();
        this.failed = true;
      }
    })(),
  'ends an aggregate with an error': () =>
    new (class extends ValueReply {
      #left = 0;
      override array(count: number): void {
        super.array(count);
        this.#left = count;
      }
      override integer(n: number): void {
        super.integer(n);
        this.#left--;
      }
      override error(message: string): void {
        super.error(message);
        for (this.#left--; this.#left > 0; this.#left--) super.null();
      }
    })(),
  'sends errors as they are': () =>
    new (class extends ValueReply {
      override take(): ReplyValue | undefined {
        const value = super.take();
        return value instanceof ErrorReply ? new ErrorReply(this.lastError) : value;
      }
    })(),
  'waits for items of an empty aggregate': () =>
    new (class extends ValueReply {
      override array(count: number): void {
        super.array(Math.max(count, 1));
      }
    })(),
  'counts a map by its items': () =>
    new (class extends ValueReply {
      override map(count: number): void {
        super.map(count / 2);
      }
    })(),
  'sorts a map': () =>
    new (class extends ValueReply {
      override take(): ReplyValue | undefined {
        const value = super.take();
        if (value instanceof MapReply) value.entries.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
        return value;
      }
    })(),
  'keeps each key of a map once': () =>
    new (class extends ValueReply {
      override take(): ReplyValue | undefined {
        const value = super.take();
        if (!(value instanceof MapReply)) return value;
        const once = new MapReply();
        const seen = new Set<string>();
        for (const [key, item] of value.entries) {
          const name = JSON.stringify(shapeOf(key));
          if (!seen.has(name)) once.entries.push([key, item]);
          seen.add(name);
        }
        return once;
      }
    })(),
  'nests no deeper than ten': () =>
    new (class extends ValueReply {
      override take(): ReplyValue | undefined {
        const value = super.take();
        return value === undefined ? undefined : cutBelow(value, 10);
      }
    })(),
  'takes sets for arrays': () =>
    new (class extends ValueReply {
      override set(count: number): void {
        this.array(count);
      }
    })(),
  'takes true for 1': () =>
    new (class extends ValueReply {
      override boolean(value: boolean): void {
        this.integer(value ? 1 : 0);
      }
    })(),
  'shows no array as an empty one': () =>
    new (class extends ValueReply {
      override nullArray(): void {
        this.array(0);
      }
    })(),
  'gives the newest reply first': () =>
    new (class extends ValueReply {
      override take(): ReplyValue | undefined {
        const all: ReplyValue[] = [];
        for (let value = super.take(); value !== undefined; value = super.take()) all.push(value);
        const newest = all.pop();
        for (const value of all) if (typeof value === 'number') this.integer(value);
        return newest;
      }
    })(),
  'loses replies that were not read at once': () =>
    new (class extends ValueReply {
      override simple(text: string): void {
        while (this.take() !== undefined);
        super.simple(text);
      }
    })(),
  'changes its dialect with a map': () =>
    new (class extends ValueReply {
      override map(count: number): void {
        this.dialect = 2;
        super.map(count);
      }
    })(),
};

function cutBelow(value: ReplyValue, depth: number): ReplyValue {
  if (depth === 0) return null;
  if (Array.isArray(value)) return value.map((item) => cutBelow(item, depth - 1));
  if (!(value instanceof MapReply)) return value;
  const cut = new MapReply();
  for (const pair of value.entries) cut.entries.push([pair[0], cutBelow(pair[1], depth - 1)]);
  return cut;
}

/** Each with a fresh writer on every call of `make`. */
export const brokenReplies: readonly { name: string; make(): ReplyMedium }[] = Object.entries(replies).map(
  ([name, makeReply]) => ({ name, make: () => valueMedium(makeReply()) }),
);
