/**
 * Several connections to one server, and one more that looks at them from outside. The next request goes out when the one
 * before is answered or known to wait.
 */
import type { WireReply } from '@holdfast/protocol/testing';
import { pause } from '../server.js';
import type { Address } from '../wire-client.js';
import { WireClient } from '../wire-client.js';
import { preparation } from './argument-values.js';
import type { Conversation } from './conversation.js';
import { speakerCount } from './conversation-themes.js';
import { takeState } from './key-state.js';
import { encoded, type RandomRequest, waitsLong } from './request.js';
import { monitorLine, Speaker } from './speaker.js';
import { takingBack } from './special-steps.js';

/** What was heard; of a turn that was left out, why: its connection waits, or is gone. */
export type Heard = readonly WireReply[] | 'waits' | 'gone';

export interface Transcript {
  /** By turn; then for each connection what it heard last. */
  readonly heard: readonly Heard[];
  readonly state: WireReply;
  /** Whether connections were alive in the end. */
  readonly isOpen: readonly boolean[];
}

/** On a machine that does other things as well. */
const answerMsMax = 10_000;
/** Before the server is asked whether a request waits that need not. */
const patienceMs = 5;
/** The same of one that waits for some milliseconds: the server has been told to pause if it takes longer. */
const longPatienceMs = 500;

export const maybeWaiting = /^(B[LRZ]|XREAD)/i;

export class Company {
  readonly #address: Address;
  #outside!: WireClient;
  #speakers: Speaker[] = [];

  private constructor(address: Address) {
    this.#address = address;
  }

  static async meet(address: Address): Promise<Company> {
    const company = new Company(address);
    company.#outside = await WireClient.connect(address);
    return company;
  }

  /** Holds a conversation from the usual keys on. Throws when an answer does not come. */
  async hold({ turns, dialects }: Conversation): Promise<Transcript> {
    await this.#begin(dialects);
    const heard: Heard[] = [];
    const said = dialects.map((): number[] => []);
    for (const [i, { by, request }] of turns.entries()) {
      const speaker = this.#speakers[by];
      if (!speaker.isAnswered && !(await this.#isWaiting(speaker))) await inTime(speaker.answered);
      heard[i] = speaker.isClosed ? 'gone' : 'waits';
      if (speaker.isClosed || !speaker.isAnswered) continue;
      said[by].push(i);
      await this.#say(speaker, this.#withIds(request));
    }
    const isOpen = await this.#end();
    for (const [by, speaker] of this.#speakers.entries()) {
      const { answers, rest } = speaker.takeHearing();
      let queued: RandomRequest[] = [];
      for (const [n, i] of said[by].entries()) {
        const { request } = turns[i];
        const answer = answers[n];
        if (answer === undefined) {
          heard[i] = 'gone';
          break;
        }
        heard[i] = answer.map((each) => this.#withoutIdsOf(request, queued, each));
        if (answer.some(({ text }) => text === 'QUEUED')) queued.push(request);
        else if (/^(EXEC|DISCARD|RESET)$/i.test(request[0])) queued = [];
      }
      const last = answers.slice(said[by].length).flat();
      heard[turns.length + by] = [...last, ...rest].map((each) => this.#withoutIds(each, false));
    }
    const back = takingBack(turns.map(({ request }) => request));
    const last = await this.#ask([...back, takeState]);
    return { heard, isOpen, state: last.at(-1)! };
  }

  leave(): void {
    this.#outside.close();
    for (const speaker of this.#speakers) speaker.close();
  }

  async #begin(dialects: readonly (2 | 3)[]): Promise<void> {
    await this.#ask([['FLUSHALL'], ...preparation]);
    for (let by = 0; by < speakerCount; by++) {
      if (this.#speakers[by] === undefined || this.#speakers[by].isClosed)
        this.#speakers[by] = await Speaker.connect(this.#address);
      const speaker = this.#speakers[by];
      speaker.begin();
      if (dialects[by] === 3) speaker.say(['HELLO', '3']);
      await inTime(speaker.answered);
      speaker.takeHearing();
    }
  }

  /** Says something, and waits until it is answered or the server says that it waits. */
  async #say(speaker: Speaker, request: RandomRequest): Promise<void> {
    const name = request[0];
    const mayWait = maybeWaiting.test(name);
    const isOverSoon = mayWait && !waitsLong(request);
    speaker.say(request);
    const untilMs = performance.now() + answerMsMax;
    for (let patience = isOverSoon ? longPatienceMs : mayWait ? 0.5 : patienceMs; ; patience = 1) {
      await Promise.race([speaker.answered, pause(patience)]);
      if (speaker.isAnswered || (await this.#isWaiting(speaker))) return;
      if (performance.now() > untilMs) throw new Error('no reply in time');
    }
  }

  async #isWaiting({ id }: Speaker): Promise<boolean> {
    const [{ text }] = await this.#ask([['CLIENT', 'LIST', 'ID', id]]);
    return / flags=[^ ]*b/.test(text ?? '');
  }

  /** Ends all that still waits, then all that connections have begun. */
  async #end(): Promise<boolean[]> {
    await this.#ask([['CLIENT', 'UNPAUSE']]);
    for (const speaker of this.#speakers) {
      while (!speaker.isAnswered && (await this.#isWaiting(speaker))) {
        await this.#ask([['CLIENT', 'UNBLOCK', speaker.id]]);
        await Promise.race([speaker.answered, pause(1)]);
      }
      await inTime(speaker.answered);
    }
    const isOpen = this.#speakers.map(({ isClosed }) => !isClosed);
    for (const speaker of this.#speakers) {
      if (!speaker.isClosed) speaker.say(['RESET']);
      await inTime(speaker.answered);
    }
    return isOpen;
  }

  async #ask(requests: readonly RandomRequest[]): Promise<WireReply[]> {
    return inTime(this.#outside.exchange(encoded(requests), requests.length));
  }

  #withIds(request: RandomRequest): RandomRequest {
    return request.map((word) => {
      const by = /^<id (\d)>$/.exec(word)?.[1];
      return by === undefined ? word : this.#speakers[Number(by)].id;
    });
  }

  /** `queued` is what an EXEC answers. */
  #withoutIdsOf(request: RandomRequest, queued: readonly RandomRequest[], reply: WireReply): WireReply {
    const { items } = reply;
    const isOfMany = /^EXEC$/i.test(request[0]) && items?.length === queued.length;
    if (items === null || !isOfMany) return this.#withoutIds(reply, asksForIds(request));
    return { ...reply, items: items.map((each, i) => this.#withoutIds(each, asksForIds(queued[i]))) };
  }

  /** Ids of connections are the server's own: in replies to those who ask for them, in HELLO, and in what MONITOR shows. */
  #withoutIds(reply: WireReply, isAsked: boolean): WireReply {
    const { type, text, items } = reply;
    if (items !== null) {
      const isId = (i: number): boolean => isAsked || items[i - 1]?.text === 'id';
      return { ...reply, items: items.map((each, i) => this.#withoutIds(each, isId(i))) };
    }
    if (type === ':') return isAsked ? { ...reply, text: this.#nameOf(text!) } : reply;
    if (type !== '+' || !monitorLine.test(text!)) return reply;
    const line = text!
      .replace(/^[\d.]+ \[(\d+) (lua)?[^\]]*\]/, '[$1 $2]')
      .replace(/"(REDIRECT|UNBLOCK|ID)" "(\d+)"/gi, (_, word, id) => `"${word}" "${this.#nameOf(id)}"`);
    return { ...reply, text: line };
  }

  #nameOf(id: string): string {
    const by = this.#speakers.findIndex((speaker) => speaker.id === id);
    return by < 0 ? id : `<id ${by}>`;
  }
}

function asksForIds(request: RandomRequest): boolean {
  return /^CLIENT (ID|GETREDIR|TRACKINGINFO)$/i.test(request.join(' '));
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no reply in time')), answerMsMax);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
