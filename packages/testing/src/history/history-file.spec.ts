import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@holdfast/common/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { randomHistory } from '../testing/random-history.js';
import { registerSubject } from '../testing/subjects.js';
import { History } from './history.js';
import { historyOf, historySink, linesOf, readHistory, writeHistory } from './history-file.js';

const directory = mkdtempSync(join(tmpdir(), 'history-'));
const path = join(directory, 'history.jsonl');

afterAll(() => rmSync(directory, { recursive: true }));

const shape = { operations: 200, clients: 5, keys: 3, unknownPercent: 20 };

describe('a history file', () => {
  it('gives back what was written', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const history = randomHistory(new SeededRandom(seed), registerSubject(3), shape);
      writeHistory(path, history);
      expect(readHistory(path).operations).toEqual(history.operations);
    }
  });

  it('gives back a merged history, in which events may be at the same time', () => {
    const parts = [1, 2, 3].map((seed) => randomHistory(new SeededRandom(seed), registerSubject(3), shape));
    const merged = History.merge(parts);
    expect(historyOf(`${linesOf(merged).join('\n')}\n`).operations).toEqual(merged.operations);
  });

  it('written event by event is complete at any time', () => {
    const history = new History({ sink: historySink(path) });
    history.invoke('a', 'k', { op: 'set', value: 1 }).ok('OK');
    history.invoke('a', 'k', { op: 'set', value: 2 }).unknown('timed out');
    history.invoke('a', 'k', { op: 'get' }).ok(null);
    history.invoke('b', 'k', { op: 'get' });
    expect(readHistory(path).operations).toEqual(history.operations);
  });

  it('ends before a line that was cut off', () => {
    const lines = linesOf(randomHistory(new SeededRandom(1), registerSubject(3), shape));
    const text = `${lines.join('\n')}\n`;
    const whole = historyOf(text).operations;
    for (let length = text.length; length > text.length - 300; length--) {
      const { operations } = historyOf(text.slice(0, length));
      expect(operations.map(({ input }) => input)).toEqual(
        whole.slice(0, operations.length).map(({ input }) => input),
      );
    }
  });

  it.each([
    ['nothing', '', 'line 1: not a history of version 1'],
    ['another file', 'hello\n', 'line 1: not a history of version 1'],
    ['no JSON', '{"at":1\n', 'line 2: '],
    ['no event', '{"at":1,"id":0}\n', 'line 2: neither an invocation nor a completion'],
    ['a missing invocation', '{"at":1,"id":0,"outcome":"ok"}\n', 'line 2: operation 0 is not under way'],
    [
      'a time that goes back',
      '{"at":2,"id":0,"process":"a","key":"k","invoke":1}\n{"at":1,"id":0,"outcome":"ok"}\n',
      'line 3: operation 0: time goes back',
    ],
  ])('of %s is refused', (_name, text, message) => {
    const body = message.startsWith('line 1') ? text : `{"format":"history","version":1}\n${text}`;
    expect(() => historyOf(body, 'x.jsonl')).toThrow(`x.jsonl, ${message}`);
  });
});
