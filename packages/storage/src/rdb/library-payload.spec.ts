import { expect, it } from 'vitest';
import { isPayload } from './dump-payload.js';
import { dumpLibraries, readLibraries } from './library-payload.js';

it('carries the code of libraries, bytes as they are', () => {
  const codes = ['#!lua name=a\n', `#!lua name=b\n-- \0\xff ${'long '.repeat(10_000)}`, ''];
  const payload = dumpLibraries(codes);
  expect(isPayload(payload)).toBe(true);
  expect(readLibraries(payload)).toEqual(codes);
  expect(readLibraries(dumpLibraries([]))).toEqual([]);
});

it('reads what redis-server wrote', () => {
  const payload = Buffer.from(
    '9UBEIyFsdWEgbmFtZT10d28KcmVkaXMucmVnaXN0ZXJfZnVuY3Rpb24oJ2cnLCBmdW5jdGlvbigpIHJldHVybiAyIGVuZCn1QEQjIWx1YSBuYW1lPW9uZQpyZWRpcy5yZWdpc3Rlcl9mdW5jdGlvbignZicsIGZ1bmN0aW9uKCkgcmV0dXJuIDEgZW5kKQoACwZ5N++uBEg=',
    'base64',
  );
  expect(isPayload(payload)).toBe(true);
  expect(readLibraries(payload)).toEqual([
    "#!lua name=two\nredis.register_function('g', function() return 2 end)",
    "#!lua name=one\nredis.register_function('f', function() return 1 end)",
  ]);
});

it('says what else it found', () => {
  const payload = dumpLibraries(['#!lua name=a\n']);
  payload[0] = 246;
  expect(readLibraries(payload)).toBe('Pre-GA function format not supported');
  payload[0] = 0;
  expect(readLibraries(payload)).toBe('given type is not a function');
});
