/**
 * TLS with certificates that may be replaced while the process runs: connections that are made from then on show and check
 * the new ones, those that are there stay.
 */
import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';

/** PEM. */
export interface TlsMaterial {
  /** The authorities that certificates of others are checked against; the system's when not given. */
  readonly ca?: Buffer;
  /** What is shown to others; both or neither. */
  readonly certificate?: Buffer;
  readonly key?: Buffer;
}

export interface TlsSource<T extends TlsMaterial = TlsMaterial> {
  /** As last read. Another object after each change. */
  readonly current: T;
  /** Calls `listener` after each change. */
  onChange(listener: () => void): void;
}

/** What stays as it is. */
export function fixedTls<T extends TlsMaterial>(current: T): TlsSource<T> {
  return { current, onChange: () => {} };
}

/** Of a client. */
export function channelCredentialsOf(source: TlsSource): ChannelCredentials {
  return new SourcedChannelCredentials(source);
}

/** Of a server, that takes nobody without a certificate of its authorities. */
export function serverCredentialsOf(source: TlsSource<Required<TlsMaterial>>): ServerCredentials {
  return new SourcedServerCredentials(source);
}

type ConnectorArguments = Parameters<ChannelCredentials['_createSecureConnector']>;
type Connector = ReturnType<ChannelCredentials['_createSecureConnector']>;
type CallCredentials = Parameters<ChannelCredentials['compose']>[0];

/** grpc-js makes one connector for a channel, and asks it for each connection. */
class SourcedChannelCredentials extends ChannelCredentials {
  readonly #source: TlsSource;
  #made: TlsMaterial | null = null;
  #credentials!: ChannelCredentials;

  constructor(source: TlsSource) {
    super();
    this.#source = source;
  }

  override compose(callCredentials: CallCredentials): ChannelCredentials {
    return this.#newest().compose(callCredentials);
  }

  _isSecure(): boolean {
    return true;
  }

  _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  _createSecureConnector(...args: ConnectorArguments): Connector {
    const connector = this.#newest()._createSecureConnector(...args);
    return {
      connect: (socket) =>
        this.#newest()
          ._createSecureConnector(...args)
          .connect(socket),
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  }

  #newest(): ChannelCredentials {
    const { current } = this.#source;
    if (current !== this.#made) {
      const { ca = null, certificate = null, key = null } = current;
      this.#credentials = ChannelCredentials.createSsl(ca, key, certificate);
      this.#made = current;
    }
    return this.#credentials;
  }
}

class SourcedServerCredentials extends ServerCredentials {
  constructor(source: TlsSource<Required<TlsMaterial>>) {
    const first = sslOf(source.current);
    super(first._getConstructorOptions(), first._getSecureContextOptions()!);
    source.onChange(() => this.updateSecureContextOptions(sslOf(source.current)._getSecureContextOptions()));
  }

  _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function sslOf({ ca, certificate, key }: Required<TlsMaterial>): ServerCredentials {
  return ServerCredentials.createSsl(ca, [{ cert_chain: certificate, private_key: key }], true);
}
