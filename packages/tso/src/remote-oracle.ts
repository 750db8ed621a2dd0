/**
 * The oracle of a client of the timestamp service. Calls of `fetch` that come while a request is on its way are
 * gathered, and one request asks for all of them:
 *
 *     fetch      a b c d e f
 *     request   [a]  [b c d]  [e f       each begins after every call in it: so are their timestamps
 *
 * An instance that does not lead, or does not answer, is left for another one, and what it did not answer is
 * asked for again: timestamps that were given and not received are nobody's.
 */
import type { ChannelCredentials } from '@grpc/grpc-js';
import { type Env, KvError, type Timer } from '@holdfast/common';
import {
  callsWaitingMax,
  expireStepMs,
  fetchTimeoutMsDefault,
  heldCount,
  requestCountMax,
} from './limits.js';
import type { Oracle } from './oracle.js';
import { TimestampChannel } from './timestamp-channel.js';

export interface RemoteOracleOptions {
  readonly env: Env;
  /** `host:port` of every instance of the service, or of some. */
  readonly endpoints: readonly string[];
  /** TLS; without it connections are in the clear. */
  readonly credentials?: ChannelCredentials;
  /** How long `fetch` waits, in ms. */
  readonly timeoutMs?: number;
}

interface Call {
  readonly count: number;
  /** When it is given up, by the monotonic clock. */
  readonly untilMs: number;
  readonly resolve: (first: number) => void;
  readonly reject: (error: KvError) => void;
}

export class RemoteOracle implements Oracle {
  readonly #env: Env;
  readonly #timeoutMs: number;
  readonly #channel: TimestampChannel;
  #waiting: Call[] = [];
  /** What the request on its way is for. */
  #sent: Call[] = [];
  #isScheduled = false;
  #isClosed = false;
  #timer: Timer | null = null;
  /** Why the last request was not answered. */
  #failure: KvError | null = null;
  /** The last timestamp that was returned. */
  #last = 0;
  /** What `next` may return: from here to before there. */
  #heldFrom = 0;
  #heldTo = 0;
  #refilling: Promise<void> | null = null;

  constructor(options: RemoteOracleOptions) {
    this.#env = options.env;
    this.#timeoutMs = options.timeoutMs ?? fetchTimeoutMsDefault;
    this.#channel = new TimestampChannel({
      env: options.env,
      endpoints: options.endpoints,
      credentials: options.credentials,
      onAllocation: ({ first }) => this.#share(first),
      onInterruption: (error) => this.#takeBack(error),
      onReady: () => this.#send(),
    });
  }

  /** The instance that it asks. */
  get endpoint(): string {
    return this.#channel.endpoint;
  }

  async fetch(count: number): Promise<number> {
    const first = await this.#ask(count);
    this.#last = Math.max(this.#last, first + count - 1);
    return first;
  }

  next(count: number): number {
    if (this.#isClosed) throw closed();
    checkCount(count);
    const first = this.#firstHeld;
    if (this.#heldTo - first < Math.max(count, heldCount.few)) this.#refill().catch(() => {});
    if (first + count > this.#heldTo) {
      throw new KvError('UNAVAILABLE', 'not so many timestamps are held: more are on their way');
    }
    this.#last = first + count - 1;
    return first;
  }

  async ready(): Promise<void> {
    while (this.#heldTo - this.#firstHeld < heldCount.few) await this.#refill();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) this.#env.timers.clearTimeout(this.#timer);
    this.#channel.close();
    const calls = [...this.#sent, ...this.#waiting];
    this.#sent = [];
    this.#waiting = [];
    for (const { reject } of calls) reject(closed());
  }

  /** Of what is held, the first that is above all that was returned. */
  get #firstHeld(): number {
    return Math.max(this.#heldFrom, this.#last + 1);
  }

  #refill(): Promise<void> {
    this.#refilling ??= this.#ask(heldCount.full)
      .then((first) => {
        this.#heldFrom = first;
        this.#heldTo = first + heldCount.full;
      })
      .finally(() => {
        this.#refilling = null;
      });
    return this.#refilling;
  }

  #ask(count: number): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw closed();
      checkCount(count);
      if (this.#waiting.length >= callsWaitingMax) {
        throw new KvError('LIMIT', `${callsWaitingMax} calls wait for timestamps already`);
      }
      const untilMs = this.#env.clock.monotonic() + this.#timeoutMs;
      this.#waiting.push({ count, untilMs, resolve, reject });
      this.#timer ??= this.#expireLater(this.#timeoutMs);
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      // Not at once: the calls that are about to be made in this turn go along.
      void Promise.resolve().then(() => {
        this.#isScheduled = false;
        this.#send();
      });
    });
  }

  #send(): void {
    if (this.#sent.length > 0 || this.#waiting.length === 0 || !this.#channel.isReady) return;
    let sum = 0;
    let calls = 0;
    while (calls < this.#waiting.length && sum + this.#waiting[calls].count <= requestCountMax) {
      sum += this.#waiting[calls++].count;
    }
    if (calls === this.#waiting.length) {
      this.#sent = this.#waiting;
      this.#waiting = [];
    } else {
      this.#sent = this.#waiting.splice(0, calls);
    }
    this.#channel.send(sum);
  }

  #share(first: number): void {
    const calls = this.#sent;
    this.#sent = [];
    this.#failure = null;
    this.#send();
    for (let i = 0; i < calls.length; i++) {
      calls[i].resolve(first);
      first += calls[i].count;
    }
  }

  #takeBack(error: KvError): void {
    this.#failure = error;
    this.#waiting = [...this.#sent, ...this.#waiting];
    this.#sent = [];
  }

  /** Gives up calls whose time is over, unless their answer is on its way. */
  #expire(): void {
    const nowMs = this.#env.clock.monotonic();
    const calls = this.#waiting;
    this.#waiting = calls.filter(({ untilMs }) => untilMs > nowMs);
    for (const { untilMs, reject } of calls) if (untilMs <= nowMs) reject(unavailable(this.#failure));
    // All wait equally long: the first is the next.
    const next = this.#sent[0] ?? this.#waiting[0];
    this.#timer = next === undefined ? null : this.#expireLater(Math.max(expireStepMs, next.untilMs - nowMs));
  }

  #expireLater(delayMs: number): Timer {
    return this.#env.timers.setTimeout(() => this.#expire(), delayMs);
  }
}

function checkCount(count: number): void {
  if (count > requestCountMax) {
    throw new KvError('LIMIT', `${count} timestamps at once are more than ${requestCountMax}`);
  }
  if (!(count > 0)) throw new KvError('INVALID', `${count} is no number of timestamps`);
}

function closed(): KvError {
  return new KvError('CLOSED', 'the oracle is closed');
}

function unavailable(cause: KvError | null): KvError {
  const reason = cause === null ? 'no instance of the service has answered' : cause.message;
  return new KvError('UNAVAILABLE', `no timestamp could be had: ${reason}`, { cause });
}
