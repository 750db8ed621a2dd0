import { expect, it } from 'vitest';
import { errorLine, withoutLineEnds } from './reply.js';

it('makes one line of an error', () => {
  expect(errorLine('ERR plain')).toBe('ERR plain');
  expect(errorLine('\r\nERR a\r\nb\nc\n')).toBe('ERR a  b c');
  expect(errorLine('\n\r\n')).toBe('');
  expect(withoutLineEnds('\ra\nb\r\n')).toBe('a\nb');
});

it('does not take hours for an error with a million line ends in a row', () => {
  const ends = '\n'.repeat(1_000_000);
  expect(errorLine(`a${ends}b`)).toBe(`a${' '.repeat(1_000_000)}b`);
  expect(errorLine(`${ends}a${ends}`)).toBe('a');
});
