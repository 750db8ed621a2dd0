import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { compareScores, type Scored, sortedByScore } from './score-order.js';

const special = [0, -0, 1, -1, Infinity, -Infinity, 5e-324, -5e-324, 2 ** 53, -(2 ** 53), 0.1, -0.1, 1e308];

function elementsWith(scores: readonly number[], random: SeededRandom): Scored[] {
  return scores.map((score) => {
    const bytes = Buffer.from(`xx${randomBelow(random, 1000)}`);
    return { bytes, start: 2, length: bytes.length - 2, score };
  });
}

const shown = (elements: readonly Scored[]): string[] =>
  elements.map(({ bytes, score }) => `${score} ${bytes}`);

it.each([
  ['none', 0, () => 0],
  ['few', 100, (random: SeededRandom) => random.uint32() - 2 ** 31],
  ['all the same', 5000, () => -7],
  [
    'small integers, many of them the same',
    20_000,
    (random: SeededRandom) => randomBelow(random, 3000) - 1000,
  ],
  [
    'large integers',
    20_000,
    (random: SeededRandom) => (random.uint32() - 2 ** 31) * 2 ** 20 + random.uint32(),
  ],
  ['fractions', 20_000, (random: SeededRandom) => (random.uint32() - 2 ** 31) / 3],
  ['what is special', 20_000, (random: SeededRandom) => special[randomBelow(random, special.length)]],
] as const)('puts elements in the order that comparing them does: %s', (_, count, scoreOf) => {
  const random = new SeededRandom(count);
  const scores = Array.from({ length: count }, () => scoreOf(random));
  const elements = elementsWith(scores, random);
  const wanted = [...elements].sort(compareScores);
  const sorted = sortedByScore(elements);
  // Those that are the same in all may stand in any order: minus zero is one of them.
  expect(shown(sorted).map((each) => each.replace(/^-0 /, '0 '))).toEqual(
    shown(wanted).map((each) => each.replace(/^-0 /, '0 ')),
  );
});
