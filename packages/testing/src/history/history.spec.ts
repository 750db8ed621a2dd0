import { describe, expect, it } from 'vitest';
import { History } from './history.js';

describe('History', () => {
  it('keeps what was asked and what was answered', async () => {
    let now = 100;
    const history = new History({ clock: () => now });
    const set = history.invoke('a', 'k', { op: 'set', value: 1 });
    now = 200;
    const get = history.invoke('b', 'k', { op: 'get' });
    const lost = history.invoke('c', 'k', { op: 'get' });
    set.ok();
    get.fail('refused');
    now = 300;
    lost.unknown('timed out');
    history.invoke('a', 'other', { op: 'get' });
    const [first, second, third, fourth] = history.operations;
    expect(first).toMatchObject({ process: 'a', key: 'k', outcome: 'ok', invokedNs: 100, completedNs: 202 });
    expect(second).toMatchObject({ outcome: 'fail', note: 'refused', invokedNs: 200, completedNs: 203 });
    expect(third).toMatchObject({ outcome: 'unknown', note: 'timed out', completedNs: Infinity });
    expect(fourth).toMatchObject({ id: 3, outcome: 'unknown', completedNs: Infinity });
  });

  it('orders events that happen within one tick of the clock', () => {
    const history = new History({ clock: () => 5 });
    history.invoke('a', 'k', 1).ok();
    history.invoke('a', 'k', 2).ok();
    const [first, second] = history.operations;
    expect(first.completedNs).toBeLessThan(second.invokedNs);
  });

  it('refuses a second completion', () => {
    const call = new History().invoke('a', 'k', 1);
    call.ok();
    expect(() => call.unknown()).toThrow('operation 0 of a is complete already');
  });

  it('records a call, and takes an error for an unknown outcome unless told otherwise', async () => {
    const history = new History();
    const refused = new Error('refused');
    const fail = async (): Promise<never> => {
      throw refused;
    };
    expect(await history.record('a', 'k', 1, async () => 'output')).toBe('output');
    expect(await history.record('a', 'k', 2, fail)).toBeUndefined();
    await history.record('a', 'k', 3, fail, (error) => (error === refused ? 'fail' : 'unknown'));
    expect(history.operations.map(({ outcome, output, note }) => [outcome, output, note])).toEqual([
      ['ok', 'output', ''],
      ['unknown', undefined, 'refused'],
      ['fail', undefined, 'refused'],
    ]);
  });

  it('merges what several recorders saw by the same clock', () => {
    let now = 0;
    const clock = () => now;
    const [one, two] = [new History({ clock }), new History({ clock })];
    const first = one.invoke('a', 'k', 'first');
    now = 10;
    two.invoke('b', 'k', 'second').ok();
    now = 20;
    first.ok();
    now = 30;
    one.invoke('a', 'k', 'third').ok();
    const { operations } = History.merge([one, two]);
    expect(operations.map(({ id, input }) => [id, input])).toEqual([
      [0, 'first'],
      [1, 'second'],
      [2, 'third'],
    ]);
    expect(operations[0].completedNs).toBe(20);
  });
});
