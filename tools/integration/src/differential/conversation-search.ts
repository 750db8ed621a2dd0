/** Looks for differences in conversations of several connections for a while, and makes each as short as it gets. */
import { reasonOf } from '@holdfast/common';
import { Company } from './company.js';
import { comparableCommands, payloadsOf } from './comparable-commands.js';
import { type Conversation, ConversationGenerator, type Turn } from './conversation.js';
import { type Companies, tryConversation } from './conversation-trial.js';
import { shortened, simplerRequests } from './explanation.js';
import { newerTokens } from './known-differences.js';
import { lineOf, type RandomRequest } from './request.js';
import type { SearchOptions } from './search.js';
import type { ServerPair } from './server-pair.js';
import { shrink } from './shrink.js';
import type { Finding } from './trial.js';

/** What waits and what is tracked is told apart by habits of the version of the reference. */
export const settingsOfConversations = { 'redis-version': '7.0' };

/** How often a conversation that differed is held again before it counts as one that does not always. */
const repeatsMax = 3;
const attemptsMax = 120;
/** When answers don't come each attempt takes its time. */
const attemptsWithoutAnswerMax = 8;

export interface ConversationResult {
  readonly conversationCount: number;
  readonly turnCount: number;
  /** One text for each different finding. */
  readonly findings: readonly string[];
  /** Those that were not seen again: what a server takes long for, on a busy machine, differs from what it waits for. */
  readonly passing: readonly string[];
}

export class ConversationSearch {
  readonly #pair: ServerPair;
  readonly #options: SearchOptions;
  readonly #found = new Map<string, string>();
  readonly #passing = new Map<string, string>();
  #companies!: Companies;

  constructor(pair: ServerPair, options: SearchOptions) {
    this.#pair = pair;
    this.#options = options;
  }

  async run(): Promise<ConversationResult> {
    const { seed, seconds, sequencesMax = Number.POSITIVE_INFINITY, findingsMax } = this.#options;
    const untilMs = performance.now() + seconds * 1000;
    const commands = await comparableCommands(this.#pair);
    const payloads = await payloadsOf(this.#pair);
    const generator = new ConversationGenerator(commands, { withoutTokens: newerTokens, payloads });
    await this.#meet();
    let conversationCount = 0;
    let turnCount = 0;
    while (
      performance.now() < untilMs &&
      conversationCount < sequencesMax &&
      this.#found.size < findingsMax
    ) {
      const conversation = generator.of(seed + conversationCount++);
      turnCount += conversation.turns.length;
      const finding = await this.#try(conversation);
      if (finding !== null && !this.#found.has(finding.signature)) await this.#explain(conversation, finding);
    }
    for (const company of this.#companies) company.leave();
    const [findings, passing] = [this.#found, this.#passing].map((each) => [...each.values()]);
    return { conversationCount, turnCount, findings, passing };
  }

  async #meet(): Promise<void> {
    const [theirs, ours] = this.#pair.addresses;
    this.#companies = [await Company.meet(theirs), await Company.meet(ours)];
  }

  async #try(conversation: Conversation): Promise<Finding | null> {
    try {
      return await tryConversation(this.#companies, conversation);
    } catch (error) {
      const ours = reasonOf(error);
      for (const company of this.#companies) company.leave();
      await this.#pair.recover();
      await this.#meet();
      return { request: [], theirs: 'answers', ours, signature: `broken: ${ours}` };
    }
  }

  async #explain(conversation: Conversation, finding: Finding): Promise<void> {
    const { signature } = finding;
    this.#options.log?.(`... ${signature} (seed ${conversation.seed})`);
    let last = finding;
    const fails = async (turns: readonly Turn[]): Promise<boolean> => {
      const again = await this.#try({ ...conversation, turns });
      if (again?.signature !== signature) return false;
      last = again;
      return true;
    };
    if (!(await anyOf(repeatsMax, () => fails(conversation.turns)))) {
      this.#passing.set(signature, describe(conversation, finding));
      this.#options.log?.('... and not again');
      return;
    }
    const max = signature.startsWith('broken') ? attemptsWithoutAnswerMax : attemptsMax;
    const turns = await shrink<Turn>(conversation.turns, { fails, simpler, attemptsMax: max });
    const text = describe({ ...conversation, turns }, last);
    this.#found.set(signature, text);
    this.#options.log?.(text);
  }
}

async function anyOf(attempts: number, attempt: () => Promise<boolean>): Promise<boolean> {
  for (let i = 0; i < attempts; i++) if (await attempt()) return true;
  return false;
}

function simpler({ by, request }: Turn): Turn[] {
  const idsOf = (words: RandomRequest): string => words.filter((word) => word.startsWith('<id ')).join();
  // Any other number may be the id of a connection of one server, and of none of the other.
  const forms = simplerRequests(request).filter((form) => idsOf(form) === idsOf(request));
  return forms.map((form) => ({ by, request: form }));
}

function describe(
  { seed, dialects, turns }: Conversation,
  { signature, theirs, ours, request }: Finding,
): string {
  const lines = turns.map(({ by, request: said }) => `${by}> ${lineOf(said)}`);
  return [
    `${signature} (seed ${seed}, RESP${dialects.join(', ')}) at ${lineOf(request)}`,
    ...lines.map((line) => `  ${line}`),
    `    redis    ${shortened(theirs)}`,
    `    holdfast ${shortened(ours)}`,
  ].join('\n');
}
