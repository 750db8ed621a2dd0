import { describe, expect, it } from 'vitest';
import {
  addLongDoubles,
  formatFixed,
  formatLongDouble,
  type LongDouble,
  longDoubleOf,
  parseLongDouble,
} from './long-double.js';

const add = (a: string, b: string): string | null => {
  const sum = addLongDoubles(parseLongDouble(a) as LongDouble, parseLongDouble(b) as LongDouble);
  return sum === null ? null : formatLongDouble(sum);
};

describe('long doubles', () => {
  // What redis-server 7.0 on x86-64 replies to SET and INCRBYFLOAT.
  it.each([
    ['10.50', '0.1', '10.6'],
    ['0.1', '0.2', '0.3'],
    ['5.0e3', '2.0e2', '5200'],
    ['3', '-3', '0'],
    ['-0.1', '0.1', '0'],
    ['0', '-0', '0'],
    ['1', '1e-17', '1.00000000000000001'],
    ['1', '1e-18', '1'],
    ['17179869184', '1.5', '17179869185.5'],
    ['9223372036854775807', '1', '9223372036854775808'],
    ['18446744073709551615', '1', '18446744073709551616'],
    ['18446744073709551616', '1', '18446744073709551616'],
    ['18446744073709551616', '3', '18446744073709551620'],
    ['36893488147419103231', '0', '36893488147419103232'],
    ['36893488147419103231', '-36893488147419103230', '2'],
    ['3.0e3', '0.00000000000000001', '3000'],
    ['0', '1.5e-5', '0.000015'],
    ['0', '0x1.8p3', '12'],
    ['0', '0x10', '16'],
    ['0', '.5', '0.5'],
    ['0', '5.', '5'],
    ['0', '+3', '3'],
  ])('%s + %s = %s', (a, b, sum) => {
    expect(add(a, b)).toBe(sum);
  });

  it('have the range of 80 bits', () => {
    expect(add('1e4932', '0')).toHaveLength(4933);
    expect(add('1.18973149535723176e+4932', '1.18973149535723176e+4932')).toBeNull();
    expect(parseLongDouble('1e4933')).toBeNull();
    expect(parseLongDouble('-1e4933')).toBeNull();
    // The smallest value is 3.6e-4951; half of it is out of range, as strtold says, not 0.
    expect(parseLongDouble('3.7e-4951')).toEqual({ mantissa: 1n, exponent: -16445 });
    expect(parseLongDouble('1e-4951')).toBeNull();
    expect(parseLongDouble('0e99999')).toEqual({ mantissa: 0n, exponent: 0 });
    expect(parseLongDouble('1e999999999999')).toBeNull();
  });

  it('may be infinite, but not their sum', () => {
    for (const infinite of ['inf', '-inf', '+Infinity', 'INF']) {
      expect(parseLongDouble(infinite)).not.toBeNull();
      expect(add(infinite, '1')).toBeNull();
    }
    expect(add('inf', '-inf')).toBeNull();
  });

  it('are not read from anything else', () => {
    const texts = [
      '',
      ' 1',
      '1 ',
      '.',
      '-',
      '1e',
      '1e+',
      '0x',
      '0xp1',
      'nan',
      'abc',
      '1.2.3',
      '1_0',
      '1\0',
      'infi',
    ];
    for (const text of texts) expect([text, parseLongDouble(text)]).toEqual([text, null]);
    expect(parseLongDouble('1'.padEnd(4000, '0'))).not.toBeNull();
    expect(parseLongDouble('0'.repeat(5120))).toBeNull();
  });
});

describe('doubles as long doubles', () => {
  it.each([
    [13.361389338970184, '13.36138933897018433'],
    [-0.1, '-0.10000000000000001'],
    [180, '180'],
    [0, '0'],
    [-85.05112751263943, '-85.05112751263942528'],
    [5e-324, '0'],
    [2 ** 60, '1152921504606846976'],
  ])('%d is shown as %s', (n, text) => {
    expect(formatLongDouble(longDoubleOf(n))).toBe(text);
  });

  it('are rounded to even in the middle, with as many digits as wanted', () => {
    expect(formatFixed(longDoubleOf(0.0078125), 6)).toBe('0.007812');
    expect(formatFixed(longDoubleOf(0.0234375), 6)).toBe('0.023438');
    expect(formatFixed(longDoubleOf(-200), 6)).toBe('-200.000000');
    expect(formatFixed(longDoubleOf(1e22), 2)).toBe('10000000000000000000000.00');
  });
});
