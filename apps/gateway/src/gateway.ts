/** The server: one engine, every protocol, in this process. */
import { type KvError, systemEnv } from '@holdfast/common';
import { type LocalStack, openLocalStack } from '@holdfast/coord';
import { parameters } from '@holdfast/engine';
import { NodeDisk } from '@holdfast/log';
import { GrpcExporter, RedisExporter } from '@holdfast/protocol';
import type { Logger } from 'pino';
import { aclFileAt } from './acl-file.js';
import { addressText, listenOn, parseHosts } from './hosts.js';
import { HttpServer } from './http-server.js';
import type { Settings } from './settings.js';
import { permitSocket, removeStaleSocket } from './unix-socket.js';

/** Where the server listens: `host:port`, or null for what is off. */
export interface Addresses {
  readonly redis: string | null;
  readonly unix: string | null;
  readonly grpc: string | null;
  readonly http: string | null;
}

export interface GatewayEvents {
  /** SHUTDOWN was called, or the process can't go on: `error` says why. */
  readonly onEnd: (error: KvError | null) => void;
}

/** How the levels of scripts are called here. */
const logMethods = { debug: 'debug', verbose: 'debug', notice: 'info', warning: 'warn' } as const;

interface Closable {
  close(): Promise<void>;
}

export class Gateway {
  readonly addresses: Addresses;
  readonly #stack: LocalStack;
  /** In the order of their start. */
  readonly #servers: readonly Closable[];

  private constructor(stack: LocalStack, servers: readonly Closable[], addresses: Addresses) {
    this.#stack = stack;
    this.#servers = servers;
    this.addresses = addresses;
  }

  /** Opens the data and listens. Throws KvError, or the system's error when an address is taken. */
  static async start(settings: Settings, logger: Logger, events: GatewayEvents): Promise<Gateway> {
    const env = systemEnv();
    const stack = await openLocalStack({
      env,
      disk: new NodeDisk(),
      storage: settings.storage,
      log: settings.log,
      fsync: settings.fsync,
      directory: settings.directory,
      parameters: settings.parameters,
      aclFile: aclFileAt(settings.parameters.get('aclfile') ?? ''),
      users: settings.users,
      onFatal: (error) => events.onEnd(error),
      onShutdown: () => events.onEnd(null),
      onLog: (level, message) => logger[logMethods[level]](message),
      onError: (error) => logger.error({ err: error }, 'a background task failed'),
    });
    const idle = withoutEffect(settings.parameters);
    if (idle.length > 0) logger.warn({ parameters: idle }, 'these parameters have no effect here');
    if (stack.recovered !== null) logger.info({ ...stack.recovered }, 'recovered');
    const servers: Closable[] = [];
    try {
      const addresses = await listen(settings, stack, servers);
      return new Gateway(stack, servers, addresses);
    } catch (error) {
      for (const server of servers) await server.close();
      await stack.close();
      throw error;
    }
  }

  /** Accepts nobody any more, finishes what was begun, and brings everything to the disk. */
  async close(): Promise<void> {
    for (const server of this.#servers) await server.close();
    await this.#stack.close();
  }
}

/** Those of Redis' parameters that were given a value of their own and mean nothing here. */
function withoutEffect(given: ReadonlyMap<string, string>): string[] {
  return parameters
    .filter(({ name, initial, isInert }) => isInert && (given.get(name) ?? initial) !== initial)
    .map(({ name }) => name);
}

/** What CONFIG GET and INFO say of where the server listens and keeps its data. */
function describeListening({ config }: LocalStack, settings: Settings, port: number): void {
  config.set('port', String(port));
  config.set('bind', settings.host);
  config.set('unixsocket', settings.unixSocket);
  config.set('dir', settings.directory);
}

async function listen(settings: Settings, stack: LocalStack, servers: Closable[]): Promise<Addresses> {
  const { redisPort, grpcPort, httpPort, unixSocket } = settings;
  const { coordinator, config } = stack;
  const env = systemEnv();
  const hosts = parseHosts(settings.host);
  let redis: string | null = null;
  if (redisPort >= 0 || unixSocket !== '') {
    const exporter = new RedisExporter({ coordinator, env, config });
    servers.push(exporter);
    const listening = (port: number, host: string): Promise<number> => exporter.listen(port, host);
    const address = redisPort >= 0 ? await listenOn(hosts, redisPort, listening) : null;
    if (address !== null) redis = addressText(address);
    if (unixSocket !== '') {
      await removeStaleSocket(unixSocket);
      await exporter.listenUnix(unixSocket);
      permitSocket(unixSocket, config.text('unixsocketperm'));
    }
    describeListening(stack, settings, address?.port ?? 0);
  }
  let grpc: string | null = null;
  if (grpcPort >= 0) {
    const exporter = new GrpcExporter({ coordinator, env, config });
    servers.push(exporter);
    grpc = addressText(await listenOn(hosts, grpcPort, (port, host) => exporter.listen(port, host)));
  }
  let http: string | null = null;
  if (httpPort >= 0) {
    const server = new HttpServer(stack);
    servers.push(server);
    http = addressText(await listenOn(hosts, httpPort, (port, host) => server.listen(port, host)));
  }
  return { redis, unix: unixSocket === '' ? null : unixSocket, grpc, http };
}
