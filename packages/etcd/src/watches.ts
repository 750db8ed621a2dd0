/**
 * Watches of one client, over one stream. A watch is a wake-up, never the truth: a stream may break, a member
 * may be cut off and say nothing. So a listener is told when it may have missed something, and whoever must
 * not miss anything asks again from time to time.
 */
import { type ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import { type Env, randomBelow, type Timer } from '@holdfast/common';
import { etcdserverpb, type mvccpb } from '@holdfast/rpc';
import type { Endpoint, Endpoints } from './endpoints.js';
import { retryPauseMs } from './limits.js';

const { WatchService } = etcdserverpb;

export interface WatchListener {
  /** In the order of their revisions; all changes of one revision come together. */
  onEvents(events: readonly mvccpb.Event[]): void;
  /** The watch begins, at once or after an interruption: what happened before was not told. */
  onStart(): void;
}

export interface Watch {
  close(): void;
}

interface Watcher {
  readonly id: number;
  readonly key: Buffer;
  readonly rangeEnd: Buffer;
  readonly listener: WatchListener;
}

type Stream = ClientDuplexStream<etcdserverpb.WatchRequest, etcdserverpb.WatchResponse>;

export class Watches {
  readonly #env: Env;
  readonly #endpoints: Endpoints;
  readonly #token: () => string | null;
  readonly #watchers = new Map<number, Watcher>();
  #stream: Stream | null = null;
  #timer: Timer | null = null;
  #lastId = 0;
  #failures = 0;

  constructor(env: Env, endpoints: Endpoints, token: () => string | null) {
    this.#env = env;
    this.#endpoints = endpoints;
    this.#token = token;
  }

  watch(key: Buffer, rangeEnd: Buffer, listener: WatchListener): Watch {
    const watcher = { id: ++this.#lastId, key, rangeEnd, listener };
    this.#watchers.set(watcher.id, watcher);
    if (this.#stream !== null) this.#create(this.#stream, watcher);
    else if (this.#timer === null) this.#connect();
    return { close: () => this.#remove(watcher) };
  }

  close(): void {
    this.#watchers.clear();
    this.#end();
  }

  #remove(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher.id)) return;
    if (this.#watchers.size === 0) this.#end();
    else this.#stream?.write({ requestUnion: { $case: 'cancelRequest', value: { watchId: watcher.id } } });
  }

  #end(): void {
    if (this.#timer !== null) this.#env.timers.clearTimeout(this.#timer);
    this.#timer = null;
    const stream = this.#stream;
    this.#stream = null;
    stream?.cancel();
  }

  #connect(): void {
    const endpoint = this.#endpoints.current;
    const metadata = new Metadata();
    const token = this.#token();
    if (token !== null) metadata.set('token', token);
    // A member that has lost its leader ends the stream, instead of staying silent.
    metadata.set('hasleader', 'true');
    const { path, requestSerialize, responseDeserialize } = WatchService.watch;
    const stream: Stream = endpoint.client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
    );
    this.#stream = stream;
    stream.on('data', (response) => {
      if (this.#stream === stream) this.#take(response, endpoint);
    });
    stream.on('error', () => this.#lost(stream, endpoint));
    stream.on('end', () => this.#lost(stream, endpoint));
    for (const watcher of this.#watchers.values()) this.#create(stream, watcher);
  }

  #create(stream: Stream, { id, key, rangeEnd }: Watcher): void {
    const value = { key, rangeEnd, startRevision: 0, progressNotify: false, watchId: id };
    stream.write({ requestUnion: { $case: 'createRequest', value } });
  }

  #take(response: etcdserverpb.WatchResponse, endpoint: Endpoint): void {
    const watcher = this.#watchers.get(response.watchId);
    if (response.canceled) {
      if (watcher !== undefined) this.#lost(this.#stream!, endpoint);
      return;
    }
    this.#failures = 0;
    if (watcher === undefined) return;
    if (response.created) watcher.listener.onStart();
    if (response.events.length > 0) watcher.listener.onEvents(response.events);
  }

  /** Begins anew, elsewhere, after a while. */
  #lost(stream: Stream, endpoint: Endpoint): void {
    if (this.#stream !== stream) return;
    this.#end();
    this.#endpoints.rotate(endpoint);
    this.#failures++;
    const mostMs = Math.min(retryPauseMs.most, retryPauseMs.first * 2 ** this.#failures);
    this.#timer = this.#env.timers.setTimeout(
      () => {
        this.#timer = null;
        if (this.#watchers.size > 0) this.#connect();
      },
      randomBelow(this.#env.random, mostMs),
    );
  }
}
