/**
 * What every way to fill a Request must give, as a list of named cases: decoders of protocols, and
 * `Request.assign`. A way's whole spec:
 *
 *     for (const { name, run } of requestConformance) it(name, () => run(makeSource()));
 */
import assert from 'node:assert/strict';
import type { Request } from '../request.js';

export interface RequestSource {
  /**
   * A request with these arguments, as a command receives it. Valid until the next call, which may use the
   * same object and the same bytes again.
   */
  next(args: readonly Uint8Array[]): Request;
}

export interface RequestCase {
  readonly name: string;
  run(source: RequestSource): void;
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const anyBytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

const samples: readonly (readonly Buffer[])[] = [
  [bytes('PING')],
  [bytes('GET'), bytes('')],
  [bytes('SET'), bytes('k'), anyBytes],
  [bytes('ECHO'), bytes('a\r\nb\0"c')],
  [bytes('MSET'), bytes(''), bytes(''), bytes('x'), bytes('')],
  [bytes('ECHO'), Buffer.alloc(100_000, 'long')],
  Array.from({ length: 1000 }, (_, i) => bytes(`argument ${i}`)),
  [bytes('PING')],
];

function argumentsOf(request: Request): string[] {
  return Array.from({ length: request.count }, (_, i) => request.byteString(i));
}

const texts = (args: readonly Uint8Array[]): string[] =>
  args.map((arg) => Buffer.from(arg).toString('latin1'));

/** Values of one argument, read in some way. */
function readings<T>(source: RequestSource, args: string[], read: (request: Request) => T): T[] {
  return args.map((arg) => read(source.next([bytes('X'), bytes(arg)])));
}

export const requestConformance: readonly RequestCase[] = [
  {
    name: 'the arguments are those that were sent, whatever came before',
    run(source) {
      for (const args of samples) assert.deepEqual(argumentsOf(source.next(args)), texts(args));
    },
  },
  {
    name: 'each argument lies within the bytes, after the one before',
    run(source) {
      for (const args of samples) {
        const request = source.next(args);
        let end = 0;
        for (let i = 0; i < request.count; i++) {
          assert.ok(request.start(i) >= end, `argument ${i} begins at ${request.start(i)}, not after ${end}`);
          assert.equal(request.length(i), args[i].length);
          end = request.start(i) + request.length(i);
        }
        assert.ok(end <= request.bytes.length);
        assert.equal(request.span, end - request.start(0));
      }
    },
  },
  {
    name: 'a view shows the bytes, and copies nothing',
    run(source) {
      const request = source.next([bytes('SET'), bytes('k'), anyBytes]);
      const view = request.view(2);
      assert.equal(view.buffer, request.bytes.buffer);
      assert.deepEqual([...view], [...anyBytes]);
    },
  },
  {
    name: 'a copy is owned: the next request does not change it',
    run(source) {
      const copy = source.next([bytes('SET'), bytes('key'), anyBytes]).copy(2);
      source.next([bytes('GET'), bytes('k2'), Buffer.alloc(256, 'z')]);
      assert.deepEqual([...copy], [...anyBytes]);
    },
  },
  {
    name: 'an owned request stays as it was, through other requests and changes of their bytes',
    run(source) {
      for (const args of samples) {
        const request = source.next(args);
        const owned = request.toOwned();
        assert.notEqual(owned, request);
        request.bytes.fill(0, request.start(0), request.start(0) + request.span);
        source.next([bytes('OTHER'), bytes('y'.repeat(300))]);
        assert.deepEqual(argumentsOf(owned), texts(args));
      }
    },
  },
  {
    name: 'a name is recognized in any case, as a whole',
    run(source) {
      const request = source.next(['GET', 'get', 'GeT', 'GETS', 'GE', 'GE\0', 'G\xc5T', ''].map(bytes));
      const found = argumentsOf(request).map((_, i) => request.is(i, 'GET'));
      assert.deepEqual(found, [true, true, true, false, false, false, false, false]);
      const dashed = source.next(['no-evict', 'NO-EVICT', 'NO\rEVICT', 'NO_EVICT'].map(bytes));
      assert.deepEqual(
        [0, 1, 2, 3].map((i) => dashed.is(i, 'NO-EVICT')),
        [true, true, false, false],
      );
    },
  },
  {
    name: 'integers are read strictly, as far as 64 bits',
    run(source) {
      const integer = (request: Request): number => request.integer(1);
      const right = ['0', '1', '-1', '10', '2147483648', '9007199254740991', '-9007199254740991'];
      assert.deepEqual(readings(source, right, integer), right.map(Number));
      const large = ['9223372036854775807', '-9223372036854775808'];
      assert.deepEqual(readings(source, large, integer), [2 ** 63, -(2 ** 63)]);
      const wrong = ['', ' 1', '1 ', '+1', '01', '-0', '-', '1.0', '1e3', '0x1', '9223372036854775808', 'a'];
      for (const [i, n] of readings(source, wrong, integer).entries()) assert.ok(Number.isNaN(n), wrong[i]);
    },
  },
  {
    name: 'doubles are read, infinities too, and nothing else',
    run(source) {
      const double = (request: Request): number => request.double(1);
      const right = ['0', '3', '-1.5', '1e3', '.5', '5.', '1e-300', 'inf', '-inf', '+Infinity', '0x10'];
      const values = [0, 3, -1.5, 1000, 0.5, 5, 1e-300, Infinity, -Infinity, Infinity, 16];
      assert.deepEqual(readings(source, right, double), values);
      const wrong = ['', ' 1', '1 ', 'nan', '1.5x', '1e400', '--1', 'a', '1\0'];
      for (const [i, n] of readings(source, wrong, double).entries()) assert.ok(Number.isNaN(n), wrong[i]);
    },
  },
  {
    name: 'a text is UTF-8',
    run(source) {
      const text = 'grün 漢字 🌲';
      assert.equal(source.next([bytes('X'), Buffer.from(text)]).text(1), text);
    },
  },
  {
    name: 'what is quoted ends at a zero byte, and at the length that is asked for',
    run(source) {
      const request = source.next([bytes('X'), bytes('abc\0def'), bytes('abcdef'), bytes('')]);
      assert.deepEqual(
        [request.quoted(1), request.quoted(1, 2), request.quoted(2, 4), request.quoted(2), request.quoted(3)],
        ['abc', 'ab', 'abcd', 'abcdef', ''],
      );
    },
  },
];
