/** TLS between the processes of a cluster: each shows its certificate, and asks for the other's. */
import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import { channelCredentialsOf, serverCredentialsOf, type TlsMaterial, type TlsSource } from './tls.js';

/** The names in the certificate must be those that others reach the process by. */
export type PeerTls = TlsSource<Required<TlsMaterial>>;

export type PeerCredentials = ChannelCredentials;

/** Of a client; in the clear without `tls`. */
export function peerCredentials(tls: PeerTls | undefined): PeerCredentials {
  return tls === undefined ? ChannelCredentials.createInsecure() : channelCredentialsOf(tls);
}

/** Of a server, that takes nobody without a certificate of the same authorities; in the clear without `tls`. */
export function peerServerCredentials(tls: PeerTls | undefined): ServerCredentials {
  return tls === undefined ? ServerCredentials.createInsecure() : serverCredentialsOf(tls);
}
