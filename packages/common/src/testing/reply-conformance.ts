/**
 * What every Reply must do, as a list of named cases: whatever it writes into, what a command said is what the
 * client gets. An implementation's whole spec:
 *
 *     for (const { name, run } of replyConformance) it(name, () => run(makeMedium()));
 */
import assert from 'node:assert/strict';
import { formatDouble } from '../bytes.js';
import type { Reply } from '../reply.js';

/** A reply as the client sees it. `text` is a byte string; a map's items are keys and values in turn. */
export interface ReplyShape {
  readonly kind: keyof typeof kindWords;
  readonly text?: string;
  readonly items?: readonly ReplyShape[];
}

const kindWords = {
  status: 'status',
  error: 'error',
  integer: 'integer',
  double: 'double',
  bytes: 'bytes',
  null: 'null',
  boolean: 'boolean',
  bigNumber: 'big number',
  verbatim: 'verbatim',
  array: 'array',
  map: 'map',
  set: 'set',
  push: 'push',
} as const;

export interface ReplyMedium {
  readonly reply: Reply;
  /** Writes one reply, where the medium has something to do before and after each. */
  readonly frame?: (write: () => void) => void;
  /** Reads, and forgets, the replies that are complete, as a client would. */
  read(): ReplyShape[];
  /** What a client sees of what the medium has no form for; the same shape for what it has. Items are done already. */
  readonly show: (shape: ReplyShape) => ReplyShape;
}

export interface ReplyCase {
  readonly name: string;
  run(medium: ReplyMedium): void;
}

// Shapes

type Kind = ReplyShape['kind'];
const scalar =
  (kind: Kind) =>
  (text: string): ReplyShape => ({ kind, text });
const aggregate =
  (kind: Kind) =>
  (...items: ReplyShape[]): ReplyShape => ({ kind, items });

const status = scalar('status');
const bytes = scalar('bytes');
const failure = scalar('error');
const integer = (n: number | bigint): ReplyShape => ({ kind: 'integer', text: String(n) });
const double = (n: number): ReplyShape => ({ kind: 'double', text: formatDouble(n) });
const boolean = (value: boolean): ReplyShape => ({ kind: 'boolean', text: String(value) });
const bigNumber = scalar('bigNumber');
const verbatim = scalar('verbatim');
const nothing: ReplyShape = { kind: 'null' };
const array = aggregate('array');
const map = aggregate('map');
const set = aggregate('set');
const push = aggregate('push');

/** One way in which media differ: RESP2 has none of what RESP3 added. */
export function showInResp2(shape: ReplyShape): ReplyShape {
  const { kind, text } = shape;
  if (kind === 'map' || kind === 'set' || kind === 'push') return { ...shape, kind: 'array' };
  if (kind === 'boolean') return { kind: 'integer', text: text === 'true' ? '1' : '0' };
  return kind === 'double' || kind === 'bigNumber' || kind === 'verbatim'
    ? { ...shape, kind: 'bytes' }
    : shape;
}

/** What a JavaScript or gRPC value tells apart: no pushes, no verbatim texts, one kind of integer. */
export function showAsValue(shape: ReplyShape): ReplyShape {
  if (shape.kind === 'push') return { ...shape, kind: 'array' };
  if (shape.kind === 'verbatim') return { ...shape, kind: 'bytes' };
  return shape.kind === 'bigNumber' ? { ...shape, kind: 'integer' } : shape;
}

/** Says a shape as a command would. */
function write(reply: Reply, { kind, text = '', items = [] }: ReplyShape): void {
  switch (kind) {
    case 'status':
      return text === 'OK' ? reply.ok() : reply.simple(text);
    case 'error':
      return reply.error(text);
    case 'integer':
      return Number.isSafeInteger(Number(text))
        ? reply.integer(Number(text))
        : reply.bigInteger(BigInt(text));
    case 'double':
      return reply.double(text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text));
    case 'bytes':
      return reply.bulk(Buffer.from(text, 'latin1'), 0, text.length);
    case 'null':
      return reply.null();
    case 'boolean':
      return reply.boolean(text === 'true');
    case 'bigNumber':
      return reply.bigNumber(text);
    case 'verbatim':
      return reply.verbatim('txt', text);
    case 'map':
      reply.map(items.length / 2);
      break;
    default:
      reply[kind](items.length);
  }
  for (const item of items) write(reply, item);
}

function shown(shape: ReplyShape, show: ReplyMedium['show']): ReplyShape {
  const { items } = shape;
  return show(items === undefined ? shape : { ...shape, items: items.map((item) => shown(item, show)) });
}

/** Shapes on one line, so that a difference can be read. */
function render({ kind, text, items }: ReplyShape): string {
  if (items !== undefined) return `${kindWords[kind]}[${items.map(render).join(', ')}]`;
  return text === undefined ? kindWords[kind] : `${kindWords[kind]} ${JSON.stringify(text.slice(0, 200))}`;
}

/** Writes replies, one each. */
function answer({ reply, frame }: ReplyMedium, ...writes: ((reply: Reply) => void)[]): void {
  for (const write of writes) {
    if (frame === undefined) write(reply);
    else frame(() => write(reply));
  }
}

/** Writes shapes, one after another, and reads them back. */
function roundTrip(medium: ReplyMedium, shapes: readonly ReplyShape[]): void {
  answer(medium, ...shapes.map((shape) => (reply: Reply) => write(reply, shape)));
  expectRead(medium, shapes);
}

function expectRead(medium: ReplyMedium, shapes: readonly ReplyShape[]): void {
  const read = medium.read();
  assert.equal(read.length, shapes.length, `${read.length} replies for ${shapes.length}`);
  for (const [i, shape] of shapes.entries()) {
    const expected = shown(shape, medium.show);
    assert.equal(render(read[i]), render(expected));
    assert.deepEqual(read[i], expected);
  }
}

const anyBytes = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
const scalars: readonly ReplyShape[] = [
  status('OK'),
  status('QUEUED'),
  integer(7),
  double(1.5),
  bytes('text'),
  nothing,
  boolean(true),
  boolean(false),
  bigNumber('12345678901234567890123456789'),
  verbatim('some text'),
];

export const replyConformance: readonly ReplyCase[] = [
  {
    name: 'each kind of reply arrives as what it is',
    run: (medium) => roundTrip(medium, scalars),
  },
  {
    name: 'bytes are bytes: none, any, and many',
    run: (medium) =>
      roundTrip(
        medium,
        ['', 'a', anyBytes, '\r\n$-1\r\n', 'x'.repeat(16_384), anyBytes.repeat(1000)].map(bytes),
      ),
  },
  {
    name: 'a bulk is the part of a buffer that was named',
    run(medium) {
      const hello = Buffer.from('hello world');
      answer(
        medium,
        (reply) => reply.bulk(hello, 6, 5),
        (reply) => reply.bulk(hello, 0, 0),
        (reply) => reply.bulk(hello.subarray(3), 2, 4),
      );
      expectRead(medium, [bytes('world'), bytes(''), bytes(' wor')]);
    },
  },
  {
    name: 'bytes are copied before the call returns',
    run(medium) {
      const source = Buffer.from('before');
      answer(
        medium,
        (reply) => {
          reply.bulk(source, 0, 6);
          source.fill('y');
        },
        (reply) => {
          reply.array(1);
          reply.bulk(Buffer.from('bef'), 0, 3);
        },
      );
      source.fill('x');
      expectRead(medium, [bytes('before'), array(bytes('bef'))]);
    },
  },
  {
    name: 'a text is UTF-8, a byte string has a character a byte',
    run(medium) {
      answer(
        medium,
        (reply) => reply.text('grün 漢字'),
        (reply) => reply.byteString('gr\xfcn'),
        (reply) => reply.byteString(''),
        (reply) => reply.text(''),
      );
      const utf8 = Buffer.from('grün 漢字').toString('latin1');
      expectRead(medium, [bytes(utf8), bytes('gr\xfcn'), bytes(''), bytes('')]);
    },
  },
  {
    name: 'integers arrive exactly, over all 64 bits',
    run(medium) {
      const small = [
        0,
        1,
        -1,
        9,
        10,
        -10,
        2 ** 31 - 1,
        2 ** 31,
        -(2 ** 31) - 1,
        2 ** 32,
        2 ** 53 - 1,
        1 - 2 ** 53,
      ];
      const large = [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)];
      roundTrip(medium, [...small, ...large].map(integer));
    },
  },
  {
    name: 'doubles arrive exactly',
    run: (medium) =>
      roundTrip(
        medium,
        [0, 3, -1.5, 0.1, 1 / 3, 1e17, 1e300, 5e-324, -1e-7, Infinity, -Infinity].map(double),
      ),
  },
  {
    name: 'an error is marked, remembered, and one line',
    run(medium) {
      const { reply } = medium;
      const first = (): void => {
        reply.failed = false;
        reply.ok();
        assert.equal(reply.failed, false);
      };
      const second = (): void => {
        reply.error('ERR first');
        assert.deepEqual([reply.failed, reply.lastError], [true, 'ERR first']);
        reply.failed = false;
      };
      const third = (): void => {
        reply.error('WRONGTYPE a\r\nb\nc');
        assert.deepEqual([reply.failed, reply.lastError.split(' ')[0]], [true, 'WRONGTYPE']);
      };
      answer(medium, first, second, third);
      expectRead(medium, [status('OK'), failure('ERR first'), failure('WRONGTYPE a  b c')]);
    },
  },
  {
    name: 'an error in an aggregate is one of its items',
    run: (medium) => roundTrip(medium, [array(integer(1), failure('ERR no'), integer(2)), failure('ERR no')]),
  },
  {
    name: 'aggregates of no items are whole',
    run: (medium) =>
      roundTrip(medium, [array(), map(), set(), push(), array(array(), map(), set()), integer(1)]),
  },
  {
    name: 'aggregates have their items in order, of every kind',
    run: (medium) =>
      roundTrip(medium, [
        array(...scalars),
        map(...scalars),
        set(...scalars),
        push(bytes('message'), bytes('channel'), bytes('payload')),
        map(bytes('z'), integer(1), bytes('a'), integer(2), bytes('z'), integer(3)),
      ]),
  },
  {
    name: 'aggregates nest, as keys, values and last items too',
    run(medium) {
      const pair = map(array(integer(1)), map(bytes('k'), set(bytes('m'))));
      let deep: ReplyShape = bytes('bottom');
      for (let depth = 0; depth < 24; depth++)
        deep = depth % 2 === 0 ? array(deep) : map(integer(depth), deep);
      roundTrip(medium, [
        array(pair, array(array()), pair),
        array(array(array(bytes('a')))),
        deep,
        integer(1),
      ]);
    },
  },
  {
    name: 'an aggregate may be long',
    run: (medium) =>
      roundTrip(medium, [array(...Array.from({ length: 20_000 }, (_, i) => integer(i))), integer(1)]),
  },
  {
    name: 'no value is no value, where an array was expected too',
    run(medium) {
      answer(
        medium,
        (reply) => reply.null(),
        (reply) => reply.nullArray(),
        (reply) => {
          reply.array(2);
          reply.null();
          reply.nullArray();
        },
      );
      expectRead(medium, [nothing, nothing, array(nothing, nothing)]);
    },
  },
  {
    name: 'replies come one by one, as they were written and read',
    run(medium) {
      assert.deepEqual(medium.read(), []);
      for (let i = 0; i < 300; i++) {
        const shapes = [integer(i), array(bytes(String(i)), nothing)].slice(0, (i % 2) + 1);
        roundTrip(medium, shapes);
      }
      roundTrip(
        medium,
        Array.from({ length: 3000 }, (_, i) => bytes('x'.repeat(i % 100))),
      );
      assert.deepEqual(medium.read(), []);
    },
  },
  {
    name: 'the dialect is the one of the client, and stays',
    run(medium) {
      const { dialect } = medium.reply;
      assert.ok(dialect === 2 || dialect === 3);
      answer(medium, (reply) => write(reply, map(bytes('k'), double(1))));
      assert.equal(medium.reply.dialect, dialect);
    },
  },
];
