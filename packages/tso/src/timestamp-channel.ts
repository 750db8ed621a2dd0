/**
 * A client's stream to the instance of the timestamp service that leads, and the search for it: an instance that
 * does not lead says who does, one that fails or stays silent is left for the next in the list.
 */
import { ChannelCredentials, type ClientDuplexStream, type ServiceError, status } from '@grpc/grpc-js';
import { type Env, KvError, randomBelow, type Timer } from '@holdfast/common';
import { channelOptions, errorDetailsOf, tso } from '@holdfast/rpc';
import { answerTimeoutMs, avoidMs, reconnectMs } from './limits.js';

type Stream = ClientDuplexStream<tso.AllocateRequest, tso.AllocateResponse>;

export interface TimestampChannelOptions {
  readonly env: Env;
  readonly endpoints: readonly string[];
  /** TLS; without it connections are in the clear. */
  readonly credentials?: ChannelCredentials | undefined;
  /** The answer to the oldest request. */
  readonly onAllocation: (allocation: tso.AllocateResponse) => void;
  /** What was not answered will not be. */
  readonly onInterruption: (error: KvError) => void;
  /** After an interruption: requests can be sent again. */
  readonly onReady: () => void;
}

export class TimestampChannel {
  readonly #options: TimestampChannelOptions;
  readonly #clients = new Map<string, tso.TimestampsClient>();
  #endpoint: string;
  #stream: Stream | null = null;
  #outstanding = 0;
  #failures = 0;
  #answerTimer: Timer | null = null;
  #pauseTimer: Timer | null = null;
  #isClosed = false;
  /** An instance that failed: what others say of it is old news for a while. */
  #avoided = { endpoint: '', untilMs: 0 };

  constructor(options: TimestampChannelOptions) {
    if (options.endpoints.length === 0) throw new KvError('INVALID', 'no endpoint of the timestamp service');
    this.#options = options;
    this.#endpoint = options.endpoints[0];
  }

  get endpoint(): string {
    return this.#endpoint;
  }

  /** Whether requests can be sent. After an interruption `onReady` says when. */
  get isReady(): boolean {
    return this.#pauseTimer === null && !this.#isClosed;
  }

  send(count: number): void {
    this.#stream ??= this.#open();
    this.#outstanding++;
    this.#answerTimer ??= this.#expectAnswer(this.#stream);
    this.#stream.write({ count });
  }

  close(): void {
    this.#isClosed = true;
    const { timers } = this.#options.env;
    if (this.#pauseTimer !== null) timers.clearTimeout(this.#pauseTimer);
    this.#abandon();
    for (const client of this.#clients.values()) client.close();
  }

  #open(): Stream {
    const endpoint = this.#endpoint;
    let client = this.#clients.get(endpoint);
    if (client === undefined) {
      const { credentials = ChannelCredentials.createInsecure() } = this.#options;
      client = new tso.TimestampsClient(endpoint, credentials, channelOptions());
      this.#clients.set(endpoint, client);
    }
    const stream: Stream = client.allocate();
    stream.on('data', (allocation) => {
      if (this.#stream === stream) this.#take(stream, allocation);
    });
    stream.on('error', (error) => this.#interrupted(stream, error as ServiceError));
    stream.on('end', () => this.#interrupted(stream, null));
    return stream;
  }

  #take(stream: Stream, allocation: tso.AllocateResponse): void {
    this.#failures = 0;
    this.#outstanding--;
    this.#options.env.timers.clearTimeout(this.#answerTimer!);
    this.#answerTimer = this.#outstanding > 0 ? this.#expectAnswer(stream) : null;
    this.#options.onAllocation(allocation);
  }

  #expectAnswer(stream: Stream): Timer {
    return this.#options.env.timers.setTimeout(() => this.#interrupted(stream, null), answerTimeoutMs);
  }

  #interrupted(stream: Stream, error: ServiceError | null): void {
    if (this.#stream !== stream) return;
    this.#abandon();
    const from = this.#endpoint;
    this.#endpoint = this.#nextEndpoint(from, error);
    const { env, onInterruption } = this.#options;
    onInterruption(new KvError('UNAVAILABLE', `timestamps from ${from}: ${error?.details ?? 'no answer'}`));
    const mostMs = Math.min(reconnectMs.most, reconnectMs.first * 2 ** this.#failures++);
    this.#pauseTimer = env.timers.setTimeout(
      () => {
        this.#pauseTimer = null;
        this.#options.onReady();
      },
      randomBelow(env.random, mostMs),
    );
  }

  /** Lets the stream go; nothing of it is heard any more. */
  #abandon(): void {
    const stream = this.#stream;
    this.#stream = null;
    this.#outstanding = 0;
    if (this.#answerTimer !== null) this.#options.env.timers.clearTimeout(this.#answerTimer);
    this.#answerTimer = null;
    stream?.cancel();
  }

  #nextEndpoint(from: string, error: ServiceError | null): string {
    const { endpoints, env } = this.#options;
    const nowMs = env.clock.monotonic();
    if (error?.code === status.FAILED_PRECONDITION) {
      const { leader = '' } = errorDetailsOf(error)?.metadata ?? {};
      const isAvoided = leader === this.#avoided.endpoint && nowMs < this.#avoided.untilMs;
      if (leader !== '' && leader !== from && !isAvoided) return leader;
    } else {
      this.#avoided = { endpoint: from, untilMs: nowMs + avoidMs };
    }
    return endpoints[(endpoints.indexOf(from) + 1) % endpoints.length];
  }
}
