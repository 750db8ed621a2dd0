/**
 * One sequence on both servers: from the same keys, reply by reply, then the state of every key. Optionally the server
 * under test is killed and started again in the middle.
 */
import type { WireReply } from '@holdfast/protocol/testing';
import { allKeys, preparation } from './argument-values.js';
import { comparable, isEqualButForTime, onePage } from './comparison.js';
import { describeView, viewsOf } from './key-views.js';
import { isUnpredictable, knownDifference } from './known-differences.js';
import { nameOf, type RandomRequest } from './request.js';
import type { RandomSequence } from './sequence.js';
import type { ServerPair } from './server-pair.js';

export interface Finding {
  /** The request whose replies differ; after a sequence, the one that shows the key which does. */
  readonly request: RandomRequest;
  readonly theirs: string;
  readonly ours: string;
  /** Equal for findings that are probably the same mistake. */
  readonly signature: string;
}

/** Ends what a sequence may have left open. */
const ending: readonly RandomRequest[] = [['DISCARD'], ['UNWATCH'], ['SELECT', '0']];
const databases = ['0', '1', '2'];

export class Trial {
  readonly #pair: ServerPair;
  readonly #sequence: RandomSequence;

  constructor(pair: ServerPair, sequence: RandomSequence) {
    this.#pair = pair;
    this.#sequence = sequence;
  }

  /** The first difference that is not known. `restartAt`: requests that run before a restart. */
  async run(restartAt: number | null = null): Promise<Finding | null> {
    try {
      return await this.#run(restartAt);
    } catch (error) {
      const ours = error instanceof Error ? error.message : String(error);
      await this.#pair.recover();
      return { request: [], theirs: 'replies', ours, signature: `broken: ${ours}` };
    }
  }

  async #run(restartAt: number | null): Promise<Finding | null> {
    const { requests } = this.#sequence;
    const beginning = [...ending, ['FLUSHALL'], ...preparation];
    const at = restartAt ?? requests.length;
    let outcome = await this.#part(requests.slice(0, at), beginning);
    if (outcome === null && restartAt !== null) {
      await this.#pair.restart();
      outcome = (await this.#state()) ?? (await this.#part(requests.slice(at)));
    }
    return outcome === 'forked' ? null : outcome;
  }

  #ask(requests: readonly RandomRequest[]): ReturnType<ServerPair['ask']> {
    return this.#pair.ask(this.#sequence.dialect, requests);
  }

  /** Runs requests and looks at the keys afterwards; `forked` when the servers may rightly differ by then. */
  async #part(
    requests: readonly RandomRequest[],
    beginning: readonly RandomRequest[] = [],
  ): Promise<Finding | 'forked' | null> {
    const replies = await this.#ask([...beginning, ...requests]);
    const [theirs, ours] = replies.map((each) => each.slice(beginning.length));
    const queued: RandomRequest[] = [];
    for (const [i, request] of requests.entries()) {
      const outcome = compareReplies(request, theirs[i], ours[i], queued);
      if (outcome !== null) return outcome;
      if (theirs[i].text === 'QUEUED') queued.push(request);
      else if (/^(EXEC|DISCARD)$/i.test(request[0])) queued.length = 0;
    }
    return this.#state();
  }

  /** The first difference of all keys in all databases. */
  async #state(): Promise<Finding | null> {
    const sizes = databases.flatMap((database) => [['SELECT', database], ['DBSIZE']]);
    const [theirSizes, ourSizes] = (await this.#ask([...ending, ...sizes])).map((each) =>
      each.slice(ending.length),
    );
    const isUsed = (_database: string, i: number): boolean =>
      theirSizes[2 * i + 1].text !== '0' || ourSizes[2 * i + 1].text !== '0';
    const types = databases
      .filter(isUsed)
      .flatMap((database) => [['SELECT', database], ...allKeys.map((key) => ['TYPE', key])]);
    const [theirTypes, ourTypes] = await this.#ask(types);
    const finding = firstDifference(types, theirTypes, ourTypes);
    if (finding !== null) return finding;
    const views = types.flatMap((request, i) =>
      request[0] === 'SELECT' ? [request] : viewsOf(request[1], theirTypes[i].text ?? ''),
    );
    const [theirs, ours] = await this.#ask([...views, ['SELECT', '0']]);
    return firstDifference(views, theirs, ours) ?? firstDifference(sizes, theirSizes, ourSizes);
  }
}

function compareReplies(
  request: RandomRequest,
  theirs: WireReply,
  ours: WireReply,
  queued: readonly RandomRequest[],
): Finding | 'forked' | null {
  const isOfMany = /^EXEC$/i.test(request[0]) && theirs.items?.length === ours.items?.length;
  if (isOfMany && theirs.items !== null && ours.items !== null) {
    for (const [i, each] of queued.entries()) {
      const outcome = compareReplies(each, theirs.items[i], ours.items[i], []);
      if (outcome !== null) return outcome;
    }
    return null;
  }
  const [a, b] = [comparable(request, theirs), comparable(request, ours)];
  const isPage = [a, b].includes(onePage) && theirs.type === ours.type;
  if (a !== b && !isPage && !isEqualButForTime(request, theirs, ours)) {
    const known = knownDifference(request, a, b);
    if (known === undefined) return found(request, a, b, 'reply');
    if (known.isFork === true) return 'forked';
  }
  return isUnpredictable(request) && theirs.text !== 'QUEUED' ? 'forked' : null;
}

function firstDifference(
  requests: readonly RandomRequest[],
  theirs: readonly WireReply[],
  ours: readonly WireReply[],
): Finding | null {
  for (const [i, request] of requests.entries()) {
    const [a, b] = [describeView(request, theirs[i]), describeView(request, ours[i])];
    if (a !== b && !isEqualButForTime(request, theirs[i], ours[i])) return found(request, a, b, 'state');
  }
  return null;
}

function found(request: RandomRequest, theirs: string, ours: string, place: string): Finding {
  const kinds = [theirs, ours].map((text) => (text.startsWith('-') ? text.replace(/'.*'/g, "''") : text[0]));
  return { request, theirs, ours, signature: `${place} ${nameOf(request)}: ${kinds.join(' | ')}` };
}
