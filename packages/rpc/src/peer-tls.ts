/** TLS between the processes of a cluster: each shows its certificate, and asks for the other's. */
import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';

export interface PeerTls {
  /** PEM. The authorities that certificates of others are checked against, on both sides. */
  readonly ca: Buffer;
  /** PEM. What this process shows; its names must be those that others reach it by. */
  readonly certificate: Buffer;
  /** PEM. */
  readonly key: Buffer;
}

export type PeerCredentials = ChannelCredentials;

/** Of a client; in the clear without `tls`. */
export function peerCredentials(tls: PeerTls | undefined): PeerCredentials {
  if (tls === undefined) return ChannelCredentials.createInsecure();
  return ChannelCredentials.createSsl(tls.ca, tls.key, tls.certificate);
}

/** Of a server, that takes nobody without a certificate of the same authorities; in the clear without `tls`. */
export function peerServerCredentials(tls: PeerTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  return ServerCredentials.createSsl(tls.ca, [{ cert_chain: tls.certificate, private_key: tls.key }], true);
}
