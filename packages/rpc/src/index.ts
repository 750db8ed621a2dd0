export { channelOptions, serverOptions } from './channel.js';
export * as mvccpb from './gen/etcd/kv.js';
export * as etcdserverpb from './gen/etcd/rpc.js';
export * as kv from './gen/kv/v1/kv.js';
export { batchKeysMax, flowWindowBytes, messageBytesMax } from './limits.js';
export { addReflection, Health } from './services.js';
export { type ErrorDetails, errorDetailsOf, errorDomain, statusOf } from './status.js';
export { TickQueue } from './tick-queue.js';
export { tagOf, varintLength, WireReader, WireWriter, wireTypes, writeVarint } from './wire.js';
