/**
 * Sequences of random requests: steps that run one after the other on one connection, some of them in a transaction or
 * called by a script.
 */
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { Command, CommandGroup } from '@holdfast/engine';
import { PlainRequests } from './plain-requests.js';
import type { RandomRequest } from './request.js';
import type { GeneratorOptions } from './request-generator.js';
import { specialStep } from './special-steps.js';

export interface RandomSequence {
  /** What it was made from. */
  readonly seed: number;
  readonly dialect: 2 | 3;
  readonly requests: readonly RandomRequest[];
  /** How many requests run before the server under test is killed and started again; null: it is not. */
  readonly restartAt: number | null;
}

export interface SequenceOptions extends GeneratorOptions {
  /** Of so many sequences one has a restart in it; none unless given. */
  readonly restartEvery?: number | undefined;
}

export class SequenceGenerator {
  readonly #requests: PlainRequests;
  readonly #restartEvery: number;
  #random: Random = new SeededRandom(0);

  constructor(commands: readonly Command[], options: SequenceOptions = {}) {
    this.#restartEvery = options.restartEvery ?? 0;
    this.#requests = new PlainRequests(commands, options);
  }

  /** The sequence of a seed, whatever was asked for before. */
  of(seed: number): RandomSequence {
    const random = new SeededRandom(seed);
    this.#random = random;
    this.#requests.restart(random);
    const length = 4 + randomBelow(random, 30);
    const own = this.#requests.twoGroups();
    const requests: RandomRequest[] = [];
    while (requests.length < length) requests.push(...this.#step(own));
    const dialect = randomBelow(random, 3) === 0 ? 3 : 2;
    const hasRestart = this.#restartEvery > 0 && randomBelow(random, this.#restartEvery) === 0;
    const restartAt = hasRestart ? randomBelow(random, requests.length + 1) : null;
    return { seed, dialect, requests, restartAt };
  }

  #step(own: readonly CommandGroup[]): readonly RandomRequest[] {
    const dice = randomBelow(this.#random, 100);
    if (dice < 3) {
      const inside = Array.from({ length: randomBelow(this.#random, 5) }, () =>
        this.#requests.some(own),
      ).flat();
      const end = randomBelow(this.#random, 8) === 0 ? ['DISCARD'] : ['EXEC'];
      return [['MULTI'], ...inside, end];
    }
    if (dice < 14) return specialStep(this.#random, () => this.#requests.one(own));
    if (dice < 20) return this.#requests.some(own).map((request) => this.#requests.called(request));
    return this.#requests.some(own);
  }
}
