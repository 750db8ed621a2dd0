/** Whose parameters are whose, in a cluster: of the process that clients are connected to, or of the nodes. */
import { parameters } from '@holdfast/engine';

function namesOf(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}

/** About connections, and about the process that has them. */
export const connectionParameters: ReadonlySet<string> = namesOf(
  `bind dir maxclients port protected-mode requirepass tcp-backlog tcp-keepalive timeout unixsocket unixsocketperm
   client-output-buffer-limit client-query-buffer-limit proto-max-bulk-len enable-debug-command`,
);

/** Of a server that stands alone: its password, its log, who follows it and whom it follows. */
const aloneParameters = namesOf(
  `requirepass protected-mode aof-load-truncated appendonly appendfsync save masteruser masterauth repl-timeout
   replica-serve-stale-data slave-serve-stale-data replica-read-only slave-read-only repl-backlog-size repl-backlog-ttl
   repl-ping-replica-period repl-ping-slave-period min-replicas-to-write min-slaves-to-write min-replicas-max-lag
   min-slaves-max-lag`,
);

/** A node has these for all of its shards together, and divides them. */
export const dividedSettings = ['cache-bytes', 'history-bytes', 'history-seconds'] as const;

/** What a node can be started with. */
export const nodeParameters: ReadonlySet<string> = new Set(
  parameters
    .filter(
      ({ isFixed, isKept, isProtected, name }) =>
        !(isFixed || isKept || isProtected || aloneParameters.has(name)),
    )
    .map(({ name }) => name)
    .filter((name) => !dividedSettings.some((each) => each === name)),
);

/** Those of them that are about data: each of its shards has them. */
export const shardParameters: ReadonlySet<string> = new Set(
  [...nodeParameters].filter((name) => !connectionParameters.has(name)),
);
