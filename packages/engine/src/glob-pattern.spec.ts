import { hashSlotOf } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { globMatch } from './glob.js';
import { GlobPattern } from './glob-pattern.js';

const matches = (pattern: string, text: string): boolean => {
  const bytes = Buffer.from(`<<${text}>>`, 'latin1');
  return new GlobPattern(Buffer.from(pattern, 'latin1')).matches(bytes, 2, bytes.length - 4);
};

describe('GlobPattern', () => {
  it('matches as Redis does', () => {
    // Pattern, what it matches, what it does not. Checked against redis-server 7.0.
    const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
      ['*', ['', 'a', 'abc'], []],
      ['**', ['a', 'abc'], ['']],
      ['', [''], ['a']],
      ['abc', ['abc'], ['ab', 'abcd', 'xbc', '']],
      ['ab*', ['ab', 'abc', 'abab'], ['a', 'xab', '']],
      ['*ab', ['ab', 'cab', 'abab'], ['aba', 'b']],
      ['a*b*c', ['abc', 'aXbXc', 'abbbc', 'abcbc'], ['ab', 'acb', 'abcd']],
      ['h?llo', ['hello', 'hallo'], ['hllo', 'heello']],
      ['h[ae]llo', ['hello', 'hallo'], ['hillo', 'hllo']],
      ['h[^e]llo', ['hallo'], ['hello', 'hllo']],
      ['h[a-c]llo', ['hallo', 'hcllo'], ['hdllo', 'h-llo']],
      ['h[c-a]llo', ['hallo', 'hbllo'], ['hdllo']],
      ['[a-]b', [], ['ab', '-b', ']b']],
      ['[', [], ['[', 'a', '']],
      ['[^', ['a', '['], ['', 'ab']],
      ['[]', [], ['[', ']', '[]']],
      ['[abc', ['a', 'c'], ['ab', '[abc']],
      ['[a\\]]', ['a', ']'], ['\\']],
      ['a\\*b', ['a*b'], ['aab', 'a\\*b']],
      ['a\\', ['a\\'], ['a']],
      ['\\a', ['a'], ['\\a']],
      ['\xff?', ['\xff\x00'], ['\xfe\x00']],
    ];
    for (const [pattern, yes, no] of cases) {
      for (const text of yes) expect([pattern, text, matches(pattern, text)]).toEqual([pattern, text, true]);
      for (const text of no) expect([pattern, text, matches(pattern, text)]).toEqual([pattern, text, false]);
    }
  });

  it('agrees with globMatch, which works on strings', () => {
    const seed = 17;
    const random = new SeededRandom(seed);
    const word = (letters: string, lengthMax: number): string => {
      let text = '';
      for (let left = random.uint32() % (lengthMax + 1); left > 0; left--) {
        text += letters[random.uint32() % letters.length];
      }
      return text;
    };
    for (let i = 0; i < 200_000; i++) {
      const pattern = word('ab*?[]^-\\', 8);
      const text = word('ab]-', 6);
      if (text === '') continue;
      if (matches(pattern, text) !== globMatch(pattern, text))
        expect.fail(`seed ${seed}: ${pattern} on ${text}`);
    }
  });

  it('knows what needs no look at each key', () => {
    const of = (text: string): GlobPattern => new GlobPattern(Buffer.from(text));
    expect([of('*').isAll, of('**').isAll, of('a*').isAll]).toEqual([true, false, false]);
    expect([of('abc').isLiteral, of('').isLiteral, of('a\\b').isLiteral]).toEqual([true, true, false]);
  });

  it('takes no exponential time', () => {
    expect(matches(`${'a*'.repeat(30)}b`, 'a'.repeat(60))).toBe(false);
  });

  it('matches nothing with more than a thousand stars, as Redis', () => {
    const text = 'a'.repeat(3000);
    for (const pattern of ['*?', '**?', '*a', '\\a*?'].map((part) => part.repeat(1000)))
      expect([matches(pattern, text), matches(`${pattern}*`, text)]).toEqual([true, true]);
    for (const pattern of ['*?', '**?', '*a', '\\a*?'].map((part) => part.repeat(1001)))
      expect([matches(pattern, text), matches(`${pattern}*`, text)]).toEqual([false, false]);
    expect(matches('\\*'.repeat(1001), '*'.repeat(1001))).toBe(true);
  });

  it('knows the slot of what it matches, where a hash tag comes before the first special byte', () => {
    const slotOf = (text: string): number => hashSlotOf(Buffer.from(text), 0, text.length);
    const slot = (pattern: string): number => new GlobPattern(Buffer.from(pattern)).slot;
    for (const pattern of ['{tag}*', 'a{tag}b:?', '{tag}', 'x{tag}y{*'])
      expect([pattern, slot(pattern)]).toEqual([pattern, slotOf('{tag}')]);
    expect(slot('literal')).toBe(slotOf('literal'));
    for (const pattern of ['*', 'a*', '{ta*g}', '{tag*', '{tag\\}*', '{}{tag}*', '{}*', '}{*', '*{tag}'])
      expect([pattern, slot(pattern)]).toEqual([pattern, -1]);
  });
});
