/** A cluster behind this process, which itself has no data: what etcd says of it, and the way to its nodes. */
import { KvError, systemEnv } from '@holdfast/common';
import { ClusterCoordinator, EtcdLayout, EtcdMeta, type NodeRecord, Router } from '@holdfast/coord';
import { Config, parameters } from '@holdfast/engine';
import { NodeClient, peerCredentials } from '@holdfast/rpc';
import { compileEarly, openEtcd, reportTo, type StatusServer } from '@holdfast/service';
import type { Logger } from 'pino';
import type { Backend } from './backend.js';
import type { BackendEvents } from './local-backend.js';
import { ShardsReadiness } from './readiness.js';
import { logMethods, type Settings } from './settings.js';

/** Throws KvError UNAVAILABLE, INVALID. */
export async function openClusterBackend(
  settings: Settings,
  logger: Logger,
  events: BackendEvents,
): Promise<Backend> {
  compileEarly();
  const env = systemEnv();
  const config = new Config(parameters);
  for (const [name, value] of settings.parameters) config.set(name, value);
  if (config.number('history-bytes') > 0)
    throw new KvError(
      'INVALID',
      'history-bytes: a gateway has no data: in a cluster it is a setting of each storage node',
    );
  const etcd = await openEtcd(settings.etcd, env, (message) => logger.warn(message));
  const onError = reportTo(logger, env, 'warn', 'what the cluster consists of could not be read');
  const layout = new EtcdLayout(settings.etcd.prefix);
  const meta = await EtcdMeta.open({ etcd, env, layout, onError }).catch((error: Error) => {
    etcd.close();
    throw error;
  });
  const credentials = peerCredentials(settings.peers);
  const connect = ({ addresses }: NodeRecord) => new NodeClient(addresses.node, credentials);
  const router = new Router({ meta, env, connect });
  const coordinator = new ClusterCoordinator({
    env,
    router,
    config,
    readMode: settings.readMode,
    onShutdown: () => events.onEnd(null),
    onLog: (level, message) => logger[logMethods[level]](message),
  });
  const readiness = new ShardsReadiness(env.clock, () => router.routes);
  return {
    coordinator,
    config,
    refusal: () => readiness.refusal,
    describeMetrics: (status) => describeMetrics(status, coordinator),
    close: async () => {
      await coordinator.shutdown();
      meta.close();
      etcd.close();
    },
  };
}

function describeMetrics(status: StatusServer, coordinator: ClusterCoordinator): void {
  const { kv, router } = coordinator;
  status.gauge('clients', 'Clients that are connected, by any protocol.', () => coordinator.sessionCount);
  status.counter('commands_total', 'Commands passed on or answered.', () => kv.registry.totalCalls());
  status.gauge('shards', 'Shards of the cluster.', () => router.shardCount);
  status.gauge(
    'shards_reachable',
    'Shards whose leader can be reached.',
    () => [...router.routes].filter(({ channel }) => channel !== null).length,
  );
}
