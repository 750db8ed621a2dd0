/**
 * One of several connections to a server: says one request after the other, and keeps all it hears. What ends the answer
 * to a request is the answer to a second one, sent along, that changes nothing: so nobody has to know how many replies
 * and messages belong to a request.
 *
 *     SUBSCRIBE a b   PING 7:3     ->     >[subscribe a 1]  >[subscribe b 2]  |  $7:3
 *     SET k 1         MULTI        ->     +QUEUED  |  -ERR MULTI calls can not be nested
 */
import type { WireReply } from '@holdfast/protocol/testing';
import { type Address, WireClient } from '../wire-client.js';
import { encoded, type RandomRequest } from './request.js';

/** What a connection has heard. */
export interface Hearing {
  /** By request that was answered, up to the end of its answer. */
  readonly answers: readonly (readonly WireReply[])[];
  /** Behind the last of these. */
  readonly rest: readonly WireReply[];
}

/** What MONITOR shows of a request. */
export const monitorLine = /^\d+\.\d+ \[/;

export class Speaker {
  readonly #client: WireClient;
  readonly id: string;
  /** What was heard up to the end of each answer, and what was heard since. */
  #answers: WireReply[][] = [];
  #heard: WireReply[] = [];
  #isEnd: ((message: WireReply) => boolean) | null = null;
  #finish: () => void = () => {};
  #answered: Promise<void> = Promise.resolve();
  #isInTransaction = false;
  #saidCount = 0;

  private constructor(client: WireClient, id: string) {
    this.#client = client;
    this.id = id;
    void client.closed.then(() => this.#finish());
  }

  static async connect(address: Address): Promise<Speaker> {
    let speaker: Speaker | null = null;
    let take: (message: WireReply) => void = () => {};
    const first = new Promise<WireReply>((resolve) => {
      take = resolve;
    });
    const client = await WireClient.connect(address, (message) => {
      if (speaker === null) take(message);
      else speaker.#hear(message);
    });
    client.write(encoded([['CLIENT', 'ID']]));
    speaker = new Speaker(client, (await first).text!);
    return speaker;
  }

  get isClosed(): boolean {
    return this.#client.isClosed;
  }

  get isAnswered(): boolean {
    return this.#isEnd === null || this.isClosed;
  }

  /** Resolves at the end of the answer, or when the connection is gone. */
  get answered(): Promise<void> {
    return this.#answered;
  }

  /** Counts what it says from the start, so that marks are equal where conversations are. */
  begin(): void {
    this.#saidCount = 0;
  }

  /** The request before is answered. */
  say(request: RandomRequest): void {
    const name = request[0].toUpperCase();
    const requests = [request];
    const mark = `mark ${this.#saidCount++}`;
    if (name === 'MULTI') {
      this.#isEnd = (message) => {
        if (!/^[+-]$/.test(message.type) || monitorLine.test(message.text!)) return false;
        this.#isInTransaction ||= message.text === 'OK';
        this.#heard.push(message);
        return true;
      };
    } else if (name === 'RESET') {
      this.#isEnd = ({ text }) => text === 'RESET';
      this.#isInTransaction = false;
    } else if (this.#isInTransaction && !/^(EXEC|DISCARD)$/.test(name)) {
      requests.push(['MULTI']);
      this.#isEnd = ({ text }) => text === 'ERR MULTI calls can not be nested';
    } else {
      // A reply to the first is skipped after CLIENT REPLY SKIP.
      const isSkipped = /^CLIENT REPLY SKIP$/i.test(request.join(' '));
      for (let i = isSkipped ? 2 : 1; i > 0; i--) requests.push(['PING', mark]);
      this.#isEnd = ({ text, items }) => text === mark || (items?.length === 2 && items[1].text === mark);
      this.#isInTransaction = false;
    }
    this.#answered = new Promise((resolve) => {
      this.#finish = resolve;
    });
    if (this.isClosed) this.#finish();
    else this.#client.write(encoded(requests));
  }

  /**
   * What was heard so far; what comes is counted from here. A connection that is gone has not answered its last request,
   * whatever it heard before: whether it was noticed first that it is gone is a matter of time.
   */
  takeHearing(): Hearing {
    const hearing = { answers: this.#answers, rest: this.#heard };
    this.#answers = [];
    this.#heard = [];
    return hearing;
  }

  close(): void {
    this.#client.close();
  }

  #hear(message: WireReply): void {
    if (this.#isEnd === null || !this.#isEnd(message)) {
      this.#heard.push(message);
      return;
    }
    this.#isEnd = null;
    this.#answers.push(this.#heard);
    this.#heard = [];
    this.#finish();
  }
}

/** Whether a message answers no request: what others did is told of, or it confirms a subscription. */
export function isAside({ type, text, items }: WireReply): boolean {
  if (type === '>') return true;
  if (items !== null) return items.length > 2 && /^[ps]?message$/.test(items[0].text ?? '');
  return type === '+' && /^\[\d+ (lua)?\] /.test(text!);
}
