import { describe, expect, it } from 'vitest';
import { quoted, unquoted } from './quoted-value.js';

describe('a value of a config file', () => {
  it('is read without its quotes, as Redis reads it', () => {
    expect(unquoted('"two words"')).toBe('two words');
    expect(unquoted(`'a "name"'`)).toBe('a "name"');
    expect(unquoted(String.raw`'it\'s \n'`)).toBe(String.raw`it's \n`);
    expect(unquoted(String.raw`"a\"b\\c\n\r\t\b\a\q"`)).toBe('a"b\\c\n\r\t\b\x07q');
    expect(unquoted(String.raw`"\xc3\xa9\x41"`)).toBe('éA');
    expect(unquoted('""')).toBe('');
  });

  it('stands as it is where it is not one value in quotes', () => {
    for (const text of ['plain', '"open', 'a "b" c', '"a" "b"', String.raw`C:\new`, `it's`]) {
      expect(unquoted(text)).toBe(text);
    }
  });

  it('is written as it will be read', () => {
    const values = [
      '',
      ' ',
      '"',
      "'",
      '"q"',
      "'q'",
      '#x',
      'a\nb',
      '\r',
      'tail ',
      '\\',
      'a\\',
      'é\x01',
      '\x7f',
      'plain',
      'a b',
      '\udcff',
    ];
    for (const value of values) {
      expect(quoted(value)).not.toMatch(/[\n\r]/);
      expect(unquoted(quoted(value))).toBe(value);
    }
    expect(quoted('a b')).toBe('a b');
  });
});
