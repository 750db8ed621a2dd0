import { describe, expect, it } from 'vitest';
import { formatEventClasses, parseEventClasses } from './keyspace-events.js';

describe('classes of keyspace events', () => {
  it.each([
    ['', ''],
    ['KEA', 'AKE'],
    ['gxK$', 'g$xK'],
    ['g$lshzxetd', 'A'],
    ['AKEmn', 'AnKEm'],
    ['nE', 'nE'],
    ['tdm', 'tdm'],
  ])('%s is reported as %s', (value, reported) => {
    expect(formatEventClasses(parseEventClasses(value))).toBe(reported);
  });

  it('refuses other letters', () => {
    expect(() => parseEventClasses('Kq')).toThrow('Invalid event class character');
  });
});
