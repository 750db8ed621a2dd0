import { describe, expect, it } from 'vitest';
import { doubleOf, formatDouble, parseDouble } from './bytes.js';
import { SeededRandom } from './testing/simulated-env.js';

function parse(text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  return parseDouble(bytes, 0, bytes.length);
}

describe('parseDouble', () => {
  it.each([
    ['0', 0],
    ['-0', -0],
    ['12', 12],
    ['-1.5', -1.5],
    ['+1.5', 1.5],
    ['007', 7],
    ['1.', 1],
    ['.5', 0.5],
    ['1e3', 1000],
    ['1.5E-3', 0.0015],
    ['0e99999', 0],
    ['5e-324', 5e-324],
    ['1.7976931348623157e308', Number.MAX_VALUE],
    ['0x10', 16],
    ['-0XfF', -255],
    ['0x1.8p1', 3],
    ['0x.8', 0.5],
    ['0x1p-2', 0.25],
    ['0x0', 0],
    ['inf', Number.POSITIVE_INFINITY],
    ['+Infinity', Number.POSITIVE_INFINITY],
    ['-INF', Number.NEGATIVE_INFINITY],
  ])('reads %s', (text, n) => {
    expect(parse(text)).toBe(n);
  });

  it.each([
    '',
    ' 1',
    '1 ',
    '1\0',
    'abc',
    '1e',
    'e1',
    '.',
    '-',
    '+',
    '--1',
    '1,5',
    'nan',
    'NaN',
    '0x',
    '0x.',
    '0xg',
    '0x1p',
    'infin',
    '1e400',
    '-1e400',
    '1e-400',
    '0.001e-400',
    '0x1p2000',
    '1_000',
  ])('refuses %j', (text) => {
    expect(parse(text)).toBeNaN();
  });

  it('does not take hours for a megabyte of digits that is no number', () => {
    const digits = '1'.repeat(1024 * 1024);
    for (const text of [`${digits}x`, `0x${digits}q`, `${digits}.${digits}e`, `.${digits}.`]) {
      expect(doubleOf(text), text.slice(-3)).toBeNaN();
    }
    expect(doubleOf(`0.${digits}`)).toBeCloseTo(1 / 9);
  });

  it('reads a point at either end', () => {
    expect(['1.', '.5', '0x1.', '0x.8', '1.e2'].map(doubleOf)).toEqual([1, 0.5, 1, 0.5, 100]);
    expect(['.', '0x', '0x.', '1..', 'e5'].map(doubleOf)).toEqual(Array(5).fill(Number.NaN));
  });

  it('leaves the range to its caller in doubleOf', () => {
    expect(doubleOf('1e400')).toBe(Number.POSITIVE_INFINITY);
    expect(doubleOf('-1e-400')).toBe(-0);
    expect(doubleOf('x')).toBeNaN();
  });
});

describe('formatDouble', () => {
  // What d2string and fpconv_dtoa of Redis 7.2 give.
  it.each([
    [0, '0'],
    [-0, '-0'],
    [3, '3'],
    [-17, '-17'],
    [0.1, '0.1'],
    [3.25, '3.25'],
    [9999.123456789, '9999.123456789'],
    [12345.678, '12345.678'],
    [12345.1234567, '1.23451234567e+4'],
    [1700000000.123456, '1700000000.123456'],
    [1700000000.1234567, '1.7000000001234567e+9'],
    [0.001, '0.001'],
    [0.0001, '0.0001'],
    [0.000001, '0.000001'],
    [1e-7, '1e-7'],
    [0.00000123, '1.23e-6'],
    [-1.5e-10, '-1.5e-10'],
    [5e-324, '5e-324'],
    [1e17, '100000000000000000'],
    [2 ** 53, '9007199254740992'],
    [-(2 ** 60), '-1152921504606846976'],
    [2 ** 62, '4611686018427387904'],
    [1e19, '1e+19'],
    [2 ** 63, '9223372036854776000'],
    [12345678901234567000, '12345678901234567000'],
    [1e21, '1e+21'],
    [1.5e300, '1.5e+300'],
    [Number.MAX_VALUE, '1.7976931348623157e+308'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf'],
    [Number.NaN, 'nan'],
  ])('prints %d as %s', (n, text) => {
    expect(formatDouble(n)).toBe(text);
  });

  it('prints what reads back the same', () => {
    const random = new SeededRandom(1);
    const bits = new Uint32Array(2);
    const n = new Float64Array(bits.buffer);
    for (let i = 0; i < 20_000; i++) {
      bits[0] = random.uint32();
      bits[1] = random.uint32();
      if (i % 2 === 0) n[0] = (random.uint32() - 2 ** 31) / 10 ** (i % 12);
      if (Number.isFinite(n[0])) expect(parse(formatDouble(n[0]))).toBe(n[0]);
    }
  });
});
