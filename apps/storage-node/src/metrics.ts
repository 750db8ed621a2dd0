/** What Prometheus is told of a storage node. */
import type { ClusterCoordinator, Replica, ShardHost } from '@holdfast/coord';
import type { NodeExporter } from '@holdfast/protocol';
import type { StatusServer } from '@holdfast/service';
import { Counter, Gauge } from 'prom-client';

export interface MetricSources {
  readonly host: ShardHost;
  readonly coordinator: ClusterCoordinator;
  readonly nodes: NodeExporter;
}

export function describeMetrics(status: StatusServer, { host, coordinator, nodes }: MetricSources): void {
  status.gauge('clients', 'Redis clients that are connected.', () => coordinator.sessionCount);
  status.gauge('gateways', 'Streams of gateways and other nodes.', () => nodes.connectionCount);
  const byShard = (name: string, help: string, read: (replica: Replica) => number): void => {
    new Gauge({
      name: `holdfast_${name}`,
      help,
      labelNames: ['shard'],
      registers: [status.registry],
      collect() {
        this.reset();
        for (const replica of host.replicas()) this.set({ shard: replica.shard }, read(replica));
      },
    });
  };
  byShard('shard_is_leading', '1 where this node leads.', ({ role }) => Number(role === 'leader'));
  byShard('shard_is_serving', '1 where the state is whole.', ({ role }) =>
    Number(role === 'leader' || role === 'follower'),
  );
  byShard('shard_position', 'Position up to which the log is applied.', ({ position }) => position);
  byShard(
    'shard_history_oldest_version',
    'Version that the history reaches back to; 0 for none.',
    ({ history }) => history?.oldest ?? 0,
  );
  byShard(
    'shard_history_newest_version',
    'Version that the history has reached; 0 for none.',
    ({ history }) => history?.newest ?? 0,
  );
  byShard('shard_epoch', 'Epoch of the leader that is known.', ({ leader }) => leader?.epoch ?? 0);
  byShard('shard_keys', 'Keys of the first database.', ({ coordinator: { kv } }) => kv.storage.keyCount(0));
  byShard('shard_data_bytes', 'Bytes taken by keys, values and indexes.', ({ coordinator: { kv } }) =>
    Math.round(kv.storage.usedBytes),
  );
  new Counter({
    name: 'holdfast_shard_commands_total',
    help: 'Commands run.',
    labelNames: ['shard'],
    registers: [status.registry],
    collect() {
      this.reset();
      for (const { coordinator, shard } of host.replicas())
        this.inc({ shard }, coordinator.kv.registry.totalCalls());
    },
  });
}
