/** One conversation on both servers: what each connection hears, answer by answer, then the state of every key. */
import { renderReply, type WireReply } from '@holdfast/protocol/testing';
import { type Company, type Heard, maybeWaiting, type Transcript } from './company.js';
import type { Conversation, Turn } from './conversation.js';
import { knownDifference } from './known-differences.js';
import { nameOf, type RandomRequest } from './request.js';
import { isAside } from './speaker.js';
import { compareReplies, type Finding, type Outcome, stateFinding } from './trial.js';

export type Companies = readonly [theirs: Company, ours: Company];

/** What a connection hears after its last answer was asked for by nothing. */
const nothing: RandomRequest = ['(in the end)'];

/** The first difference that is not known. */
export async function tryConversation(
  companies: readonly Pick<Company, 'hold'>[],
  conversation: Conversation,
): Promise<Finding | null> {
  const [theirs, ours] = await Promise.all(companies.map((company) => company.hold(conversation)));
  const outcome = compareTranscripts(conversation, theirs, ours);
  return outcome === 'forked' ? null : outcome;
}

function compareTranscripts(
  { turns, dialects }: Conversation,
  theirs: Transcript,
  ours: Transcript,
): Outcome {
  const queued = dialects.map((): RandomRequest[] => []);
  // After a pause Redis goes on with all that one client has sent, then with the next one's; here each has its turn.
  const isPaused = turns.some(({ request: [name, verb] }) => name === 'CLIENT' && verb === 'PAUSE');
  const loose = looseEvents(turns);
  for (let i = 0; i < turns.length + dialects.length; i++) {
    const { by, request } = turns[i] ?? { by: i - turns.length, request: nothing };
    const [a, b] = [theirs.heard[i], ours.heard[i]];
    const outcome = compareHeard(request, a, b, queued[by], loose);
    if (outcome !== null) {
      const isTolerated = (isPaused && isOfMessages(outcome)) || isServedByStore(outcome, turns);
      return isTolerated ? 'forked' : outcome;
    }
    if (typeof a === 'string') continue;
    if (a.some(({ text }) => text === 'QUEUED')) queued[by].push(request);
    else if (/^(EXEC|DISCARD|RESET)$/i.test(request[0])) queued[by].length = 0;
  }
  const [a, b] = [theirs, ours].map(({ isOpen }) => `open: ${isOpen}`);
  if (a !== b) return { request: nothing, theirs: a, ours: b, signature: 'closed connections' };
  return stateFinding(theirs.state, ours.state);
}

function isOfMessages(outcome: Outcome): boolean {
  return outcome !== null && outcome !== 'forked' && outcome.signature.startsWith('message');
}

/** Redis does not tell those who wait when a store replaces a value of another type; here they are served. */
function isServedByStore(outcome: Outcome, turns: readonly Turn[]): boolean {
  if (outcome === null || outcome === 'forked') return false;
  const { request: waiting, ours } = outcome;
  if (!/^B[LRZ]/i.test(waiting[0]) || /^[*_$]null/.test(ours)) return false;
  const names = waiting.slice(1).filter((word) => Number.isNaN(Number(word)));
  return turns.some(
    ({ request }) =>
      request.some((word) => /(?<!RE)STORE/i.test(word)) && request.some((word) => names.includes(word)),
  );
}

function compareHeard(
  request: RandomRequest,
  theirs: Heard,
  ours: Heard,
  queued: readonly RandomRequest[],
  loose: LooseEvents,
): Outcome {
  if (typeof theirs === 'string' || typeof ours === 'string')
    return theirs === ours ? null : different(request, 'turn', theirs, ours);
  let [a, b] = [theirs, ours];
  if (!inStep(a, b)) [a, b] = [lateAsides(a), lateAsides(b)];
  if (loose.haveNoOrder || !inStep(a, b)) [a, b] = [without(loose, a), without(loose, b)];
  if (!inStep(a, b)) return different(request, 'messages', theirs, ours);
  const other = patternsSorted(b);
  for (const [i, message] of patternsSorted(a).entries()) {
    const outcome = isAside(message)
      ? renderReply(message) === renderReply(other[i])
        ? null
        : different(request, `message ${kindOf(message)}`, theirs, ours)
      : compareReplies(request, message, other[i], queued);
    if (outcome !== null) return outcome;
  }
  return null;
}

/** One message may fit several patterns of a connection, which have no order. */
function patternsSorted(messages: readonly WireReply[]): readonly WireReply[] {
  const sorted = [...messages];
  for (let i = 1; i < sorted.length; i++)
    for (let j = i; j > 0 && isOfLaterPattern(sorted[j - 1], sorted[j]); j--)
      [sorted[j - 1], sorted[j]] = [sorted[j], sorted[j - 1]];
  return sorted;
}

function isOfLaterPattern(before: WireReply, after: WireReply): boolean {
  const [a, b] = [before.items, after.items];
  if (a?.[0]?.text !== 'pmessage' || b?.[0]?.text !== 'pmessage') return false;
  return a[2].text === b[2].text && a[3].text === b[3].text && a[1].text! > b[1].text!;
}

function inStep(theirs: readonly WireReply[], ours: readonly WireReply[]): boolean {
  return theirs.length === ours.length && theirs.every((each, i) => isAside(each) === isAside(ours[i]));
}

/** Since 7.2 what a request makes its own connection hear follows the reply. */
function lateAsides(messages: readonly WireReply[]): readonly WireReply[] {
  return [...messages.filter((each) => !isAside(each)), ...messages.filter(isAside)];
}

/** Events of which there may be more or fewer. */
interface LooseEvents {
  readonly names: RegExp;
  readonly haveNoOrder: boolean;
}

/**
 * A key that has expired, and that nobody asks for, is removed at some time. Since 7.2 who waits looks for all his keys again
 * when one has changed: of those that are not there it is told again. SORT looks for what a pattern makes of members in the
 * order of a hash table.
 */
function looseEvents(turns: readonly Turn[]): LooseEvents {
  const haveNoOrder = turns.some(({ request }) => request.some((word) => /^SORT(_RO)?$/i.test(word)));
  const mayMissAgain = haveNoOrder || turns.some(({ request: [name] }) => maybeWaiting.test(name));
  return { names: mayMissAgain ? /(^|:)(expired|keymiss)$/ : /(^|:)expired$/, haveNoOrder };
}

function without({ names }: LooseEvents, messages: readonly WireReply[]): readonly WireReply[] {
  return messages.filter(
    (each) => !(isAside(each) && each.items?.some(({ text }) => names.test(text ?? ''))),
  );
}

const kindOf = ({ items }: WireReply): string => items?.[0].text ?? 'monitor';

function different(request: RandomRequest, what: string, theirs: Heard, ours: Heard): Outcome {
  const [a, b] = [theirs, ours].map((heard) =>
    typeof heard === 'string' ? heard : heard.map(renderReply).join(' '),
  );
  const known = knownDifference(request, a, b);
  if (known !== undefined) return known.isFork === true ? 'forked' : null;
  return { request, theirs: a, ours: b, signature: `${what} ${nameOf(request)}` };
}
