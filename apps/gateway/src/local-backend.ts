/** A whole server in this process: storage, log, engine. */
import { type KvError, systemEnv } from '@holdfast/common';
import { type LocalStack, openLocalStack } from '@holdfast/coord';
import { RedisDownstream, RedisMigration } from '@holdfast/downstream';
import type { LogLevel } from '@holdfast/engine';
import { NodeDisk } from '@holdfast/log';
import { reportTo, type StatusServer } from '@holdfast/service';
import { RedisUpstream } from '@holdfast/upstream';
import type { Logger } from 'pino';
import { Gauge } from 'prom-client';
import { aclFileAt } from './acl-file.js';
import type { Backend } from './backend.js';
import { configFileAt } from './config-file.js';
import { DirectoryRedisFile } from './redis-file.js';
import { ServerAdministration } from './server-administration.js';
import { ServerEtcd } from './server-etcd.js';
import { logMethods, type Settings } from './settings.js';

export interface BackendEvents {
  /** SHUTDOWN was called, or the process can't go on: `error` says why. */
  readonly onEnd: (error: KvError | null) => void;
}

/** Opens the data. Throws KvError. */
export async function openLocalBackend(
  settings: Settings,
  logger: Logger,
  events: BackendEvents,
): Promise<Backend> {
  const env = systemEnv();
  const disk = new NodeDisk();
  const onWarning = (message: string): void => logger.warn(message);
  const etcd = new ServerEtcd({ env, disk, directory: settings.directory, etcd: settings.etcd, onWarning });
  const stack = await openLocalStack({
    env,
    disk,
    openShared: () => etcd.open(),
    storage: settings.storage,
    log: settings.log,
    fsync: settings.fsync,
    directory: settings.directory,
    parameters: settings.parameters,
    aclFile: aclFileAt(disk, settings.parameters.get('aclfile') ?? ''),
    users: settings.users,
    configFile: configFileAt(disk, settings.configFile),
    onFatal: (error) => events.onEnd(error),
    onShutdown: () => events.onEnd(null),
    onLog: (level, message) => logger[logMethods[level]](message),
    onError: reportTo(logger, env, 'error', 'a background task failed'),
  });
  if (stack.recovered !== null) logger.info({ ...stack.recovered }, 'recovered');
  const { config, coordinator } = stack;
  const onLog = (level: LogLevel, message: string): void => logger[logMethods[level]](message);
  const downstream = new RedisDownstream({
    kv: stack.kv,
    env,
    onLog,
    onReplicas: () => coordinator.state.countReplicas(),
  });
  coordinator.downstream = downstream;
  if (stack.persistence !== null) {
    const { directory } = settings;
    const name = (): string => config.text('dbfilename');
    const redisFile = new DirectoryRedisFile({ disk, directory, name, downstream });
    // Where there was something, the directory is this server's own.
    if (stack.recovered !== null) await redisFile.removeUnfinished();
    stack.persistence.redisFile = redisFile;
  }
  coordinator.migration = new RedisMigration(env);
  const upstream = new RedisUpstream({ coordinator, config, env, onLog });
  coordinator.state.upstream = upstream;
  upstream.followConfigured();
  return {
    coordinator,
    config,
    refusal: () => coordinator.refusal,
    describeMetrics: (status) => describeMetrics(status, stack),
    administration: new ServerAdministration({ settings, env, stack, etcd }),
    close: async () => {
      upstream.leave();
      coordinator.downstream?.end();
      await stack.close();
      etcd.close();
    },
  };
}

function describeMetrics(status: StatusServer, stack: LocalStack): void {
  const { kv, coordinator, persistence } = stack;
  status.gauge('clients', 'Clients that are connected, by any protocol.', () => coordinator.sessionCount);
  status.counter('commands_total', 'Commands run.', () => kv.registry.totalCalls());
  status.counter('keyspace_hits_total', 'Reads that found their key.', () => kv.stats.hits);
  status.counter('keyspace_misses_total', 'Reads that found no key.', () => kv.stats.misses);
  status.counter('expired_keys_total', 'Keys removed because their time was over.', () => kv.stats.expired);
  status.counter(
    'evicted_keys_total',
    'Keys removed to keep memory within its limit.',
    () => kv.stats.evicted,
  );
  status.gauge('data_bytes', 'Bytes taken by keys, values and indexes.', () => stack.storage.usedBytes);
  status.gauge('writes_refused', '1 while the log or the disk takes no writes.', () =>
    Number(coordinator.refusal !== null),
  );
  status.gauge('log_bytes', 'Bytes of the log that were not trimmed.', () => persistence?.log?.bytes ?? 0);
  new Gauge({
    name: 'holdfast_keys',
    help: 'Keys, by database.',
    labelNames: ['database'],
    registers: [status.registry],
    collect() {
      for (let index = 0; index < 16; index++) {
        const count = stack.storage.keyCount(index);
        if (count > 0 || index === 0) this.set({ database: String(index) }, count);
        else this.remove(String(index));
      }
    },
  });
}
