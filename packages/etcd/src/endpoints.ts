/**
 * The members of an etcd cluster that a client may ask, a connection for calls and a channel for streams to each, and
 * which of them it asks now. A member that failed is left for the next one; it gets its turn again when the others have
 * failed.
 */
import { type ChannelCredentials, Client, credentials } from '@grpc/grpc-js';
import { KvError, type Timers } from '@holdfast/common';
import { channelCredentialsOf, channelOptions, type TlsSource } from '@holdfast/rpc';
import { pingTimeoutMs } from './limits.js';
import { type ConnectOptions, UnaryCalls } from './unary-calls.js';

/** A channel on which nothing was heard for this long is tried with a ping, in ms: etcd allows one in 5 s. */
const keepAliveMs = 6000;

export interface Endpoint {
  /** `host:port`. */
  readonly address: string;
  readonly calls: UnaryCalls;
  /** For streams. */
  readonly client: Client;
}

export class Endpoints {
  readonly all: readonly Endpoint[];
  /** Is told of every endpoint that failed. */
  onFailed: (endpoint: Endpoint) => void = () => {};
  #current = 0;

  /** `addresses`: `host:port`, or `http://host:port` and `https://host:port` as etcd writes them. */
  constructor(addresses: readonly string[], tls: TlsSource | undefined, timers: Timers) {
    if (addresses.length === 0) throw new KvError('INVALID', 'no endpoint of etcd was given');
    const options = {
      ...channelOptions(),
      // Calls know no proxy either.
      'grpc.enable_http_proxy': 0,
      'grpc.keepalive_time_ms': keepAliveMs,
      'grpc.keepalive_timeout_ms': pingTimeoutMs,
    };
    this.all = addresses.map((text) => {
      const { address, isSecure } = parseEndpoint(text);
      const url = `${isSecure || tls !== undefined ? 'https' : 'http'}://${address}`;
      return {
        address,
        calls: new UnaryCalls({ url, tls: () => tlsOf(tls), timers }),
        client: new Client(address, credentialsOf(tls, isSecure), options),
      };
    });
  }

  get current(): Endpoint {
    return this.all[this.#current];
  }

  /** Turns to the next endpoint, unless somebody has turned away from `failed` already. */
  rotate(failed: Endpoint): void {
    if (this.current === failed) this.#current = (this.#current + 1) % this.all.length;
    this.onFailed(failed);
  }

  /** Turns to this endpoint. */
  prefer(endpoint: Endpoint): void {
    this.#current = Math.max(0, this.all.indexOf(endpoint));
  }

  close(): void {
    for (const { calls, client } of this.all) {
      calls.close();
      client.close();
    }
  }
}

/** Throws KvError INVALID. */
export function parseEndpoint(text: string): { address: string; isSecure: boolean } {
  const match = /^(?:(https?):\/\/)?((?:\[[^\]]+\]|[^:/[\]]+):\d+)\/?$/.exec(text.trim());
  if (match === null) {
    throw new KvError(
      'INVALID',
      `'${text}' is no endpoint of etcd: expected host:port, or https://host:port`,
    );
  }
  return { address: match[2], isSecure: match[1] === 'https' };
}

function tlsOf(tls: TlsSource | undefined): ConnectOptions {
  const { ca, certificate, key } = tls?.current ?? {};
  return { ...(ca && { ca }), ...(certificate && { cert: certificate }), ...(key && { key }) };
}

function credentialsOf(tls: TlsSource | undefined, isSecure: boolean): ChannelCredentials {
  if (tls !== undefined) return channelCredentialsOf(tls);
  return isSecure ? credentials.createSsl() : credentials.createInsecure();
}
