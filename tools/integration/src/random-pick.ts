import { type Random, randomBelow } from '@holdfast/common';

export function pick<T>(choices: readonly T[], random: Random): T {
  return choices[randomBelow(random, choices.length)];
}
