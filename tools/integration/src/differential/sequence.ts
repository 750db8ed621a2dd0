/**
 * Sequences of random requests: steps that run one after the other on one connection, some of them in a transaction or
 * called by a script.
 */
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { Command, CommandGroup } from '@holdfast/engine';
import { pick } from '../random-pick.js';
import { randomKey } from './argument-values.js';
import { expiresSoon, type RandomRequest, waitsLong } from './request.js';
import { type GeneratorOptions, RequestGenerator } from './request-generator.js';
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

/** What a script that calls a command looks like; its request follows as arguments. */
export const callingScript = 'return redis.call(unpack(ARGV))';
export const tryingScript = 'return redis.pcall(unpack(ARGV))';

export class SequenceGenerator {
  readonly #requests: RequestGenerator;
  readonly #groups: readonly CommandGroup[];
  readonly #restartEvery: number;
  #random: Random = new SeededRandom(0);

  constructor(commands: readonly Command[], options: SequenceOptions = {}) {
    this.#restartEvery = options.restartEvery ?? 0;
    this.#requests = new RequestGenerator(commands, this.#random, options);
    // Of these a few are enough.
    this.#groups = this.#requests.groups.filter(
      (group) => !/^(connection|server|pubsub|transactions)$/.test(group),
    );
  }

  /** The sequence of a seed, whatever was asked for before. */
  of(seed: number): RandomSequence {
    const random = new SeededRandom(seed);
    this.#random = random;
    this.#requests.restart(random);
    const length = 4 + randomBelow(random, 30);
    // Two of the types in each sequence, so that its requests have to do with each other.
    const own = [pick(this.#groups, random), pick(this.#groups, random)];
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
      const inside = Array.from({ length: randomBelow(this.#random, 5) }, () => this.#single(own)).flat();
      const end = randomBelow(this.#random, 8) === 0 ? ['DISCARD'] : ['EXEC'];
      return [['MULTI'], ...inside, end];
    }
    if (dice < 14) return specialStep(this.#random, () => this.#plain(own));
    if (dice < 20) return this.#single(own).map((request) => this.#called(request));
    return this.#single(own);
  }

  /** A request that nothing has to follow. */
  #plain(own: readonly CommandGroup[]): RandomRequest {
    for (;;) {
      const requests = this.#single(own);
      if (requests.length === 1) return requests[0];
    }
  }

  #called(request: RandomRequest): RandomRequest {
    const script = randomBelow(this.#random, 3) === 0 ? tryingScript : callingScript;
    return ['EVAL', script, '0', ...request];
  }

  /** A request, and what has to follow it so that both servers are in the same state again. */
  #single(own: readonly CommandGroup[]): RandomRequest[] {
    const dice = randomBelow(this.#random, 100);
    const others = this.#requests.groups;
    const group = dice < 70 ? pick(own, this.#random) : dice < 85 ? 'generic' : pick(others, this.#random);
    let request = this.#requests.next(group);
    while (waitsLong(request) || expiresSoon(request)) request = this.#requests.next(group);
    const [name, verb, key, groupName] = request;
    if (name === 'SPOP')
      return [request, ['DEL', ...(verb === undefined ? [randomKey('set', this.#random)] : [verb])]];
    // Redis 7.2 makes consumers at other times than 7.0: they are there before they ask.
    if (name === 'XGROUP' && key !== undefined && groupName !== undefined)
      return [request, ...['c', 'd', 'e'].map((each) => ['XGROUP', 'CREATECONSUMER', key, groupName, each])];
    return [request];
  }
}
