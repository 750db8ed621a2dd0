import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { History } from '../history/history.js';
import { counter } from '../models/counter.js';
import { register } from '../models/register.js';
import { randomHistory } from '../testing/random-history.js';
import { registerSubject } from '../testing/subjects.js';
import { assertLinearizable, checkLinearizable } from './check.js';
import { impossible, type Model } from './model.js';

/** A register that took two writes; then one reader is told the older value. */
function staleRead(): History {
  let now = 0;
  const history = new History({ clock: () => now++ });
  for (let i = 0; i < 50; i++) {
    history.invoke('other', 'k', { op: 'set', value: i }).ok();
    history.invoke('other', 'k', { op: 'get' }).ok(i);
    history.invoke('other', 'fine', { op: 'set', value: i }).unknown();
  }
  history.invoke('writer', 'k', { op: 'set', value: 'old' }).ok();
  history.invoke('writer', 'k', { op: 'set', value: 'lost' }).unknown();
  const overlapping = history.invoke('slow', 'k', { op: 'get' });
  history.invoke('writer', 'k', { op: 'set', value: 'new' }).ok();
  overlapping.ok('new');
  history.invoke('reader', 'k', { op: 'get' }).ok('old');
  history.invoke('reader', 'k', { op: 'get' }).ok('new');
  return history;
}

describe('checkLinearizable', () => {
  it('shows what of a stale read can not be ordered', () => {
    const result = checkLinearizable(staleRead(), register);
    expect(result.verdict).toBe('violation');
    if (result.verdict !== 'violation') return;
    const { operations, stuck, text } = result.counterexample;
    expect(operations.map(({ input }) => input)).toEqual([
      { op: 'set', value: 'old' },
      { op: 'set', value: 'new' },
      { op: 'get' },
    ]);
    expect(stuck).toMatchObject({ process: 'reader', output: 'old' });
    expect(text.split('\n')).toEqual([
      `register "k" is not linearizable: 3 of its 106 operations can't be put in an order.`,
      '',
      '  What completed before leads to the state 47.',
      '',
      '  #150  writer  set("old")      |--|',
      '  #153  writer  set("new")            |--|',
      '  #154  reader  get() -> "old"              |--|',
      '',
      'At best: #150 set("old"), #153 set("new"). Then the state is some value that was never seen, in which ' +
        '#154 get() -> "old" is not possible, and it had to happen before it returned.',
    ]);
  });

  it('points at an operation that was said to have failed when it must have happened', () => {
    const history = new History();
    history.invoke('a', 'k', { op: 'set', value: 1 }).ok();
    history.invoke('a', 'k', { op: 'set', value: 2 }).fail('refused');
    history.invoke('a', 'k', { op: 'get' }).ok(2);
    expect(() => assertLinearizable(history, register)).toThrow(
      'It would be possible after #1 set(2), which failed. Did it?',
    );
  });

  it('checks ten thousand operations of 20 clients over 50 keys with hardly a step more than it needs', () => {
    const shape = { operations: 10_000, clients: 20, keys: 50, unknownPercent: 2 };
    for (const values of [0, 3]) {
      const history = randomHistory(new SeededRandom(7), registerSubject(values), shape);
      const result = checkLinearizable(history, register);
      expect(result.verdict).toBe('linearizable');
      expect(result.steps).toBeLessThan(30_000);
    }
  });

  it('is not led astray by 20 clients that are busy on one key', () => {
    const shape = { operations: 1000, clients: 20, keys: 1, unknownPercent: 2 };
    for (let seed = 1; seed <= 5; seed++) {
      const history = randomHistory(new SeededRandom(seed), registerSubject(0), shape);
      const result = checkLinearizable(history, register);
      expect(result.verdict).toBe('linearizable');
      expect(result.steps).toBeLessThan(2_000_000);
    }
  });

  it('does not take unknown writes that nobody saw for choices', () => {
    let now = 0;
    const history = new History({ clock: () => now++ });
    for (let i = 0; i < 500; i++) history.invoke(`a${i}`, 'k', { op: 'set', value: i }).unknown();
    history.invoke('b', 'k', { op: 'set', value: 'last' }).ok();
    history.invoke('b', 'k', { op: 'get' }).ok('last');
    history.invoke('b', 'k', { op: 'get' }).ok('never written');
    const result = checkLinearizable(history, register);
    expect(result.verdict).toBe('violation');
    expect(result.steps).toBeLessThan(10_000);
  });

  it('says that it could not decide, and about which keys, when a bound was reached', () => {
    const hard = new History();
    const random = new SeededRandom(1);
    for (let i = 0; i < 40; i++) hard.invoke('a', 'hard', { op: 'add', by: random.uint32() * 2 }).unknown();
    hard.invoke('b', 'easy', { op: 'get' }).ok(0);
    hard.invoke('b', 'hard', { op: 'get' }).ok(2 ** 33 + 1);
    expect(checkLinearizable(hard, counter, { stepsMax: 10_000 })).toMatchObject({
      verdict: 'undecided',
      parts: ['hard'],
    });
    expect(() => assertLinearizable(hard, counter, { stepsMax: 10_000 })).toThrow(
      /undecided whether counter "hard" is linearizable after \d+ steps/,
    );
  });

  it('throws the report, for tests', () => {
    expect(() => assertLinearizable(staleRead(), register)).toThrow('register "k" is not linearizable');
    assertLinearizable(new History(), register);
  });

  it('takes a model of its user', () => {
    const mutex: Model<string | null, { op: 'lock' | 'unlock'; owner: string }, boolean> = {
      name: 'mutex',
      initial: () => null,
      step(holder, { op, owner }, output) {
        const isDone = op === 'lock' ? holder === null : holder === owner;
        if (output !== undefined && output !== isDone) return impossible;
        if (!isDone) return holder;
        return op === 'lock' ? owner : null;
      },
      identify: (holder) => holder,
    };
    const history = new History();
    history.invoke('a', 'm', { op: 'lock', owner: 'a' }).ok(true);
    const unlocked = history.invoke('a', 'm', { op: 'unlock', owner: 'a' });
    history.invoke('b', 'm', { op: 'lock', owner: 'b' }).ok(true);
    expect(checkLinearizable(history, mutex).verdict).toBe('linearizable');
    unlocked.fail();
    expect(() => assertLinearizable(history, mutex)).toThrow(
      'mutex "m" is not linearizable: 2 of its 3 operations',
    );
  });
});
