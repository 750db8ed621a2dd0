/**
 * One sequence on both servers: from the same keys, reply by reply, then the state of every key. It is sent as one
 * list of requests, and judged by the replies to them, so that many can be on their way at once.
 */
import { reasonOf } from '@holdfast/common';
import { renderReply, type WireReply } from '@holdfast/protocol/testing';
import { typesOf } from '../matrix.js';
import { preparation } from './argument-values.js';
import { comparable, isEqualButForTime, isSameReply, onePage } from './comparison.js';
import { firstDifferentKey, showState, takeState } from './key-state.js';
import { isUnpredictable, knownDifference } from './known-differences.js';
import { nameOf, type RandomRequest } from './request.js';
import type { RandomSequence } from './sequence.js';
import type { Replies, ServerPair } from './server-pair.js';
import { takingBack } from './special-steps.js';

export interface Finding {
  /** The request whose replies differ; after a sequence, the one that shows the key which does. */
  readonly request: RandomRequest;
  readonly theirs: string;
  readonly ours: string;
  /** Equal for findings that are probably the same mistake. */
  readonly signature: string;
}

/** What came of a sequence: `forked` when the servers may rightly differ by its end. */
export type Outcome = Finding | 'forked' | null;

/** Ends what a sequence may have left open. */
const ending: RandomRequest = ['RESET'];
/** What makes servers as good as new. */
export const afresh: readonly RandomRequest[] = [ending, ['FLUSHALL']];

interface TrialOptions {
  /** What comes before the sequence; the usual keys unless given. */
  readonly preparation?: readonly RandomRequest[];
  /** Shows the keys in the end; takes them away as well unless given. */
  readonly state?: RandomRequest;
}

export class Trial {
  readonly sequence: RandomSequence;
  /** All that is sent; nothing of it depends on a reply. */
  readonly requests: readonly RandomRequest[];
  readonly #beginningLength: number;

  constructor(sequence: RandomSequence, options: TrialOptions = {}) {
    const beginning = [ending, ...(options.preparation ?? preparation)];
    if (sequence.dialect === 3) beginning.push(['HELLO', '3']);
    this.sequence = sequence;
    this.#beginningLength = beginning.length;
    const back = takingBack(sequence.requests);
    this.requests = [...beginning, ...sequence.requests, ending, ...back, options.state ?? takeState];
  }

  /** The first difference that is not known; the replies to `requests` begin at `at`. */
  judge(replies: Replies, at = 0): Finding | null {
    const outcome = this.outcome(replies, at);
    return outcome === 'forked' ? null : outcome;
  }

  outcome([theirs, ours]: Replies, at = 0): Outcome {
    if (theirs[at].text !== 'RESET' || ours[at].text !== 'RESET') return outOfStep(theirs[at], ours[at]);
    const { requests } = this.sequence;
    const queued: RandomRequest[] = [];
    for (const [i, request] of requests.entries()) {
      const here = at + this.#beginningLength + i;
      const outcome = compareReplies(request, theirs[here], ours[here], queued);
      if (outcome !== null) return outcome;
      if (theirs[here].text === 'QUEUED') queued.push(request);
      else if (/^(EXEC|DISCARD)$/i.test(request[0])) queued.length = 0;
    }
    const last = at + this.requests.length - 1;
    return stateFinding(theirs[last], ours[last]);
  }
}

/** Runs one sequence for itself. */
export async function tryAlone(pair: ServerPair, sequence: RandomSequence): Promise<Finding | null> {
  try {
    await pair.ask(afresh);
    const outcome = await (sequence.restartAt === null
      ? run(pair, new Trial(sequence))
      : runOverRestart(pair, sequence, sequence.restartAt));
    return outcome === 'forked' ? null : outcome;
  } catch (error) {
    const ours = reasonOf(error);
    await pair.recover();
    return { request: [], theirs: 'replies', ours, signature: `broken: ${ours}` };
  }
}

async function run(pair: ServerPair, trial: Trial): Promise<Outcome> {
  return trial.outcome(await pair.ask(trial.requests));
}

async function runOverRestart(pair: ServerPair, sequence: RandomSequence, at: number): Promise<Outcome> {
  const { requests } = sequence;
  const before = new Trial({ ...sequence, requests: requests.slice(0, at) }, { state: showState });
  const outcome = await run(pair, before);
  if (outcome !== null) return outcome;
  await pair.restart();
  const [theirs, ours] = await pair.ask([showState]);
  const after = new Trial({ ...sequence, requests: requests.slice(at) }, { preparation: [] });
  return stateFinding(theirs[0], ours[0]) ?? run(pair, after);
}

/** When one of the servers answered a request before this one more than once, or not at all. */
function outOfStep(theirs: WireReply, ours: WireReply): Finding {
  const [a, b] = [renderReply(theirs), renderReply(ours)];
  return { request: ending, theirs: a, ours: b, signature: 'broken: replies are out of step' };
}

export function stateFinding(theirs: WireReply, ours: WireReply): Finding | null {
  const difference = firstDifferentKey(theirs, ours);
  return difference && { ...difference, signature: `state ${nameOf(difference.request)}` };
}

/** Of a transaction, the replies to what was `queued`. */
export function compareReplies(
  request: RandomRequest,
  theirs: WireReply,
  ours: WireReply,
  queued: readonly RandomRequest[],
): Outcome {
  const isExec = /^EXEC$/i.test(request[0]);
  if (isExec && queued.some(isOfSeveralReplies) && typesOf(theirs) === typesOf(ours)) {
    return queued.some(isUnpredictable) ? 'forked' : null;
  }
  const isOfMany = isExec && theirs.items?.length === queued.length;
  if (isOfMany && theirs.items !== null && ours.items?.length === queued.length) {
    for (const [i, each] of queued.entries()) {
      const outcome = compareReplies(each, theirs.items[i], ours.items[i], []);
      if (outcome !== null) return outcome;
    }
    return null;
  }
  const difference = isSameReply(theirs, ours) ? null : differenceOf(request, theirs, ours);
  if (difference !== null) return difference;
  return theirs.text !== 'QUEUED' && isUnpredictable(request) ? 'forked' : null;
}

/** For two channels there are two replies in a transaction: the last of the others stand behind its own. */
const isOfSeveralReplies = ([name]: RandomRequest): boolean => /^[PS]?(UN)?SUBSCRIBE$/i.test(name);

function differenceOf(request: RandomRequest, theirs: WireReply, ours: WireReply): Outcome {
  const [a, b] = [comparable(request, theirs), comparable(request, ours)];
  const isPage = [a, b].includes(onePage) && theirs.type === ours.type;
  if (a === b || isPage || isEqualButForTime(request, theirs, ours)) return null;
  const known = knownDifference(request, a, b);
  if (known === undefined) return found(request, a, b);
  return known.isFork === true ? 'forked' : null;
}

function found(request: RandomRequest, theirs: string, ours: string): Finding {
  const kinds = [theirs, ours].map((text) => (text.startsWith('-') ? text.replace(/'.*'/g, "''") : text[0]));
  return { request, theirs, ours, signature: `reply ${nameOf(request)}: ${kinds.join(' | ')}` };
}
