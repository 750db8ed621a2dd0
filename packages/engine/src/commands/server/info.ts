/** INFO: the server's figures, section by section, as lines of `field:value`. */
import { databasesMax } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { rest } from '../../grammar.js';
import { redisVersion } from '../../version.js';

type Lines = readonly (readonly [string, string | number])[];
type Section = (ctx: Context) => Lines;

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(2)}M`;
}

const sections: Readonly<Record<string, Section>> = {
  server({ env, host, kv }) {
    const { process, runId, startedMs } = host.figures();
    const upSeconds = Math.floor((env.clock.now() - startedMs) / 1000);
    return [
      ['redis_version', redisVersion],
      ['redis_mode', 'standalone'],
      ['os', process.system],
      ['arch_bits', 64],
      ['process_id', process.id],
      ['run_id', runId],
      ['tcp_port', kv.config.has('port') ? kv.config.text('port') : 0],
      ['server_time_usec', env.clock.now() * 1000],
      ['uptime_in_seconds', upSeconds],
      ['uptime_in_days', Math.floor(upSeconds / 86_400)],
      ['hz', kv.config.number('hz')],
      ['executable', process.executable],
      ['config_file', ''],
    ];
  },
  clients({ host, kv }) {
    const { clients, blockedClients, pubsubClients, watchingClients } = host.figures();
    return [
      ['connected_clients', clients],
      ['maxclients', kv.config.number('maxclients')],
      ['blocked_clients', blockedClients],
      ['pubsub_clients', pubsubClients],
      ['watching_clients', watchingClients],
      ['tracking_clients', 0],
    ];
  },
  memory({ host, kv, storage }) {
    const { process } = host.figures();
    return [
      ['used_memory', storage.usedBytes],
      ['used_memory_human', megabytes(storage.usedBytes)],
      ['used_memory_rss', process.residentBytes],
      ['used_memory_rss_human', megabytes(process.residentBytes)],
      ['total_system_memory', process.totalBytes],
      ['heap_used', process.heapUsedBytes],
      ['heap_total', process.heapTotalBytes],
      ['maxmemory', kv.config.number('maxmemory')],
      ['maxmemory_human', megabytes(kv.config.number('maxmemory'))],
      ['maxmemory_policy', kv.config.text('maxmemory-policy')],
      ['mem_allocator', 'arena'],
    ];
  },
  persistence({ host }) {
    return [
      ['loading', 0],
      ['async_loading', 0],
      ['rdb_bgsave_in_progress', host.snapshots?.isRunning ? 1 : 0],
      ['rdb_last_save_time', Math.floor((host.snapshots?.lastFinishedMs ?? 0) / 1000)],
      ['rdb_last_bgsave_status', 'ok'],
      ['aof_enabled', 0],
    ];
  },
  stats({ host, kv }) {
    const { commandsPerSecond, connectionsReceived, connectionsRejected } = host.figures();
    const { stats } = kv;
    return [
      ['total_connections_received', connectionsReceived],
      ['total_commands_processed', kv.registry.totalCalls()],
      ['instantaneous_ops_per_sec', commandsPerSecond],
      ['rejected_connections', connectionsRejected],
      ['expired_keys', stats.expired],
      ['evicted_keys', stats.evicted],
      ['keyspace_hits', stats.hits],
      ['keyspace_misses', stats.misses],
      ['pubsub_channels', [...host.channels(false)].length],
      ['pubsub_patterns', host.patternCount()],
      ['pubsubshard_channels', [...host.channels(true)].length],
    ];
  },
  replication({ host }) {
    return [
      ['role', 'master'],
      ['connected_slaves', host.replicaCount()],
      ['master_failover_state', 'no-failover'],
      ['master_replid', host.figures().replicationId],
      ['master_repl_offset', 0],
    ];
  },
  cpu({ host }) {
    const { systemSeconds, userSeconds } = host.figures().process;
    return [
      ['used_cpu_sys', systemSeconds.toFixed(6)],
      ['used_cpu_user', userSeconds.toFixed(6)],
    ];
  },
  commandstats({ kv }) {
    const lines: [string, string][] = [];
    for (const container of kv.registry.commands) {
      for (const command of [container, ...container.subcommands.values()]) {
        if (command.calls + command.rejectedCalls === 0) continue;
        const { calls, failedCalls, fullName, rejectedCalls } = command;
        lines.push([
          `cmdstat_${fullName}`,
          `calls=${calls},rejected_calls=${rejectedCalls},failed_calls=${failedCalls}`,
        ]);
      }
    }
    return lines;
  },
  errorstats({ kv }) {
    return [...kv.stats.errors].map(([code, count]) => [`errorstat_${code}`, `count=${count}`] as const);
  },
  cluster() {
    return [['cluster_enabled', 0]];
  },
  keyspace({ storage }) {
    const lines: [string, string][] = [];
    for (let index = 0; index < databasesMax; index++) {
      const keys = storage.keyCount(index);
      if (keys === 0) continue;
      lines.push([`db${index}`, `keys=${keys},expires=${storage.database(index).expiring},avg_ttl=0`]);
    }
    return lines;
  },
};

const byDefault = Object.keys(sections).filter((name) => name !== 'commandstats');

function wantedSections({ request }: Context, first: number, count: number): Set<string> {
  const wanted = new Set<string>();
  if (count === 0) return new Set(byDefault);
  for (let i = 0; i < count; i++) {
    const name = request.text(first + i).toLowerCase();
    if (name === 'all' || name === 'everything') for (const each of Object.keys(sections)) wanted.add(each);
    else if (name === 'default') for (const each of byDefault) wanted.add(each);
    else wanted.add(name);
  }
  return wanted;
}

export const info = defineCommand({
  id: 620,
  name: 'INFO',
  group: 'server',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Returns information and statistics about the server.',
  flags: ['loading', 'stale'],
  categories: ['dangerous'],
  tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
  args: { sections: rest() },
  run(ctx, args, reply) {
    const wanted = wantedSections(ctx, args.sections.first, args.sections.count);
    const parts: string[] = [];
    for (const [name, describe] of Object.entries(sections)) {
      if (!wanted.has(name)) continue;
      const lines = describe(ctx).map(([field, value]) => `${field}:${value}\r\n`);
      parts.push(`# ${name === 'cpu' ? 'CPU' : name[0].toUpperCase() + name.slice(1)}\r\n${lines.join('')}`);
    }
    reply.verbatim('txt', parts.join('\r\n'));
  },
});
