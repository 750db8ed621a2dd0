/**
 * A server within the process that asks for it, as tests do: Redis on a free port of this machine, everything in
 * memory, and nothing that is read from the environment or left on a disk. Loads no gRPC.
 *
 * For data that must last, run the program: only a process that can end itself may promise that.
 */
import { systemEnv } from '@holdfast/common';
import { type LocalStack, openLocalStack } from '@holdfast/coord/local';
import { RedisExporter } from '@holdfast/protocol/resp';
import { addressText } from './hosts.js';

export interface ServerOptions {
  /** Without it, or 0, a free one. */
  readonly port?: number;
  /** Address to listen on; 127.0.0.1. */
  readonly host?: string;
  /** Values of the server's parameters, by Redis' names: `maxmemory`, `requirepass`, ... */
  readonly parameters?: ReadonlyMap<string, string>;
}

export interface Server {
  readonly host: string;
  readonly port: number;
  /** `redis://127.0.0.1:41723`, for any client. */
  readonly url: string;
  /** Ends all connections and lets the data go, as does SHUTDOWN. Until then the server keeps the process. */
  close(): Promise<void>;
  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Throws KvError INVALID for a parameter, or the system's error when it can't listen there. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const { port = 0, host = '127.0.0.1', parameters = new Map() } = options;
  const env = systemEnv();
  let onShutdown = (): void => {};
  const stack = await openLocalStack({
    env,
    storage: 'memory',
    log: 'none',
    fsync: 'no',
    parameters,
    onShutdown: () => onShutdown(),
  });
  const { coordinator, config } = stack;
  const exporter = new RedisExporter({ coordinator, env, config });
  try {
    const server = new InProcessServer(stack, exporter, { host, port: await exporter.listen(port, host) });
    onShutdown = () => void server.close();
    return server;
  } catch (error) {
    await exporter.close();
    await stack.close();
    throw error;
  }
}

class InProcessServer implements Server {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  readonly #stack: LocalStack;
  readonly #exporter: RedisExporter;
  #closing: Promise<void> | null = null;

  constructor(stack: LocalStack, exporter: RedisExporter, place: { host: string; port: number }) {
    this.#stack = stack;
    this.#exporter = exporter;
    this.host = place.host;
    this.port = place.port;
    this.url = `redis://${addressText(place)}`;
    stack.config.set('bind', place.host);
    stack.config.set('port', String(place.port));
  }

  close(): Promise<void> {
    this.#closing ??= this.#exporter.close().then(() => this.#stack.close());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
