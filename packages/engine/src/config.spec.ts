import { KvError } from '@holdfast/common';
import { describe, expect, it } from 'vitest';
import { int64Max, parseMemory } from './amounts.js';
import { Config } from './config.js';
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
    ['hz', '01', "argument couldn't be parsed into an integer"],
    ['hz', '-1', 'argument must be between 0 and 2147483647 inclusive'],
    ['hll-sparse-max-bytes', '9223372036854775808', `argument must be between 0 and ${int64Max} inclusive`],
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
    ['maxmemory-clients', '9223372036854775808', 'percentage argument must be less or equal to 100'],
    ['maxmemory-clients', '01%', 'argument must be a memory or percent value'],
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
    ['maxmemory', '', '0'],
    ['maxmemory', '9223372036854775808', '9223372036854775808'],
    ['maxmemory', '99999999999999999999', '18446744073709551615'],
    ['maxmemory', '17179869184gb', '0'],
    ['shutdown-on-sigterm', 'force now', 'now force'],
  ])('normalizes %s %s', (name, value, expected) => {
    const config = new Config(parameters);
    const refusal = config.setAll(new Map([[name.toLowerCase(), value]]));
    if (expected === null) expect(refusal).not.toBeNull();
    else expect(config.text(name.toLowerCase())).toBe(expected);
  });

  it('brings about what takes its time first, and undoes it when the rest is refused', async () => {
    const config = new Config(parameters);
    const asked: string[] = [];
    const asks = (name: string) => async (values: ReadonlyMap<string, string>) => {
      const said = [...values].map((pair) => pair.join(' ')).join(', ');
      asked.push(`${name}: ${said}`);
      if (said.includes('666')) throw new KvError('UNAVAILABLE', 'somebody is there');
    };
    config.changeBy(['port', 'bind'], asks('listening'));
    config.changeBy(['appendonly'], asks('log'));
    const values = (line: string) =>
      new Map(line.split('; ').map((pair) => pair.split(' ') as [string, string]));
    expect(config.takesTime(values('timeout 5; port 6379'))).toBe(false);
    expect(config.takesTime(values('port 1; timeout x'))).toBe(false);
    expect(config.takesTime(values('port 1'))).toBe(true);
    const [first, second] = await Promise.all([
      config.change(values('timeout 5; appendonly YES; bind ::1; port 666')),
      config.change(values('port 7000; timeout 6; bind ::1')),
    ]);
    expect(first).toEqual({ name: 'bind', problem: 'somebody is there' });
    expect(second).toBeNull();
    expect(asked).toEqual([
      'log: appendonly yes',
      'listening: bind ::1, port 666',
      'log: appendonly no',
      'listening: port 7000, bind ::1',
    ]);
    expect(['timeout', 'appendonly', 'bind', 'port'].map((name) => config.text(name))).toEqual([
      '6',
      'no',
      '::1',
      '7000',
    ]);
    expect([config.isChanged('port'), config.isChanged('appendonly')]).toEqual([true, false]);
  });

  it('takes numbers of 64 bits, exactly: those of more than 16 digits were no integers', () => {
    const config = new Config(parameters);
    const greatest = '9223372036854775807';
    expect(
      config.setAll(
        new Map([
          ['slowlog-max-len', greatest],
          ['maxmemory', greatest],
        ]),
      ),
    ).toBeNull();
    expect([config.text('slowlog-max-len'), config.text('maxmemory')]).toEqual([greatest, greatest]);
    expect(config.check('timeout', greatest)).toBe('argument must be between 0 and 2147483647 inclusive');
    expect(config.check('timeout', '9223372036854775808')).toBe(
      "argument couldn't be parsed into an integer",
    );
  });

  it('keeps what nobody can change while the server runs', () => {
    const config = new Config(parameters);
    expect(config.setAll(new Map([['port', '6379']]))).toBeNull();
    expect(config.setAll(new Map([['port', '7000']]))).toMatchObject({ name: 'port' });
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
    ['', 0],
    ['kb', 0],
    ['18446744073709551616', 2 ** 64],
    ['17179869184gb', 0],
    ['1 ', null],
    ['1'.repeat(128), null],
  ])('%s is %s', (text, bytes) => {
    expect(parseMemory(text)).toBe(bytes);
  });
});
