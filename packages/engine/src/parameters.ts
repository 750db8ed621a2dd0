/**
 * The parameters of the server, with Redis' names, limits and defaults: those that matter here, and after
 * them those that are known only because clients, operators and test suites read or set them.
 */
import type { Parameter } from './config.js';
import { encodingParameters } from './encoding-parameters.js';
import { inertParameters } from './inert-parameters.js';
import { between, by, flag, int32, int64, memory, oneWordOf, port, text } from './parameter-kinds.js';
import {
  normalizeEventClasses,
  normalizeFileName,
  normalizeFrequency,
  normalizeMemoryOrPercent,
  normalizeOutputLimits,
  normalizePercentiles,
  normalizePermissions,
  normalizeSavePoints,
} from './parameter-rules.js';

const evictionPolicies = [
  'volatile-lru',
  'volatile-lfu',
  'volatile-random',
  'volatile-ttl',
  'allkeys-lru',
  'allkeys-lfu',
  'allkeys-random',
  'noeviction',
];

const protection = oneWordOf('no', 'yes', 'local');

export const parameters: readonly Parameter[] = [
  // Clients
  { name: 'maxclients', kind: between(1, 4294967295), initial: '10000' },
  { name: 'timeout', kind: int32, initial: '0' },
  { name: 'tcp-keepalive', kind: int32, initial: '300' },
  { name: 'tcp-backlog', kind: int32, initial: '511', isFixed: true },
  {
    name: 'client-output-buffer-limit',
    kind: by(normalizeOutputLimits),
    initial: 'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
  },
  { name: 'client-query-buffer-limit', kind: { ...memory, min: 1024 * 1024 }, initial: '1gb' },
  { name: 'maxmemory-clients', kind: by(normalizeMemoryOrPercent), initial: '0' },
  { name: 'proto-max-bulk-len', kind: { ...memory, min: 1024 * 1024 }, initial: '512mb' },
  { name: 'tracking-table-max-keys', kind: int64, initial: '1000000' },
  { name: 'requirepass', kind: text, initial: '', isSecret: true },
  { name: 'acl-pubsub-default', kind: oneWordOf('allchannels', 'resetchannels'), initial: 'resetchannels' },
  { name: 'acllog-max-len', kind: int64, initial: '128' },
  // While the default user needs no password, only clients of this machine are let in.
  { name: 'protected-mode', kind: flag, initial: 'yes' },
  { name: 'enable-debug-command', kind: protection, initial: 'no', isFixed: true },

  // What the process is: given at its start
  { name: 'port', kind: port, initial: '6379', isKept: true },
  { name: 'bind', kind: text, initial: '127.0.0.1', isKept: true },
  { name: 'unixsocket', kind: text, initial: '', isFixed: true },
  { name: 'unixsocketperm', kind: by(normalizePermissions), initial: '0', isFixed: true },
  { name: 'redis-version', kind: oneWordOf('7.2', '7.0'), initial: '7.2', isKept: true },
  { name: 'databases', kind: between(1, 16), initial: '16', isFixed: true },
  { name: 'dir', kind: text, initial: '', isKept: true, isProtected: true },
  { name: 'cluster-enabled', kind: flag, initial: 'no', isFixed: true },
  { name: 'appendonly', kind: flag, initial: 'no' },
  { name: 'appendfsync', kind: oneWordOf('everysec', 'always', 'no'), initial: 'everysec' },
  // Whether a log whose end was being written when the machine died is cut there, or the server refuses to start.
  { name: 'aof-load-truncated', kind: flag, initial: 'yes' },
  // What SAVE leaves for Redis: a name in the directory, of which the server's own files have names without a dot.
  { name: 'dbfilename', kind: by(normalizeFileName), initial: 'dump.rdb', isProtected: true },
  { name: 'save', kind: by(normalizeSavePoints), initial: '' },
  // How much of what was written lately can be read by version, and for how long: 0 bytes for none, 0 seconds for any age.
  { name: 'history-bytes', kind: memory, initial: '0' },
  { name: 'history-seconds', kind: int32, initial: '0' },

  // The server that is followed
  { name: 'replicaof', kind: text, initial: '', isFixed: true },
  { name: 'slaveof', kind: text, initial: '', isFixed: true, aliasOf: 'replicaof' },
  { name: 'masteruser', kind: text, initial: '' },
  { name: 'masterauth', kind: text, initial: '', isSecret: true },
  { name: 'repl-timeout', kind: between(1, 2147483647), initial: '60' },
  { name: 'replica-serve-stale-data', kind: flag, initial: 'yes' },
  { name: 'slave-serve-stale-data', kind: flag, initial: 'yes', aliasOf: 'replica-serve-stale-data' },
  { name: 'replica-read-only', kind: flag, initial: 'yes' },
  { name: 'slave-read-only', kind: flag, initial: 'yes', aliasOf: 'replica-read-only' },

  // Those who follow this one
  { name: 'repl-backlog-size', kind: { ...memory, min: 1 }, initial: '1mb' },
  { name: 'repl-backlog-ttl', kind: int64, initial: '3600' },
  { name: 'repl-ping-replica-period', kind: between(1, 2147483647), initial: '10' },
  {
    name: 'repl-ping-slave-period',
    kind: between(1, 2147483647),
    initial: '10',
    aliasOf: 'repl-ping-replica-period',
  },
  { name: 'min-replicas-to-write', kind: int32, initial: '0' },
  { name: 'min-slaves-to-write', kind: int32, initial: '0', aliasOf: 'min-replicas-to-write' },
  { name: 'min-replicas-max-lag', kind: int32, initial: '10' },
  { name: 'min-slaves-max-lag', kind: int32, initial: '10', aliasOf: 'min-replicas-max-lag' },
  // Whether what the server removes by itself is passed on to them as UNLINK.
  { name: 'lazyfree-lazy-eviction', kind: flag, initial: 'no' },
  { name: 'lazyfree-lazy-server-del', kind: flag, initial: 'no' },
  { name: 'lazyfree-lazy-expire', kind: flag, initial: 'no' },

  // The data
  { name: 'maxmemory', kind: { ...memory, max: Number.POSITIVE_INFINITY }, initial: '0' },
  { name: 'maxmemory-policy', kind: oneWordOf(...evictionPolicies), initial: 'noeviction' },
  { name: 'maxmemory-samples', kind: between(1, 2147483647), initial: '5' },
  { name: 'maxmemory-eviction-tenacity', kind: between(0, 100), initial: '10' },
  { name: 'cache-bytes', kind: memory, initial: '0' },
  { name: 'lfu-log-factor', kind: int32, initial: '10' },
  { name: 'lfu-decay-time', kind: int32, initial: '1' },
  { name: 'notify-keyspace-events', kind: by(normalizeEventClasses), initial: '' },
  { name: 'hll-sparse-max-bytes', kind: memory, initial: '3000' },
  ...encodingParameters,

  // What is measured
  { name: 'slowlog-log-slower-than', kind: { ...int64, min: -1 }, initial: '10000' },
  { name: 'slowlog-max-len', kind: int64, initial: '128' },
  { name: 'latency-monitor-threshold', kind: int64, initial: '0' },
  { name: 'latency-tracking', kind: flag, initial: 'yes' },
  { name: 'latency-tracking-info-percentiles', kind: by(normalizePercentiles), initial: '50 99 99.9' },
  { name: 'hz', kind: by(normalizeFrequency), initial: '10' },

  // Scripts
  { name: 'busy-reply-threshold', kind: int64, initial: '5000' },
  { name: 'lua-time-limit', kind: int64, initial: '5000', aliasOf: 'busy-reply-threshold' },
  { name: 'lua-memory-limit', kind: { ...memory, min: 32 * 1024 * 1024, max: 2 ** 31 }, initial: '256mb' },

  ...inertParameters,
];
