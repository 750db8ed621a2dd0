/** Requests for any connection in any state, mostly of the types that a sequence is about. */
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { Command, CommandGroup } from '@holdfast/engine';
import { pick } from '../random-pick.js';
import { randomKey } from './argument-values.js';
import { expiresSoon, type RandomRequest, waitsLong } from './request.js';
import { type GeneratorOptions, RequestGenerator } from './request-generator.js';

/** What a script that calls a command looks like; its request follows as arguments. */
const callingScript = 'return redis.call(unpack(ARGV))';
const tryingScript = 'return redis.pcall(unpack(ARGV))';

export class PlainRequests {
  readonly #requests: RequestGenerator;
  readonly #groups: readonly CommandGroup[];
  #random: Random = new SeededRandom(0);

  constructor(commands: readonly Command[], options: GeneratorOptions) {
    this.#requests = new RequestGenerator(commands, this.#random, options);
    // Of these a few are enough.
    this.#groups = this.#requests.groups.filter(
      (group) => !/^(connection|server|pubsub|transactions)$/.test(group),
    );
  }

  /** As new, with other random numbers to come. */
  restart(random: Random): void {
    this.#random = random;
    this.#requests.restart(random);
  }

  /** Two of the types for a sequence, so that its requests have to do with each other. */
  twoGroups(): readonly CommandGroup[] {
    return [pick(this.#groups, this.#random), pick(this.#groups, this.#random)];
  }

  /** A request that nothing has to follow. */
  one(own: readonly CommandGroup[]): RandomRequest {
    for (;;) {
      const requests = this.some(own);
      if (requests.length === 1) return requests[0];
    }
  }

  /** A request, and what has to follow it so that both servers are in the same state again. */
  some(own: readonly CommandGroup[]): RandomRequest[] {
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

  /** The same, called by a script. */
  called(request: RandomRequest): RandomRequest {
    const script = randomBelow(this.#random, 3) === 0 ? tryingScript : callingScript;
    return ['EVAL', script, '0', ...request];
  }
}
