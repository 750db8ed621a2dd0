/**
 * Parameters of Redis that mean nothing here: no fork, no AOF to rewrite, no
 * allocator to tune. They can be read and set, with Redis' checks, so that what is written for Redis goes
 * on working. `[name, kind, initial value, older name]`.
 */
import type { Parameter, ParameterKind } from './config.js';
import { between, by, flag, int32, int64, memory, oneWordOf, port, text } from './parameter-kinds.js';
import { normalizeOomScores, normalizeShutdownWords } from './parameter-rules.js';

type Declaration = readonly [name: string, kind: ParameterKind, initial: string, olderName?: string];

const settable: readonly Declaration[] = [
  ['active-defrag-cycle-max', between(1, 99), '25'],
  ['active-defrag-cycle-min', between(1, 99), '1'],
  ['active-defrag-ignore-bytes', { ...memory, min: 1 }, '100mb'],
  ['active-defrag-max-scan-fields', { ...int64, min: 1 }, '1000'],
  ['active-defrag-threshold-lower', between(0, 1000), '10'],
  ['active-defrag-threshold-upper', between(0, 1000), '100'],
  ['active-expire-effort', between(1, 10), '1'],
  ['activedefrag', flag, 'no'],
  ['activerehashing', flag, 'yes'],
  ['aof-rewrite-incremental-fsync', flag, 'yes'],
  ['aof-timestamp-enabled', flag, 'no'],
  ['aof-use-rdb-preamble', flag, 'yes'],
  ['auto-aof-rewrite-min-size', memory, '64mb'],
  ['auto-aof-rewrite-percentage', int32, '100'],
  ['bind-source-addr', text, ''],
  ['cluster-allow-pubsubshard-when-down', flag, 'yes'],
  ['cluster-allow-reads-when-down', flag, 'no'],
  ['cluster-allow-replica-migration', flag, 'yes'],
  ['cluster-announce-bus-port', port, '0'],
  ['cluster-announce-hostname', text, ''],
  ['cluster-announce-human-nodename', text, ''],
  ['cluster-announce-ip', text, ''],
  ['cluster-announce-port', port, '0'],
  ['cluster-announce-tls-port', port, '0'],
  ['cluster-link-sendbuf-limit', memory, '0'],
  ['cluster-migration-barrier', int32, '1'],
  ['cluster-node-timeout', int64, '15000'],
  ['cluster-preferred-endpoint-type', oneWordOf('ip', 'hostname', 'unknown-endpoint'), 'ip'],
  ['cluster-replica-no-failover', flag, 'no', 'cluster-slave-no-failover'],
  ['cluster-replica-validity-factor', int32, '10', 'cluster-slave-validity-factor'],
  ['cluster-require-full-coverage', flag, 'yes'],
  ['crash-log-enabled', flag, 'yes'],
  ['crash-memcheck-enabled', flag, 'yes'],
  ['dynamic-hz', flag, 'yes'],
  ['ignore-warnings', text, ''],
  ['jemalloc-bg-thread', flag, 'yes'],
  ['lazyfree-lazy-user-del', flag, 'no'],
  ['lazyfree-lazy-user-flush', flag, 'no'],
  ['list-compress-depth', int32, '0'],
  ['locale-collate', text, ''],
  ['loglevel', oneWordOf('debug', 'verbose', 'notice', 'warning', 'nothing'), 'notice'],
  ['no-appendfsync-on-rewrite', flag, 'no'],
  ['oom-score-adj', oneWordOf('no', 'yes', 'relative', 'absolute'), 'no'],
  ['oom-score-adj-values', by(normalizeOomScores), '0 200 800'],
  ['proc-title-template', text, '{title} {listen-addr} {server-mode}'],
  ['propagation-error-behavior', oneWordOf('ignore', 'panic', 'panic-on-replicas'), 'ignore'],
  ['rdb-del-sync-files', flag, 'no'],
  ['rdb-save-incremental-fsync', flag, 'yes'],
  ['rdbcompression', flag, 'yes'],
  ['repl-disable-tcp-nodelay', flag, 'no'],
  ['repl-diskless-load', oneWordOf('disabled', 'on-empty-db', 'swapdb'), 'disabled'],
  ['repl-diskless-sync', flag, 'yes'],
  ['repl-diskless-sync-delay', int32, '5'],
  ['repl-diskless-sync-max-replicas', int32, '0'],
  ['replica-announce-ip', text, '', 'slave-announce-ip'],
  ['replica-announce-port', port, '0', 'slave-announce-port'],
  ['replica-announced', flag, 'yes'],
  ['replica-ignore-maxmemory', flag, 'yes', 'slave-ignore-maxmemory'],
  ['replica-ignore-disk-write-errors', flag, 'no'],
  ['replica-lazy-flush', flag, 'no', 'slave-lazy-flush'],
  ['replica-priority', int32, '100', 'slave-priority'],
  ['sanitize-dump-payload', oneWordOf('no', 'yes', 'clients'), 'no'],
  ['shutdown-on-sigint', by(normalizeShutdownWords), 'default'],
  ['shutdown-on-sigterm', by(normalizeShutdownWords), 'default'],
  ['shutdown-timeout', int32, '10'],
  ['stop-writes-on-bgsave-error', flag, 'yes'],
];

const fixed: readonly Declaration[] = [
  ['aclfile', text, ''],
  ['always-show-logo', flag, 'no'],
  ['aof_rewrite_cpulist', text, ''],
  ['appenddirname', text, 'appendonlydir'],
  ['appendfilename', text, 'appendonly.aof'],
  ['bgsave_cpulist', text, ''],
  ['bio_cpulist', text, ''],
  ['cluster-config-file', text, 'nodes.conf'],
  ['cluster-port', port, '0'],
  ['daemonize', flag, 'no'],
  ['disable-thp', flag, 'yes'],
  ['enable-module-command', oneWordOf('no', 'yes', 'local'), 'no'],
  ['enable-protected-configs', oneWordOf('no', 'yes', 'local'), 'no'],
  ['io-threads', between(1, 128), '1'],
  ['io-threads-do-reads', flag, 'no'],
  ['logfile', text, ''],
  ['pidfile', text, ''],
  ['rdbchecksum', flag, 'yes'],
  ['server_cpulist', text, ''],
  ['set-proc-title', flag, 'yes'],
  ['socket-mark-id', { ...int64, max: 4294967295 }, '0'],
  ['supervised', oneWordOf('upstart', 'systemd', 'auto', 'no'), 'no'],
  ['syslog-enabled', flag, 'no'],
  ['syslog-facility', text, 'local0'],
  ['syslog-ident', text, 'redis'],
];

/** CONFIG GET tells of them only when they are asked for by name. */
const hidden: readonly Declaration[] = [
  ['aof-disable-auto-gc', flag, 'no'],
  ['cluster-ping-interval', int64, '1000'],
  ['key-load-delay', between(-2147483648, 2147483647), '0'],
  ['loading-process-events-interval-bytes', between(1024, 2147483647), '2097152'],
  ['rdb-key-save-delay', between(-2147483648, 2147483647), '0'],
  ['use-exit-on-panic', flag, 'no'],
  ['watchdog-period', int32, '0'],
];

function declare([name, kind, initial, olderName]: Declaration, isFixed: boolean): Parameter[] {
  const parameter: Parameter = { name, kind, initial, isFixed, isInert: true };
  return olderName === undefined
    ? [parameter]
    : [parameter, { ...parameter, name: olderName, aliasOf: name }];
}

export const inertParameters: readonly Parameter[] = [
  ...settable.flatMap((declaration) => declare(declaration, false)),
  ...fixed.flatMap((declaration) => declare(declaration, true)),
  ...hidden
    .flatMap((declaration) => declare(declaration, false))
    .map((each) => ({ ...each, isHidden: true })),
];
