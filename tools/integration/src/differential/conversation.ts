/**
 * Random conversations of several connections with a server: one request at a time, so that the order of all that
 * happens is known, while some connections wait, watch, listen or track what others do.
 */
import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { Command } from '@holdfast/engine';
import { pick } from '../random-pick.js';
import { type Scene, speakerCount, type Theme, themes } from './conversation-themes.js';
import { PlainRequests } from './plain-requests.js';
import type { RandomRequest } from './request.js';
import type { GeneratorOptions } from './request-generator.js';

/** One request of one of the connections. In its words `<id 1>` is the id of the second one. */
export interface Turn {
  readonly by: number;
  readonly request: RandomRequest;
}

export interface Conversation {
  /** What it was made from. */
  readonly seed: number;
  /** Of each connection. */
  readonly dialects: readonly (2 | 3)[];
  readonly turns: readonly Turn[];
}

export class ConversationGenerator {
  readonly #requests: PlainRequests;
  readonly #payloads: readonly string[];

  constructor(commands: readonly Command[], options: GeneratorOptions & { payloads: readonly string[] }) {
    this.#requests = new PlainRequests(commands, options);
    this.#payloads = options.payloads;
  }

  /** The conversation of a seed, whatever was asked for before. */
  of(seed: number): Conversation {
    const random = new SeededRandom(seed);
    this.#requests.restart(random);
    const own = this.#requests.twoGroups();
    let count = 0;
    const scene: Scene = {
      random,
      any: () => this.#requests.one(own),
      some: () => this.#requests.some(own),
      payload: () => pick(this.#payloads, random),
      next: () => ++count,
      anybody: () => randomBelow(random, speakerCount),
    };
    const chosen = Array.from({ length: 1 + randomBelow(random, 2) }, () => pick(themes, random));
    const turns = chosen.flatMap((theme) => theme.opening?.(scene) ?? []);
    const length = turns.length + 6 + randomBelow(random, 24);
    while (turns.length < length) turns.push(...step(scene, chosen));
    const dialects = Array.from({ length: speakerCount }, () => (randomBelow(random, 2) === 0 ? 3 : 2));
    return { seed, dialects, turns: withReplies(survived(turns)) };
  }
}

function step(scene: Scene, chosen: readonly Theme[]): Turn[] {
  const { random } = scene;
  const by = scene.anybody();
  const dice = randomBelow(random, 100);
  if (dice < 25) return scene.some().map((request) => ({ by, request }));
  const ofTheme = (): readonly RandomRequest[] => pick(pick(chosen, random).steps, random)(scene);
  const requests = ofTheme();
  const hasItsOwn = requests.some(([name]) => /^(MULTI|EXEC|WATCH)$/.test(name));
  if (dice < 88 || hasItsOwn) return requests.map((request) => ({ by, request }));
  const inside = [['MULTI'], ...requests, ...scene.some(), ...ofTheme()];
  const end = randomBelow(random, 8) === 0 ? 'DISCARD' : 'EXEC';
  const allowed = inside.filter((request) => !isNoPartOfTransactions.test(request.join(' ')));
  return [...allowed, [end]].map((request) => ({ by, request }));
}

/** Redis 7.0 ends with a panic when a client that a pause holds back is unblocked. */
function survived(turns: readonly Turn[]): readonly Turn[] {
  const asks = ({ request: [name, verb] }: Turn, what: string): boolean => name === 'CLIENT' && verb === what;
  if (!turns.some((turn) => asks(turn, 'PAUSE'))) return turns;
  return turns.filter((turn) => !asks(turn, 'UNBLOCK'));
}

/** CLIENT REPLY in a transaction has no reply: what comes behind EXEC would be read as part of its own. */
export function withReplies(turns: readonly Turn[]): readonly Turn[] {
  const inTransaction = new Set<number>();
  return turns.filter(({ by, request }) => {
    const words = request.join(' ').toUpperCase();
    if (words === 'MULTI') inTransaction.add(by);
    else if (/^(EXEC|DISCARD|RESET)$/.test(words)) inTransaction.delete(by);
    return !(inTransaction.has(by) && words.startsWith('CLIENT REPLY'));
  });
}

/** Replies to those break the shape of the reply to EXEC, or end it. */
const isNoPartOfTransactions =
  /^([PS]?(UN)?SUBSCRIBE|WATCH|EXEC|DISCARD|RESET|QUIT|MONITOR|HELLO|AUTH|CLIENT REPLY)\b/;
