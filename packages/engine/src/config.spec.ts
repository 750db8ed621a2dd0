import { describe, expect, it } from 'vitest';
import { Config, parseMemory } from './config.js';
import { parameters } from './parameters.js';

describe('Config', () => {
  it('reads and sets a parameter by either of its names', () => {
    const config = new Config(parameters);
    config.set('hash-max-ziplist-entries', '7');
    expect(config.number('hash-max-listpack-entries')).toBe(7);
    expect(config.text('hash-max-ziplist-entries')).toBe('7');
  });

  it('sets all or none, and tells listeners only then', () => {
    const config = new Config(parameters);
    const heard: string[] = [];
    config.onChange('timeout', (value) => heard.push(value));
    const wrong = new Map([
      ['timeout', '5'],
      ['maxmemory', 'x'],
    ]);
    expect(config.setAll(wrong)).toEqual({ name: 'maxmemory', problem: 'argument must be a memory value' });
    expect(config.number('timeout')).toBe(0);
    expect(config.setAll(new Map([['timeout', '5']]))).toBeNull();
    expect(heard).toEqual(['0', '5']);
  });

  it.each([
    ['timeout', '010', "argument couldn't be parsed into an integer"],
    ['timeout', '2147483648', 'argument must be between 0 and 2147483647 inclusive'],
    ['slowlog-max-len', '-1', 'argument must be between 0 and 9223372036854775807 inclusive'],
    ['appendonly', 'true', "argument must be 'yes' or 'no'"],
    ['appendfsync', 'x', 'argument(s) must be one of the following: everysec, always, no'],
    ['save', '60', 'Invalid save parameters'],
    ['save', '0 1', 'Invalid save parameters'],
    ['client-output-buffer-limit', 'normal 1 2', 'Wrong number of arguments in buffer limit configuration.'],
    [
      'client-output-buffer-limit',
      'foo 1 2 3',
      'Invalid client class specified in buffer limit configuration.',
    ],
    ['maxmemory-clients', '101%', 'percentage argument must be less or equal to 100'],
    ['shutdown-on-sigterm', 'save nosave', "shutdown options SAVE and NOSAVE can't be used simultaneously"],
  ])('says what is wrong with %s %s', (name, value, problem) => {
    expect(new Config(parameters).check(name, value)).toBe(problem);
  });

  it.each([
    ['APPENDONLY', 'YES', 'yes'],
    ['save', '900 1  300 10', null],
    ['save', '900 1 300 10', '900 1 300 10'],
    ['hz', '9999', '500'],
    ['maxmemory-clients', '10%', '10%'],
    ['shutdown-on-sigterm', 'force now', 'now force'],
  ])('normalizes %s %s', (name, value, expected) => {
    const config = new Config(parameters);
    const refusal = config.setAll(new Map([[name.toLowerCase(), value]]));
    if (expected === null) expect(refusal).not.toBeNull();
    else expect(config.text(name.toLowerCase())).toBe(expected);
  });

  it('has a value for each parameter that its own rule accepts', () => {
    const config = new Config(parameters);
    for (const name of config.names()) expect(config.check(name, config.text(name)), name).toBeNull();
  });
});

describe('parseMemory', () => {
  it.each([
    ['0', 0],
    ['1b', 1],
    ['2k', 2000],
    ['2KB', 2048],
    ['3m', 3_000_000],
    ['1gb', 2 ** 30],
    ['-1', null],
    ['1.5mb', null],
    ['1tb', null],
    ['', null],
  ])('%s is %s', (text, bytes) => {
    expect(parseMemory(text)).toBe(bytes);
  });
});
