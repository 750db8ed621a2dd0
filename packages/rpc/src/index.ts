export { AdminClient, type AdminClientOptions } from './admin-client.js';
export { channelOptions, serverOptions } from './channel.js';
export {
  pushTags,
  requestTags,
  responseTags,
  runReplyTags,
  runTags,
  unblockTags,
} from './forward-tags.js';
export * as mvccpb from './gen/etcd/kv.js';
export * as etcdserverpb from './gen/etcd/rpc.js';
export * as admin from './gen/kv/v1/admin.js';
export * as kv from './gen/kv/v1/kv.js';
export * as node from './gen/kv/v1/storage_node.js';
export * as tso from './gen/kv/v1/tso.js';
export { flowWindowBytes, messageBytesMax } from './limits.js';
export { NodeClient } from './node-client.js';
export { type PeerCredentials, type PeerTls, peerCredentials, peerServerCredentials } from './peer-tls.js';
export { addReflection, Health, type Readiness } from './services.js';
export { type ErrorDetails, errorDetailsOf, errorDomain, statusOf } from './status.js';
export { type StreamEnd, type StreamPair, streamPair } from './stream-pair.js';
export { TickQueue } from './tick-queue.js';
export { channelCredentialsOf, fixedTls, type TlsMaterial, type TlsSource } from './tls.js';
export {
  tagOf,
  varintLength,
  WireReader,
  WireWriter,
  wireTypes,
  writePaddedVarint,
  writeVarint,
} from './wire.js';
