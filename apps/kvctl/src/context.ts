/** What every command is given. */
import type { Env } from '@holdfast/common';
import { AdminClient, peerCredentials } from '@holdfast/rpc';
import type { Command } from 'commander';
import { type AccessOptions, accessOf, peersOf } from './access.js';
import { parseAddress } from './arguments.js';
import { Cluster } from './cluster.js';
import { Output, type Streams } from './output.js';

export interface Machine {
  readonly env: Env;
  readonly streams: Streams;
}

export class Context {
  readonly env: Env;
  readonly output: Output;
  readonly options: AccessOptions;
  /** How the process ends when nothing is thrown: see `exit-codes.ts`. */
  exitCode = 0;

  constructor({ env, streams }: Machine, options: AccessOptions) {
    this.env = env;
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
    return Cluster.open(accessOf(this.options), this.env);
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
