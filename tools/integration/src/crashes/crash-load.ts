/**
 * Writes for the crash test, and what must hold of them after a crash. Every register is written by one
 * connection with the numbers 1, 2, 3 ..., so its state after a crash is one number between the last one
 * that was acknowledged (or read by anybody) and the last one that was sent.
 */
import { type Random, randomBelow } from '@holdfast/common';
import type { WireReply } from '@holdfast/protocol/testing';
import { pause } from '../server.js';
import type { WireClient } from '../wire-client.js';
import type { Form, Step } from './form.js';

interface Moment {
  readonly ms: number;
  readonly known: number;
  readonly version: number;
}

export class Tracked {
  readonly form: Form;
  readonly key: string;
  sent = 0;
  /** Acknowledged, or read by some client. */
  known = 0;
  /** That of its last write, if replies to writes tell it. */
  version = 0;
  /** When it became known, in ms since 1970, rounded up. */
  #moments: Moment[] = [];

  constructor(form: Form, key: string) {
    this.form = form;
    this.key = key;
  }

  /** Nothing was sent that may be there or not. */
  get isCertain(): boolean {
    return this.known === this.sent;
  }

  /** It was acknowledged, or read. */
  learn(n: number): void {
    if (n <= this.known) return;
    this.known = n;
    this.#moments.push({ ms: Date.now() + 1, known: n, version: this.version });
  }

  /** A write was acknowledged. Its version must be above those before, whatever ended in between. */
  acknowledged(n: number, reply: WireReply): void {
    const failed = reply.items?.find(({ type }) => type === '-');
    if (failed !== undefined) throw new Error(`${this.key}: ${failed.text}`);
    const version = this.form.versionOf?.(reply);
    if (version !== undefined) {
      if (version <= this.version)
        throw new Error(`${this.key} has version ${version} after ${this.version}`);
      this.version = version;
    }
    this.learn(n);
  }

  /** What was known by then, of this life of the server. */
  knownAt(ms: number): number {
    return this.#moments.findLast((moment) => moment.ms <= ms)?.known ?? 0;
  }

  /** Its names when it is in a state. */
  namesAt(state: number): readonly string[] {
    return state === 0 ? [] : this.form.names(this.key, state);
  }

  /** The state that a reply shows. Throws when it is none that may be there. */
  stateOf(reply: WireReply, known = this.known): number {
    let state: number;
    try {
      state = this.form.parse(reply);
    } catch (error) {
      throw new Error(`${this.form.name} ${this.key}: ${(error as Error).message}`, { cause: error });
    }
    if (state >= known && state <= this.sent) return state;
    throw new Error(
      `${this.form.name} ${this.key} is ${state}; ${known} was acknowledged, ${this.sent} was sent`,
    );
  }

  /** Judges the state after a crash, goes on from it, and tells it. */
  settle(reply: WireReply): number {
    const state = this.stateOf(reply);
    this.known = state;
    this.sent = state;
    this.#moments = [{ ms: 0, known: state, version: this.version }];
    return state;
  }

  /** What was acknowledged later may be lost. */
  forgetAfter(ms: number): void {
    this.known = this.knownAt(ms);
    this.version = this.#moments.findLast((moment) => moment.ms <= ms)?.version ?? 0;
    this.#moments = [{ ms: 0, known: this.known, version: this.version }];
  }
}

/** Writes to its own registers until the connection is gone. Errors of the server are thrown. */
export async function writeUntilGone(
  client: WireClient,
  tracked: readonly Tracked[],
  random: Random,
): Promise<void> {
  while (!client.isClosed) {
    const depth = randomBelow(random, 3) === 0 ? 1 : 1 + randomBelow(random, 24);
    const requests: Step[] = [];
    const ends: { register: Tracked; n: number; reply: number }[] = [];
    for (let i = 0; i < depth; i++) {
      const register = tracked[randomBelow(random, tracked.length)];
      const n = ++register.sent;
      requests.push(...register.form.write(register.key, n));
      ends.push({ register, n, reply: requests.length - 1 });
    }
    const replies = client.pipeline(requests);
    for (const { register, n, reply } of ends) {
      let answer: WireReply;
      try {
        answer = await replies[reply];
      } catch {
        return;
      }
      if (answer.type === '-') throw new Error(`${register.key}: ${answer.text}`);
      register.acknowledged(n, answer);
    }
  }
}

/** Reads what others write: what was read once must never be lost either. */
export async function readUntilGone(
  client: WireClient,
  tracked: readonly Tracked[],
  random: Random,
): Promise<void> {
  while (!client.isClosed) {
    const register = tracked[randomBelow(random, tracked.length)];
    let reply: WireReply;
    try {
      reply = await client.call(...register.form.read(register.key));
    } catch {
      return;
    }
    register.learn(register.form.parse(reply));
  }
}

/** What is not in memory can't be read, nor changed, while LevelDB can't be opened anew. */
const refused = /^(MISCONF|EXECABORT|ERR the key could not be loaded)/;
const refusedPauseMs = 20;

/**
 * Writes until it `isOver`, to a server that may refuse: then the same write is tried again. So each register has one write
 * under way. Returns how many were refused.
 */
export async function writeWhileRefused(
  client: WireClient,
  tracked: readonly Tracked[],
  random: Random,
  isOver: () => boolean,
): Promise<number> {
  let refusals = 0;
  while (!isOver()) {
    const chosen = tracked.filter(() => randomBelow(random, 8) === 0);
    const requests = chosen.map((register) => register.form.write(register.key, ++register.sent));
    const replies = client.pipeline(requests.flat());
    let end = -1;
    for (const [i, register] of chosen.entries()) {
      end += requests[i].length;
      const answer = await replies[end];
      if (answer.type !== '-') {
        register.acknowledged(register.sent, answer);
        continue;
      }
      if (!refused.test(answer.text!)) throw new Error(`${register.key}: ${answer.text}`);
      register.sent--;
      refusals++;
    }
    await pause(refusals > 0 ? refusedPauseMs : 0);
  }
  return refusals;
}
