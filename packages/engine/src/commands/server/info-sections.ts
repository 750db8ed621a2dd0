/**
 * The sections of INFO: Redis' names for what is true here. Fields that would have to be made up (forks,
 * replicas' offsets, allocator pages) are left out.
 */
import { databasesMax } from '@holdfast/common';
import type { Command } from '../../command.js';
import type { Config } from '../../config.js';
import type { Context } from '../../context.js';
import type { Host, ReplicaStatus, UpstreamStatus } from '../../host.js';
import type { KV } from '../../kv.js';
import { human, percent } from './figure-text.js';
import { memoryFigures } from './memory-figures.js';

export type Fields = readonly (readonly [string, string | number])[];

function sizeOf(items: Iterable<unknown>): number {
  let size = 0;
  for (const _ of items) size++;
  return size;
}

function server({ env, host, kv }: Context): Fields {
  const { process, runId, startedMs } = host.figures();
  const nowMs = env.clock.now();
  const upSeconds = Math.floor((nowMs - startedMs) / 1000);
  return [
    ['redis_version', kv.redisVersion.text],
    ['redis_git_sha1', '00000000'],
    ['redis_git_dirty', 0],
    ['redis_build_id', 0],
    ['redis_mode', kv.isClusterNode ? 'cluster' : 'standalone'],
    ['os', process.system],
    ['arch_bits', 64],
    ['multiplexing_api', 'libuv'],
    ['process_id', process.id],
    ['process_supervised', 'no'],
    ['run_id', runId],
    ['tcp_port', kv.config.text('port')],
    ['server_time_usec', nowMs * 1000],
    ['uptime_in_seconds', upSeconds],
    ['uptime_in_days', Math.floor(upSeconds / 86_400)],
    ['hz', kv.config.number('hz')],
    ['configured_hz', kv.config.number('hz')],
    ['lru_clock', Math.floor(nowMs / 1000) & 0xffffff],
    ['executable', process.executable],
    ['config_file', host.configFile?.path ?? ''],
    ['io_threads_active', 0],
    ...listeners(kv.config),
  ];
}

/** Where the Redis protocol is served: TCP, and a unix socket. */
function listeners(config: Config): Fields {
  const port = config.text('port');
  const path = config.text('unixsocket');
  const hosts = config.text('bind').split(' ').filter(Boolean);
  const fields: [string, string][] = [];
  if (port !== '0') {
    fields.push([
      'listener0',
      ['name=tcp', ...hosts.map((host) => `bind=${host}`), `port=${port}`].join(','),
    ]);
  }
  if (path !== '') fields.push(['listener1', `name=unix,bind=${path}`]);
  return fields;
}

function clients({ host, kv }: Context): Fields {
  const figures = host.figures();
  let inputMax = 0;
  let outputMax = 0;
  for (const { sink } of host.sessions()) {
    inputMax = Math.max(inputMax, sink.inputBytes);
    outputMax = Math.max(outputMax, sink.outputBytes);
  }
  return [
    ['connected_clients', figures.clients],
    ['cluster_connections', 0],
    ['maxclients', kv.config.number('maxclients')],
    ['client_recent_max_input_buffer', inputMax],
    ['client_recent_max_output_buffer', outputMax],
    ['blocked_clients', figures.blockedClients],
    ['tracking_clients', figures.trackingClients],
    ['pubsub_clients', figures.pubsubClients],
    ['watching_clients', figures.watchingClients],
    ['total_watched_keys', figures.watchedKeys],
    ['total_blocking_keys', figures.blockingKeys],
    ['total_blocking_keys_on_nokey', figures.exactingKeys],
    ['monitor_clients', figures.monitors],
  ];
}

/** Scripts and functions are kept outside of `used_memory`: their interpreters have limits of their own. */
function scripts({ scripting }: KV): Fields {
  const { cache, usedBytes: evalBytes } = scripting.scripts;
  const functionBytes = scripting.functions.usedBytes;
  const { libraries } = scripting.functions;
  return [
    ['used_memory_lua', evalBytes],
    ['used_memory_vm_eval', evalBytes],
    ['used_memory_lua_human', human(evalBytes)],
    ['used_memory_scripts_eval', cache.bytes],
    ['number_of_cached_scripts', cache.size],
    ['number_of_functions', libraries.functionCount],
    ['number_of_libraries', libraries.size],
    ['used_memory_vm_functions', functionBytes],
    ['used_memory_vm_total', evalBytes + functionBytes],
    ['used_memory_vm_total_human', human(evalBytes + functionBytes)],
    ['used_memory_functions', libraries.bytes],
    ['used_memory_scripts', cache.bytes + libraries.bytes],
    ['used_memory_scripts_human', human(cache.bytes + libraries.bytes)],
  ];
}

/** `used_memory` is what `maxmemory` limits. */
function memory(ctx: Context): Fields {
  const { host, kv } = ctx;
  const { heapTotalBytes, heapUsedBytes, residentBytes, totalBytes } = host.figures().process;
  const { clients, dataset, overhead, peak, pending, process: processBytes, used } = memoryFigures(ctx);
  const limit = kv.config.number('maxmemory');
  return [
    ['used_memory', used],
    ['used_memory_human', human(used)],
    ['used_memory_rss', residentBytes],
    ['used_memory_rss_human', human(residentBytes)],
    ['used_memory_peak', peak],
    ['used_memory_peak_human', human(peak)],
    ['used_memory_peak_perc', percent(used, peak)],
    ['used_memory_overhead', overhead],
    ['used_memory_startup', 0],
    ['used_memory_dataset', dataset],
    ['used_memory_dataset_perc', percent(dataset, used)],
    ['total_system_memory', totalBytes],
    ['total_system_memory_human', human(totalBytes)],
    ...scripts(kv),
    ['process_heap_used', heapUsedBytes],
    ['process_heap_total', heapTotalBytes],
    ['maxmemory', limit],
    ['maxmemory_human', human(limit)],
    ['maxmemory_policy', kv.config.text('maxmemory-policy')],
    ['mem_fragmentation_ratio', (residentBytes / used).toFixed(2)],
    ['mem_fragmentation_bytes', residentBytes - used],
    ['mem_not_counted_for_evict', pending],
    ['mem_process_counted_for_evict', processBytes],
    ['mem_clients_slaves', 0],
    ['mem_clients_normal', clients],
    ['mem_replication_backlog', 0],
    ['mem_total_replication_buffers', 0],
    ['mem_cluster_links', 0],
    ['mem_aof_buffer', pending],
    ['cache_bytes', ctx.storage.cacheBytes],
    ['cache_departures', ctx.storage.departures],
    ['mem_allocator', 'arena'],
    ['active_defrag_running', 0],
    ['lazyfree_pending_objects', ctx.storage.unreleased],
    ['lazyfreed_objects', ctx.storage.releases - kv.stats.releasesBefore],
  ];
}

function persistence({ host, kv, storage }: Context): Fields {
  const { snapshots } = host;
  const savedMs = snapshots?.lastFinishedMs || host.figures().startedMs;
  return [
    ['loading', 0],
    ['async_loading', 0],
    ['rdb_changes_since_last_save', storage.stamp.writes - (snapshots?.savedWrites ?? 0)],
    ['rdb_bgsave_in_progress', snapshots?.isRunning ? 1 : 0],
    ['rdb_last_save_time', Math.floor(savedMs / 1000)],
    ['rdb_last_bgsave_status', snapshots?.hasFailed ? 'err' : 'ok'],
    ['aof_enabled', kv.config.flag('appendonly') ? 1 : 0],
    // A snapshot is what makes the log short.
    ['aof_rewrite_in_progress', snapshots?.isRunning ? 1 : 0],
    ['aof_rewrite_scheduled', 0],
    ['aof_last_bgrewrite_status', 'ok'],
    ['aof_last_write_status', host.diskFailure === null ? 'ok' : 'err'],
    ...historyOf(host),
  ];
}

function historyOf({ snapshots }: Host): Fields {
  const history = snapshots?.history ?? null;
  if (history === null) return [];
  return [
    ['history_oldest_version', history.oldest],
    ['history_newest_version', history.newest],
  ];
}

function stats({ host, kv }: Context): Fields {
  const figures = host.figures();
  const copies = host.downstream?.status;
  return [
    ['total_connections_received', figures.connectionsReceived],
    ['total_commands_processed', kv.registry.totalCalls()],
    ['instantaneous_ops_per_sec', figures.commandsPerSecond],
    ['total_net_input_bytes', figures.receivedBytes],
    ['total_net_output_bytes', figures.sentBytes],
    ['rejected_connections', figures.connectionsRejected],
    ['sync_full', copies?.fullCopies ?? 0],
    ['sync_partial_ok', copies?.resumed ?? 0],
    ['sync_partial_err', copies?.notResumed ?? 0],
    ['expired_keys', kv.stats.expired],
    ['expired_fields', kv.stats.expiredFields],
    ['evicted_keys', kv.stats.evicted],
    ['evicted_clients', kv.stats.evictedClients],
    ['total_eviction_exceeded_time', Math.round(kv.eviction.exceededMs)],
    ['current_eviction_exceeded_time', Math.round(kv.eviction.exceededNowMs)],
    ['evicted_scripts', kv.scripting.scripts.cache.evicted],
    ['keyspace_hits', kv.stats.hits],
    ['keyspace_misses', kv.stats.misses],
    ['pubsub_channels', sizeOf(host.channels(false))],
    ['pubsub_patterns', host.patternCount()],
    ['pubsubshard_channels', sizeOf(host.channels(true))],
    ['tracking_total_keys', figures.trackedKeys],
    ['tracking_total_items', figures.trackedItems],
    ['tracking_total_prefixes', figures.trackedPrefixes],
    ['latest_fork_usec', 0],
    ['migrate_cached_sockets', host.migration?.connections ?? 0],
    ['total_forks', 0],
    ['total_error_replies', kv.stats.errorReplies],
    ['acl_access_denied_auth', kv.access.denied.auth],
    ['acl_access_denied_cmd', kv.access.denied.command],
    ['acl_access_denied_key', kv.access.denied.key],
    ['acl_access_denied_channel', kv.access.denied.channel],
  ];
}

function replication(ctx: Context): Fields {
  const { host } = ctx;
  const status = host.followed;
  const served = host.downstream?.status ?? null;
  return [
    ['role', status === null ? 'master' : 'slave'],
    ...(status === null ? [] : following(ctx, status)),
    ['connected_slaves', served?.replicas.length ?? 0],
    ...(served?.replicas ?? []).map((replica, i) => [`slave${i}`, replicaText(replica, ctx.nowMs)] as const),
    ['master_failover_state', 'no-failover'],
    ['master_replid', host.figures().replicationId],
    ['master_replid2', '0'.repeat(40)],
    ['master_repl_offset', Math.max(0, served?.isKept ? served.offset : (status?.offset ?? 0))],
    ['second_repl_offset', -1],
    ['repl_backlog_active', served?.isKept ? 1 : 0],
    ['repl_backlog_size', served?.keptBytesMax ?? 0],
    ['repl_backlog_first_byte_offset', served?.keptFrom ?? 0],
    ['repl_backlog_histlen', served?.keptBytes ?? 0],
  ];
}

function replicaText({ heardMs, host, offset, port, state }: ReplicaStatus, nowMs: number): string {
  const lag = state === 'online' ? Math.max(0, Math.floor((nowMs - heardMs) / 1000)) : 0;
  return `ip=${host},port=${port},state=${state},offset=${offset},lag=${lag}`;
}

/** `master_link_error` is ours: why the link is not up. */
function following({ kv, nowMs }: Context, status: UpstreamStatus): Fields {
  const { lastHeardMs, loadedBytes, loadingBytes, offset, problem, state } = status;
  const fields: [string, string | number][] = [
    ['master_host', status.host],
    ['master_port', status.port],
    ['master_link_status', state === 'connected' ? 'up' : 'down'],
    ['master_last_io_seconds_ago', lastHeardMs === 0 ? -1 : Math.floor((nowMs - lastHeardMs) / 1000)],
    ['master_sync_in_progress', state === 'sync' ? 1 : 0],
    ['slave_read_repl_offset', offset],
    ['slave_repl_offset', offset],
  ];
  if (state === 'sync') {
    fields.push(['master_sync_total_bytes', loadingBytes], ['master_sync_read_bytes', loadedBytes]);
    fields.push(['master_sync_left_bytes', loadingBytes === 0 ? -1 : loadingBytes - loadedBytes]);
  }
  if (problem !== '') fields.push(['master_link_error', problem.replace(/[\r\n]+/g, ' ')]);
  fields.push(['slave_priority', kv.config.text('replica-priority')]);
  fields.push(['slave_read_only', kv.config.text('replica-read-only') === 'yes' ? 1 : 0]);
  return [...fields, ['replica_announced', 1]];
}

function cpu({ host }: Context): Fields {
  const { systemSeconds, userSeconds } = host.figures().process;
  return [
    ['used_cpu_sys', systemSeconds.toFixed(6)],
    ['used_cpu_user', userSeconds.toFixed(6)],
    ['used_cpu_sys_children', '0.000000'],
    ['used_cpu_user_children', '0.000000'],
  ];
}

function allCommands({ kv }: Context): Command[] {
  return kv.registry.commands.flatMap((command) => [command, ...command.subcommands.values()]);
}

/** Of the calls of a command in O(1) some are timed: `usec` is what all of them took at that mean. */
function commandstats(ctx: Context): Fields {
  const { registry } = ctx.kv;
  const used = allCommands(ctx).filter((command) => {
    const { calls, rejectedCalls } = registry.figuresOf(command);
    return calls + rejectedCalls > 0;
  });
  return used.map((command) => {
    const { calls, failedCalls, rejectedCalls, times } = registry.figuresOf(command);
    const mean = times.count === 0 ? 0 : times.usec / times.count;
    const time = `usec=${Math.round(mean * calls)},usec_per_call=${mean.toFixed(2)}`;
    const text = `calls=${calls},${time},rejected_calls=${rejectedCalls},failed_calls=${failedCalls}`;
    return [`cmdstat_${command.fullName}`, text];
  });
}

function errorstats({ kv }: Context): Fields {
  const codes = [...kv.stats.errors.keys()].sort();
  return codes.map((code) => [`errorstat_${code}`, `count=${kv.stats.errors.get(code)}`]);
}

function latencystats(ctx: Context): Fields {
  const asked = ctx.kv.config.text('latency-tracking-info-percentiles');
  if (!ctx.kv.config.flag('latency-tracking') || asked === '') return [];
  const { registry } = ctx.kv;
  const timed = allCommands(ctx).filter((command) => registry.figuresOf(command).times.hasHistogram);
  return timed.map((command) => {
    const { times } = registry.figuresOf(command);
    const values = asked.split(' ').map((each) => `p${each}=${times.percentile(Number(each)).toFixed(3)}`);
    return [`latency_percentiles_usec_${command.fullName}`, values.join(',')];
  });
}

function keyspace({ storage }: Context): Fields {
  const lines: [string, string][] = [];
  for (let index = 0; index < databasesMax; index++) {
    const keys = storage.keyCount(index);
    const expiring = storage.database(index).expiries.count;
    if (keys > 0) lines.push([`db${index}`, `keys=${keys},expires=${expiring},avg_ttl=0`]);
  }
  return lines;
}

export interface Section {
  readonly title: string;
  readonly describe: (ctx: Context) => Fields;
  /** Only when it is asked for, or everything is. */
  readonly isExtra?: boolean;
}

/** In the order in which they are shown. */
export const infoSections: ReadonlyMap<string, Section> = new Map([
  ['server', { title: 'Server', describe: server }],
  ['clients', { title: 'Clients', describe: clients }],
  ['memory', { title: 'Memory', describe: memory }],
  ['persistence', { title: 'Persistence', describe: persistence }],
  ['stats', { title: 'Stats', describe: stats }],
  ['replication', { title: 'Replication', describe: replication }],
  ['cpu', { title: 'CPU', describe: cpu }],
  ['modules', { title: 'Modules', describe: () => [] }],
  ['commandstats', { title: 'Commandstats', describe: commandstats, isExtra: true }],
  ['errorstats', { title: 'Errorstats', describe: errorstats }],
  ['latencystats', { title: 'Latencystats', describe: latencystats, isExtra: true }],
  ['cluster', { title: 'Cluster', describe: ({ kv }) => [['cluster_enabled', Number(kv.isClusterNode)]] }],
  ['keyspace', { title: 'Keyspace', describe: keyspace }],
]);
