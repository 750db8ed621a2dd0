export { AccessControl, type AclFile } from './acl/access-control.js';
export { User } from './acl/user.js';
export { parseMemory } from './amounts.js';
export { clientMemory, stateBytes } from './client-memory.js';
export { ClientTracking, type TrackingOptions } from './client-tracking.js';
export { Command, defineCommand } from './command.js';
export type { CommandDeclaration, CommandFlag, CommandGroup } from './command-declaration.js';
export { wrongPassword } from './commands/connection/auth.js';
export { mayDebug } from './commands/server/debug.js';
export { wholeDigest } from './commands/server/digest.js';
export { human, percent } from './commands/server/figure-text.js';
export { replaceContents } from './commands/server/reload.js';
export { Config, type Parameter, type ParameterKind } from './config.js';
export { Context, isWrongType, wrongType } from './context.js';
export { EngineStats } from './engine-stats.js';
export { outOfMemory } from './eviction.js';
export { globMatch } from './glob.js';
export { type ArgumentDoc, readCursor } from './grammar.js';
export type {
  BlockOptions,
  ConfigFile,
  Downstream,
  DownstreamStatus,
  Host,
  HostFigures,
  LogControl,
  LogLevel,
  MigratedKey,
  Migration,
  MigrationTarget,
  ProcessFigures,
  ReplicaStatus,
  ReplicaTraits,
  Snapshots,
  SubscriptionKind,
  Upstream,
  UpstreamState,
  UpstreamStatus,
} from './host.js';
export { eventClassBit } from './keyspace-events.js';
export { KV, type KVOptions } from './kv.js';
export { parameters } from './parameters.js';
export { type CommandUnit, Propagation, type PropagationSink } from './propagation.js';
export { Registry } from './registry.js';
export {
  type QueuedCommand,
  type ReadMode,
  type ReplyMode,
  Session,
  type SessionSink,
  Transaction,
  type WatchedKey,
} from './session.js';
export { ofAllShards, ShardKeys, slotOfPattern } from './shard-keys.js';
