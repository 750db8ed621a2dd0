/**
 * Tags of the messages of `StorageNode.Forward` (proto/kv/v1/storage_node.proto): gateways and nodes write and read these by
 * hand. All fit in one byte.
 */
import { tagOf, wireTypes } from './wire.js';

const { bytes, varint } = wireTypes;

/** Of ForwardRequest. Lists of sessions have each number by itself; a reader takes them in one piece (`bytes`) as well. */
export const requestTags = {
  runs: tagOf(1, bytes),
  closed: tagOf(2, varint),
  unblocked: tagOf(3, bytes),
  audiences: tagOf(4, bytes),
  writes: tagOf(5, varint),
  paused: tagOf(6, varint),
  resumed: tagOf(7, varint),
} as const;

export const runTags = {
  id: tagOf(1, varint),
  session: tagOf(2, varint),
  shard: tagOf(3, bytes),
  requests: tagOf(4, bytes),
  database: tagOf(5, varint),
  dialect: tagOf(6, varint),
  readMode: tagOf(7, varint),
  transaction: tagOf(8, varint),
  wantsVersion: tagOf(9, varint),
  permissions: tagOf(10, bytes),
  noTouch: tagOf(11, varint),
  waitedMs: tagOf(12, varint),
  tracking: tagOf(13, varint),
} as const;

export const unblockTags = {
  session: tagOf(1, varint),
  withError: tagOf(2, varint),
} as const;

/** Of ForwardResponse. */
export const responseTags = {
  replies: tagOf(1, bytes),
  pushes: tagOf(2, bytes),
  leads: tagOf(3, bytes),
  goodbye: tagOf(4, varint),
} as const;

export const runReplyTags = {
  id: tagOf(1, varint),
  count: tagOf(2, varint),
  replies: tagOf(3, bytes),
  version: tagOf(4, varint),
  undetermined: tagOf(5, varint),
  refused: tagOf(6, varint),
} as const;

export const pushTags = {
  session: tagOf(1, varint),
  messages: tagOf(2, bytes),
} as const;
