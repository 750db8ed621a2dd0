/** The server: every protocol, before an engine in this process or a cluster. */
import { systemEnv } from '@holdfast/common';
import { parameters } from '@holdfast/engine';
import { AdminExporter, GrpcExporter, RedisExporter } from '@holdfast/protocol';
import { peerServerCredentials } from '@holdfast/rpc';
import { StatusServer, watchTls } from '@holdfast/service';
import type { Logger } from 'pino';
import type { Backend } from './backend.js';
import { openClusterBackend } from './cluster-backend.js';
import { addressText, listenOn, parseHosts } from './hosts.js';
import { type BackendEvents, openLocalBackend } from './local-backend.js';
import { RedisListening } from './redis-listening.js';
import type { Settings } from './settings.js';
import { permitSocket, removeStaleSocket } from './unix-socket.js';

/** Where the server listens: `host:port`, or null for what is off. */
export type Addresses = Readonly<Record<'redis' | 'unix' | 'grpc' | 'http' | 'admin', string | null>>;

interface Closable {
  close(): Promise<void>;
}

export class Gateway {
  readonly addresses: Addresses;
  readonly #backend: Backend;
  readonly #status: StatusServer;
  /** In the order of their start. */
  readonly #servers: readonly Closable[];

  private constructor(
    backend: Backend,
    status: StatusServer,
    servers: readonly Closable[],
    addresses: Addresses,
  ) {
    this.#backend = backend;
    this.#status = status;
    this.#servers = servers;
    this.addresses = addresses;
  }

  /** Opens the data and listens. Throws KvError, or the system's error when an address is taken. */
  static async start(settings: Settings, logger: Logger, events: BackendEvents): Promise<Gateway> {
    const open = settings.mode === 'cluster' ? openClusterBackend : openLocalBackend;
    const backend = await open(settings, logger, events);
    const idle = withoutEffect(settings.parameters);
    if (idle.length > 0) logger.warn({ parameters: idle }, 'these parameters have no effect here');
    const status = new StatusServer(() => backend.refusal());
    backend.describeMetrics(status);
    const files = [settings.peers, settings.etcd.tls];
    const servers: Closable[] = [watchTls({ env: systemEnv(), logger, files })];
    try {
      const addresses = await listen(settings, backend, status, servers, logger);
      return new Gateway(backend, status, servers, addresses);
    } catch (error) {
      for (const server of servers) await server.close();
      await backend.close();
      throw error;
    }
  }

  /** Accepts nobody any more, finishes what was begun, and brings everything to the disk. */
  async close(): Promise<void> {
    this.#status.sayEnding();
    for (const server of this.#servers) await server.close();
    await this.#backend.close();
  }
}

/** Those of Redis' parameters that were given a value of their own and mean nothing here. */
function withoutEffect(given: ReadonlyMap<string, string>): string[] {
  return parameters
    .filter(({ name, initial, isInert }) => isInert && (given.get(name) ?? initial) !== initial)
    .map(({ name }) => name);
}

/** What CONFIG GET and INFO say of where the server listens and keeps its data. */
function describeListening({ config }: Backend, settings: Settings, port: number): void {
  config.set('port', String(port));
  config.set('bind', settings.host);
  config.set('unixsocket', settings.unixSocket);
  config.set('dir', settings.directory);
}

/** Where it is served over TCP, or null. */
async function listenForRedis(
  settings: Settings,
  backend: Backend,
  exporter: RedisExporter,
  logger: Logger,
): Promise<string | null> {
  const { host, redisPort, unixSocket } = settings;
  const { config } = backend;
  const listening = (port: number, name: string): Promise<number> => exporter.listen(port, name);
  const address = redisPort >= 0 ? await listenOn(parseHosts(host), redisPort, listening) : null;
  if (unixSocket !== '') {
    await removeStaleSocket(unixSocket);
    await exporter.listenUnix(unixSocket);
    permitSocket(unixSocket, config.text('unixsocketperm'));
  }
  const place = { bind: host, port: address?.port ?? 0 };
  describeListening(backend, settings, place.port);
  // A gateway of a cluster is one of many, and has no state of its own: it is started anew instead.
  if (settings.mode === 'local') {
    const listened = new RedisListening(exporter, place, logger);
    config.changeBy(['port', 'bind'], (wanted) => listened.move(wanted));
  }
  return address === null ? null : addressText(address);
}

async function listen(
  settings: Settings,
  backend: Backend,
  status: StatusServer,
  servers: Closable[],
  logger: Logger,
): Promise<Addresses> {
  const { adminPort, redisPort, grpcPort, httpPort, unixSocket } = settings;
  const { coordinator, config } = backend;
  const env = systemEnv();
  const hosts = parseHosts(settings.host);
  let redis: string | null = null;
  if (redisPort >= 0 || unixSocket !== '') {
    const exporter = new RedisExporter({ coordinator, env, config });
    servers.push(exporter);
    redis = await listenForRedis(settings, backend, exporter, logger);
  }
  let grpc: string | null = null;
  if (grpcPort >= 0) {
    const exporter = new GrpcExporter({
      coordinator,
      env,
      config,
      isReady: () => backend.refusal() === null,
    });
    servers.push(exporter);
    grpc = addressText(await listenOn(hosts, grpcPort, (port, host) => exporter.listen(port, host)));
  }
  let http: string | null = null;
  if (httpPort >= 0) {
    servers.push(status);
    http = addressText(await listenOn(hosts, httpPort, (port, host) => status.listen(port, host)));
  }
  let adminAddress: string | null = null;
  if (adminPort >= 0 && backend.administration !== undefined) {
    const exporter = new AdminExporter({
      administration: backend.administration,
      env,
      credentials: peerServerCredentials(settings.peers),
    });
    servers.push(exporter);
    adminAddress = addressText(await listenOn(hosts, adminPort, (port, host) => exporter.listen(port, host)));
  }
  return { redis, unix: unixSocket === '' ? null : unixSocket, grpc, http, admin: adminAddress };
}
