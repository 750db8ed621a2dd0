/**
 * A storage node in this process: replicas of the shards that the map gives it, served to gateways and to clients of
 * Redis Cluster.
 *
 *     gateways -- kv.v1.StorageNode --> NodeExporter -----.
 *     Redis Cluster clients --> RedisExporter             +--> replicas (ShardHost) --> logs in etcd
 *                                 '--> ClusterCoordinator '
 *
 * A Redis client's requests take the road of a gateway's, within the process; what is led elsewhere is MOVED.
 */
import { type Env, type KvError, pause, Recurring } from '@holdfast/common';
import {
  ClusterCoordinator,
  checkRestored,
  EtcdLayout,
  EtcdMeta,
  EtcdShardRegister,
  logBytesMaxOf,
  NodeClaim,
  type NodeConnector,
  type NodeRecord,
  openShardLog,
  PeerSnapshots,
  Router,
  ShardHost,
  shardParameters,
} from '@holdfast/coord';
import { Config, parameters } from '@holdfast/engine';
import { type Etcd, EtcdKeeper } from '@holdfast/etcd';
import { NodeDisk } from '@holdfast/log';
import { AdminExporter, NodeExporter, RedisExporter } from '@holdfast/protocol';
import { NodeClient, peerCredentials, peerServerCredentials, streamPair } from '@holdfast/rpc';
import { Closing, openEtcd, type RunningService, reportTo, StatusServer, watchTls } from '@holdfast/service';
import type { Logger } from 'pino';
import { NodeAdministration } from './administration.js';
import { identityOf } from './identity.js';
import { describeMetrics } from './metrics.js';
import { Peers } from './peers.js';
import { placeOf } from './places.js';
import { Placing } from './placing.js';
import { leaderlessnessOf, readinessOf } from './readiness.js';
import type { Settings } from './settings.js';
import { openTimestamps, problemOf } from './timestamps.js';

/** How long a node that ends looks for others that can lead its shards, in ms. Then they find each other by themselves. */
const drainMsMax = 5000;

/** How often a node looks whether it leads what its disk takes nothing of, in ms. */
const diskLookMs = 1000;

type Addresses = Readonly<Record<'redis' | 'grpc' | 'http', string | null>>;

/** What the parts of the node have in common. */
interface Base {
  readonly settings: Settings;
  readonly env: Env;
  readonly logger: Logger;
  readonly disk: NodeDisk;
  readonly etcd: Etcd;
  readonly keeper: EtcdKeeper;
  readonly layout: EtcdLayout;
  readonly meta: EtcdMeta;
  readonly closing: Closing;
}

export class StorageNode implements RunningService {
  readonly addresses: Addresses;
  readonly #closing: Closing;

  /** `onEnd`: the process must end. Throws KvError when etcd or the directory can't be used, or the system's error when an address is taken. */
  static async start(
    settings: Settings,
    env: Env,
    logger: Logger,
    onEnd: (error: KvError) => void,
  ): Promise<StorageNode> {
    const closing = new Closing();
    try {
      const base = await openBase(settings, env, logger, closing);
      await claimName(base, onEnd);
      return new StorageNode(await serve(base), closing);
    } catch (error) {
      await closing.run();
      throw error;
    }
  }

  private constructor(addresses: Addresses, closing: Closing) {
    this.addresses = addresses;
    this.#closing = closing;
  }

  /** Hands over what this node leads, so that others lead at once, and ends. */
  close(): Promise<void> {
    return this.#closing.run();
  }
}

async function openBase(settings: Settings, env: Env, logger: Logger, closing: Closing): Promise<Base> {
  const disk = new NodeDisk();
  await checkRestored(disk, settings.directory);
  await disk.makeDirectory(settings.directory);
  const lock = await disk.lock(settings.directory);
  closing.add(() => lock.release());
  const onWarning = (message: string): void => logger.warn(message);
  const certificates = watchTls({ env, logger, files: [settings.peers, settings.etcd.tls] });
  closing.add(() => certificates.close());
  const etcd = await openEtcd(settings.etcd, env, onWarning);
  closing.add(() => etcd.close());
  const { prefix, quotaBytes } = settings.etcd;
  const layout = new EtcdLayout(prefix);
  const keeper = new EtcdKeeper({ etcd, env, guardKey: layout.compaction, quotaBytes, onWarning });
  closing.add(() => keeper.close());
  const onError = reportTo(logger, env, 'warn', 'what the cluster consists of could not be read');
  const meta = await EtcdMeta.open({ etcd, env, layout, onError });
  closing.add(() => meta.close());
  return { settings, env, logger, disk, etcd, keeper, layout, meta, closing };
}

/** Throws KvError LOCKED when another process runs under the node's name. */
async function claimName(
  { closing, disk, env, etcd, layout, settings }: Base,
  onLost: (error: KvError) => void,
): Promise<void> {
  const { directory, node } = settings;
  const identity = await identityOf(disk, directory, env);
  const claim = await NodeClaim.take({ etcd, env, layout, node, identity, onLost });
  closing.add(() => claim.release());
}

/** Opens the node's parts from the inside out; they are closed from the outside in. */
async function serve(base: Base): Promise<Addresses> {
  const { closing, env, logger, meta, settings } = base;
  const { front, close } = await openTimestamps(settings, env, base.disk, () => meta.map);
  closing.add(close);
  // Known once they are listened on, which is before any shard is opened.
  const told = { redis: '', node: '' };
  const host = createHost(base, front, told);
  /** A replica whose disk takes nothing may hear of nobody, as it applies nothing. */
  const following = () => [...host.replicas()].filter(({ shard }) => host.diskFailureOf(shard) === null);
  const administration = new NodeAdministration({
    settings,
    env,
    logger,
    meta,
    host,
    clients: () => coordinator.sessionCount,
    refusal: () => placing?.problem ?? leaderlessnessOf(following(), settings.leaseMs),
  });
  const onError = (err: unknown): void => logger.error({ err }, 'a defect in the administration');
  const admin = new AdminExporter({ administration, env, onError });
  const refusal = (): string | null =>
    readinessOf(placing?.problem ?? null, host.replicas(), settings.leaseMs, (shard) =>
      host.diskFailureOf(shard),
    );
  const nodes = new NodeExporter({
    replicas: host,
    env,
    isReady: () => refusal() === null,
    administration: admin,
    credentials: peerServerCredentials(settings.peers),
  });
  closing.add(() => nodes.close());
  const router = new Router({ meta, env, home: host.node, connect: connectorTo(nodes, host, base) });
  const config = new Config(parameters);
  for (const [name, value] of parametersOf(settings, (each) => !shardParameters.has(each)))
    config.set(name, value);
  const coordinator = new ClusterCoordinator({ env, router, home: host.node, config });
  closing.add(() => coordinator.shutdown());
  // A node is there for others, and has no password that they could know: its network is what protects it.
  config.set('protected-mode', 'no');
  const redis = new RedisExporter({ coordinator, env, config });
  closing.add(() => redis.close());
  const status = new StatusServer(refusal);
  closing.add(() => status.close());
  // Handed over before anything else ends: who is told to go elsewhere has to be told where.
  closing.add(async () => {
    status.sayEnding();
    nodes.sayGoodbye();
    const leaving = administration.drain(true).catch((err: unknown) => {
      logger.warn({ err }, 'a lead could not be given to a node that is up');
    });
    await Promise.race([leaving, pause(env.timers, drainMsMax)]);
    await host.close();
  });
  let placing: Placing | null = null;

  const listened = await listen(settings, { redis, nodes, status });
  config.set('port', String(portOf(listened.redis)));
  config.set('bind', settings.host);
  Object.assign(told, advertised(settings, listened));
  const http = listened.http === null ? '' : at(settings.advertise || settings.host, portOf(listened.http));
  await meta.register({ node: host.node, addresses: told, http });
  describeMetrics(status, { host, coordinator, nodes });
  placing = new Placing({ meta, host, env, logger, problemOf: (map) => problemOf(settings, map) });
  closing.add(() => placing?.close());
  const leaving = new Recurring({
    timers: env.timers,
    intervalMs: diskLookMs,
    work: () => administration.leaveFailingDisks(),
    onError: reportTo(logger, env, 'warn', 'a lead could not be given away'),
  });
  closing.add(() => leaving.close());
  return listened;
}

function createHost(
  { env, etcd, keeper, layout, logger, disk, meta, settings }: Base,
  front: ConstructorParameters<typeof ShardHost>[0]['front'],
  addresses: NodeRecord['addresses'],
): ShardHost {
  const leaderOf = (shard: string): string | null => host.replica(shard)?.leader?.node ?? null;
  const host: ShardHost = new ShardHost({
    node: settings.node,
    addresses,
    env,
    front,
    openLog: (shard) => openShardLog({ etcd, env, layout, shard }),
    placeOf: (shard) => placeOf(settings, env, disk, shard),
    source: new PeerSnapshots(
      new Peers({ meta, env, node: settings.node, leaderOf, credentials: peerCredentials(settings.peers) }),
    ),
    register: new EtcdShardRegister(etcd, layout),
    room: keeper,
    parameters: parametersOf(settings, (name) => shardParameters.has(name)),
    leaseMs: settings.leaseMs,
    cacheBytes: settings.cacheBytes,
    history: settings.history,
    keep: {
      logBytes: settings.snapshotLogBytes,
      logBytesMax: () => logBytesMaxOf(keeper.quotaBytes, meta.map.shards.length),
    },
    onError: reportTo(logger, env, 'warn', 'a shard could not do something, and tries again'),
  });
  host.onRole(({ epoch, leader, role, shard }) => {
    logger.info({ shard, role, epoch, leader: leader?.node ?? null }, 'role');
  });
  return host;
}

/** Of the parameters that were given to the node, these. */
function parametersOf(
  { parameters: given }: Settings,
  these: (name: string) => boolean,
): Map<string, string> {
  return new Map([...given].filter(([name]) => these(name)));
}

/** This node is reached within the process, others over the network. */
function connectorTo(
  nodes: NodeExporter,
  host: ShardHost,
  { env, settings }: Base,
): (record: NodeRecord) => NodeConnector {
  const credentials = peerCredentials(settings.peers);
  return ({ node, addresses }) => {
    if (node !== host.node) return new NodeClient(addresses.node, credentials);
    return {
      whenReachable: (ready) => {
        env.timers.setImmediate(() => ready());
      },
      open: () => {
        const { client, server } = streamPair(env.timers);
        nodes.accept(server);
        return client;
      },
      close: () => {},
    };
  };
}

interface Servers {
  readonly redis: RedisExporter;
  readonly nodes: NodeExporter;
  readonly status: StatusServer;
}

async function listen(settings: Settings, { redis, nodes, status }: Servers): Promise<Addresses> {
  const { host, grpcPort, httpPort, redisPort } = settings;
  return {
    redis: redisPort < 0 ? null : at(host, await redis.listen(redisPort, host)),
    grpc: at(host, await nodes.listen(grpcPort, host)),
    http: httpPort < 0 ? null : at(host, await status.listen(httpPort, host)),
  };
}

/** Where others are told to come. */
function advertised({ advertise, host }: Settings, { grpc, redis }: Addresses): NodeRecord['addresses'] {
  const name = advertise || host;
  return { redis: redis === null ? '' : at(name, portOf(redis)), node: at(name, portOf(grpc)) };
}

function at(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** 0 for what is not served. */
function portOf(address: string | null): number {
  return address === null ? 0 : Number(address.slice(address.lastIndexOf(':') + 1));
}
