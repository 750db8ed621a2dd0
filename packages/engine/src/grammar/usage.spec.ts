import { describe, expect, it } from 'vitest';
import { deprecations, systemCommands } from '../commands/deprecations.js';
import { commands } from '../commands/index.js';
import { usages } from '../commands/usages.js';
import { parseUsage } from './usage.js';

describe('parseUsage', () => {
  it('reads names, types, tokens, key specs and how often', () => {
    expect(parseUsage('')).toEqual([]);
    expect(parseUsage('key:key@0 [get-pattern~"a:b":pattern=GET@1*+] sorting!ALPHA')).toEqual([
      { name: 'key', type: 'key', keySpecIndex: 0, flags: [] },
      {
        name: 'get-pattern',
        type: 'pattern',
        display: 'a:b',
        token: 'GET',
        keySpecIndex: 1,
        flags: ['optional', 'multiple', 'multiple_token'],
      },
      { name: 'sorting', type: 'pure-token', token: 'ALPHA', flags: [] },
    ]);
  });

  it('reads what is within others', () => {
    const on = { name: 'on', type: 'pure-token', token: 'ON', flags: [] };
    expect(parseUsage('status(ON|ON) limit=LIMIT(a b)* [one(ON)]')).toEqual([
      { name: 'status', type: 'oneof', flags: [], arguments: [on, on] },
      {
        name: 'limit',
        type: 'block',
        token: 'LIMIT',
        flags: ['multiple'],
        arguments: [
          { name: 'a', type: 'string', flags: [] },
          { name: 'b', type: 'string', flags: [] },
        ],
      },
      { name: 'one', type: 'block', flags: ['optional'], arguments: [on] },
    ]);
  });

  it.each(['a  b', 'a(b', '[a', 'a|b', '?', 'a b '])('refuses %s', (text) => {
    expect(() => parseUsage(text)).toThrow('not understood');
  });
});

describe('usages', () => {
  it('are those of commands that there are, and can be read', () => {
    const known = commands
      .flatMap((each) => [each, ...each.subcommands.values()])
      .map(({ fullName }) => fullName);
    const named = [...Object.keys(usages), ...Object.keys(deprecations), ...systemCommands];
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
    for (const usage of Object.values(usages)) parseUsage(usage);
  });
});
