/** What every command is given. */
import type { Env } from '@holdfast/common';
import { AdminClient, peerCredentials } from '@holdfast/rpc';
import type { Command } from 'commander';
import { type AccessOptions, accessOf, peersOf } from './access.js';
import { parseAddress } from './arguments.js';
import { Cluster } from './cluster.js';
import type { Interruption, Signals } from './interruption.js';
import { Output, type Streams } from './output.js';
import { Progress } from './progress.js';
import { ServerConnection } from './transfer/server-connection.js';

export interface Machine {
  readonly env: Env;
  readonly streams: Streams;
  readonly signals: Signals;
}

export class Context {
  readonly env: Env;
  readonly output: Output;
  readonly options: AccessOptions;
  readonly interruption: Interruption;
  /** How the process ends when nothing is thrown: see `exit-codes.ts`. */
  exitCode = 0;

  constructor({ env, streams }: Machine, interruption: Interruption, options: AccessOptions) {
    this.env = env;
    this.interruption = interruption;
    this.options = options;
    this.output = new Output(streams, options.json ?? false);
  }

  /** The administration of one process. Throws UsageError, KvError INVALID when the certificates can't be used. */
  admin(address: string): AdminClient {
    parseAddress(address);
    return new AdminClient({ address, env: this.env, credentials: peerCredentials(peersOf(this.options)) });
  }

  /** The caller closes it. */
  openCluster(): Promise<Cluster> {
    return this.interruption.race(Cluster.open(accessOf(this.options), this.env));
  }

  /** A server that speaks Redis' protocol, host:port. The caller closes it. Throws as `ServerConnection.open`. */
  async connect(address: string, user: string, password: string): Promise<ServerConnection> {
    const opening = ServerConnection.open(parseAddress(address), user, password);
    return this.interruption.closing(await this.interruption.race(opening));
  }

  progress(): Progress {
    return new Progress(this.output, this.env.clock, this.interruption);
  }

  /** Runs `use` with the cluster, and lets it go afterwards. */
  async withCluster<T>(use: (cluster: Cluster) => Promise<T>): Promise<T> {
    const cluster = await this.openCluster();
    try {
      return await use(cluster);
    } finally {
      cluster.close();
    }
  }
}

/** Adds one command, or a group of them, to the program. `action` wraps what a command does. */
export type Commands = (program: Command, action: Action) => void;

/** `run` with its arguments and its own options, in a context made of the options of all commands. */
export type Action = (
  run: (context: Context, options: Record<string, unknown>, ...args: string[]) => Promise<void>,
) => (...given: unknown[]) => Promise<void>;
