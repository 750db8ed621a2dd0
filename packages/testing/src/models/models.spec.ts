/** What each model allows and forbids, as histories of one client after the other. */
import { describe, expect, it } from 'vitest';
import { History } from '../history/history.js';
import type { Json } from '../history/operation.js';
import { checkLinearizable } from '../linearizability/check.js';
import type { Model } from '../linearizability/model.js';
import { counter } from './counter.js';
import { list } from './list.js';
import { register } from './register.js';
import { set } from './set.js';
import { transactions } from './transactions.js';
import { versionedRegister } from './versioned-register.js';

/** Input and output of an operation; no output: the outcome is unknown. */
type Step = readonly [Json] | readonly [Json, Json];

function verdict<State, Input extends Json, Output extends Json>(
  model: Model<State, Input, Output>,
  steps: readonly Step[],
): string {
  const history = new History();
  for (const [input, output] of steps) {
    const call = history.invoke('a', 'k', input);
    if (output === undefined) call.unknown();
    else call.ok(output);
  }
  return checkLinearizable(history, model).verdict;
}

const allowed = 'linearizable';
const forbidden = 'violation';
const get = { op: 'get' };

describe('a register', () => {
  it.each<[string, Step[]]>([
    [allowed, [[get, null]]],
    [forbidden, [[get, 1]]],
    [
      allowed,
      [
        [{ op: 'set', value: 1 }, 'OK'],
        [get, 1],
        [{ op: 'delete' }, true],
        [get, null],
      ],
    ],
    [forbidden, [[{ op: 'delete' }, true]]],
    [
      allowed,
      [
        [{ op: 'cas', expected: null, value: 1 }, true],
        [{ op: 'swap', value: 2 }, 1],
        [get, 2],
      ],
    ],
    [
      forbidden,
      [
        [{ op: 'set', value: 1 }, 'OK'],
        [{ op: 'cas', expected: 1, value: 2 }, false],
      ],
    ],
    [allowed, [[{ op: 'set', value: 1 }], [get, null], [get, 1], [get, 1]]],
    [forbidden, [[{ op: 'set', value: 1 }], [get, 1], [get, null]]],
    [
      allowed,
      [
        [{ op: 'set', value: 1 }, 'OK'],
        [{ op: 'set', value: 2 }],
        [{ op: 'cas', expected: 1, value: 3 }, false],
      ],
    ],
  ])('%s: %j', (expected, steps) => {
    expect(verdict(register, steps)).toBe(expected);
  });
});

describe('a versioned register', () => {
  const set = (value: number) => ({ op: 'set', value });
  it.each<[string, Step[]]>([
    [
      allowed,
      [
        [set(1), 5],
        [get, { value: 1, version: 5 }],
        [set(1), 9],
        [get, { value: 1, version: 9 }],
      ],
    ],
    [
      forbidden,
      [
        [set(1), 5],
        [get, { value: 1, version: 6 }],
      ],
    ],
    [
      forbidden,
      [
        [set(1), 5],
        [set(2), 4],
      ],
    ],
    [allowed, [[set(1), 5], [set(2)], [get, { value: 2, version: 7 }], [get, { value: 2, version: 7 }]]],
    [forbidden, [[set(1), 5], [set(2)], [get, { value: 2, version: 7 }], [get, { value: 2, version: 8 }]]],
    [forbidden, [[set(1), 5], [set(2)], [get, { value: 2, version: 4 }]]],
    [
      allowed,
      [
        [set(1), 5],
        [{ op: 'cas', expected: 5, value: 2 }, 6],
        [get, { value: 2, version: 6 }],
      ],
    ],
    [
      allowed,
      [
        [{ op: 'cas', expected: 0, value: 2 }, 6],
        [{ op: 'cas', expected: 5, value: 3 }, null],
      ],
    ],
    [
      forbidden,
      [
        [set(1), 5],
        [{ op: 'cas', expected: 5, value: 2 }, null],
      ],
    ],
    [
      forbidden,
      [
        [set(1), 5],
        [{ op: 'cas', expected: 4, value: 2 }, 6],
      ],
    ],
    [
      allowed,
      [
        [set(1), 5],
        [{ op: 'delete' }, true],
        [get, null],
        [set(1), 6],
      ],
    ],
    [
      forbidden,
      [
        [set(1), 5],
        [{ op: 'delete' }, true],
        [set(1), 4],
      ],
    ],
  ])('%s: %j', (expected, steps) => {
    expect(verdict(versionedRegister, steps)).toBe(expected);
  });
});

describe('a counter', () => {
  const add = (by: number) => ({ op: 'add', by });
  it.each<[string, Step[]]>([
    [
      allowed,
      [
        [add(1), 1],
        [add(-3), -2],
        [get, -2],
      ],
    ],
    [
      forbidden,
      [
        [add(1), 1],
        [add(1), 3],
      ],
    ],
    [allowed, [[add(1)], [add(1)], [get, 1], [get, 2]]],
    [forbidden, [[add(1)], [add(1)], [get, 2], [get, 1]]],
    [forbidden, [[add(1)], [add(1)], [get, 3]]],
  ])('%s: %j', (expected, steps) => {
    expect(verdict(counter, steps)).toBe(expected);
  });
});

describe('a set', () => {
  const of = (op: string, member: string) => ({ op, member });
  it.each<[string, Step[]]>([
    [
      allowed,
      [
        [of('add', 'a'), true],
        [of('add', 'a'), false],
        [of('contains', 'a'), true],
        [of('remove', 'a'), true],
      ],
    ],
    [
      forbidden,
      [
        [of('add', 'a'), true],
        [of('remove', 'b'), true],
      ],
    ],
    [
      allowed,
      [
        [of('add', 'b'), true],
        [of('add', 'a'), true],
        [{ op: 'members' }, ['a', 'b']],
        [{ op: 'size' }, 2],
      ],
    ],
    [
      forbidden,
      [
        [of('add', 'a'), true],
        [{ op: 'members' }, ['a', 'b']],
      ],
    ],
    [allowed, [[of('add', 'a'), true], [of('remove', 'a')], [{ op: 'size' }, 1], [{ op: 'size' }, 0]]],
    [
      forbidden,
      [
        [of('add', 'a'), true],
        [of('remove', 'a')],
        [of('contains', 'a'), false],
        [of('contains', 'a'), true],
      ],
    ],
  ])('%s: %j', (expected, steps) => {
    expect(verdict(set, steps)).toBe(expected);
  });
});

describe('a list', () => {
  const push = (...values: Json[]) => ({ op: 'pushRight', values });
  const pop = { op: 'popLeft' };
  it.each<[string, Step[]]>([
    [
      allowed,
      [
        [push('a', 'b'), 2],
        [{ op: 'pushLeft', values: ['c', 'd'] }, 4],
        [{ op: 'range' }, ['d', 'c', 'a', 'b']],
      ],
    ],
    [
      allowed,
      [
        [push('a', 'b'), 2],
        [pop, 'a'],
        [{ op: 'popRight' }, 'b'],
        [pop, null],
        [{ op: 'length' }, 0],
      ],
    ],
    [
      forbidden,
      [
        [push('a', 'b'), 2],
        [pop, 'b'],
      ],
    ],
    [
      forbidden,
      [
        [push('a'), 1],
        [pop, null],
      ],
    ],
    [allowed, [[push('a'), 1], [push('b')], [pop, 'a'], [pop, 'b']]],
    [forbidden, [[push('a')], [pop, 'a'], [pop, 'a']]],
  ])('%s: %j', (expected, steps) => {
    expect(verdict(list, steps)).toBe(expected);
  });

  it('a pop that waits gets what is pushed later, once', () => {
    const history = new History();
    const [one, two] = ['a', 'b'].map((process) => history.invoke(process, 'k', { op: 'popLeft' }));
    history.invoke('c', 'k', push('x')).ok(1);
    one.ok('x');
    two.ok(null);
    expect(checkLinearizable(history, list).verdict).toBe(allowed);
    history.invoke('c', 'k', pop).ok('x');
    expect(checkLinearizable(history, list).verdict).toBe(forbidden);
  });
});

describe('transactions', () => {
  const move = [
    { key: 'a', input: { op: 'add', by: -1 } },
    { key: 'b', input: { op: 'add', by: 1 } },
  ];
  const read = [
    { key: 'a', input: get },
    { key: 'b', input: get },
  ];

  it('happen as a whole', () => {
    const model = transactions(counter);
    expect(
      verdict(model, [
        [move, [-1, 1]],
        [read, [-1, 1]],
      ]),
    ).toBe(allowed);
    expect(verdict(model, [[move], [read, [-1, 1]]])).toBe(allowed);
    expect(verdict(model, [[move], [read, [-1, 0]]])).toBe(forbidden);
    expect(verdict(model, [[move], [read, [-1, 1]], [read, [0, 0]]])).toBe(forbidden);
  });

  it('are ordered across keys: two that each miss the write of the other are not serializable', () => {
    const history = new History();
    const skew = (from: string, to: string) => [
      { key: from, input: get },
      { key: to, input: { op: 'set', value: 1 } },
    ];
    const one = history.invoke('a', '', skew('x', 'y'));
    const two = history.invoke('b', '', skew('y', 'x'));
    one.ok([null, null]);
    two.ok([null, null]);
    const result = checkLinearizable(history, transactions(register));
    expect(result.verdict).toBe(forbidden);
    if (result.verdict === 'violation')
      expect(result.counterexample.text).toContain('transactions over registers "x, y" is not linearizable');
  });

  it('over keys that nothing connects are checked apart', () => {
    const history = new History();
    for (const key of ['a', 'b', 'c', 'd']) history.invoke('p', '', [{ key, input: get }]).ok([null]);
    history
      .invoke('p', '', [
        { key: 'b', input: get },
        { key: 'd', input: get },
      ])
      .ok([null, null]);
    const model = transactions(register);
    const parts = model.partition?.(history.operations as never) ?? [];
    expect(parts.map(({ name }) => name)).toEqual(['a', 'b, d', 'c']);
  });
});
