/** A server that is running, ours or another: commands are sent ahead of their replies, and the first error ends it. */
import { KvError } from '@holdfast/common';
import { describe } from './directory-target.js';
import type { ServerConnection } from './server-connection.js';
import type { Step } from './step.js';
import type { Target } from './target.js';

/** Commands, and bytes of them, that may be under way. */
const pendingMax = 512;
const pendingBytesMax = 8 * 1024 * 1024;

export class ServerTarget implements Target {
  readonly #connection: ServerConnection;
  #database = 0;
  #pending = 0;
  #pendingBytes = 0;
  #done = 0;
  #failure: KvError | null = null;
  #wake: (() => void) | null = null;

  constructor(connection: ServerConnection) {
    this.#connection = connection;
  }

  async run({ args, database }: Step): Promise<void> {
    if (database >= 0 && database !== this.#database) {
      this.#database = database;
      this.#send(['SELECT', String(database)]);
    }
    this.#send(args);
    while (this.#pending > pendingMax || this.#pendingBytes > pendingBytesMax) await this.#settled();
    this.#check();
  }

  async finish(): Promise<void> {
    while (this.#pending > 0) await this.#settled();
    this.#connection.close();
    this.#check();
  }

  async abandon(): Promise<void> {
    this.#connection.close();
  }

  #send(args: Step['args']): void {
    const bytes = args.reduce((sum, arg) => sum + arg.length, 0);
    this.#pending++;
    this.#pendingBytes += bytes;
    this.#connection
      .call(args)
      .then((reply) => {
        this.#done++;
        const error = Array.isArray(reply) ? reply.find((each) => each instanceof Error) : undefined;
        if (error !== undefined) throw error;
      })
      .catch((error: Error) => {
        this.#failure ??= new KvError(
          error instanceof KvError ? error.code : 'INVALID',
          `${describe(args)}: ${error.message}; ${this.#done} commands were done before`,
        );
      })
      .finally(() => {
        this.#pending--;
        this.#pendingBytes -= bytes;
        this.#wake?.();
      });
  }

  #settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}
