/** A connection to a server that speaks Redis' protocol: pipelined commands, and the stream of SYNC. */
import { connect, type Socket } from 'node:net';
import { KvError } from '@holdfast/common';
import RedisParser from 'redis-parser';
import type { ServerAddress } from '../arguments.js';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class ServerConnection {
  readonly #socket: Socket;
  readonly #name: string;
  readonly #waiting: Waiting[] = [];
  readonly #parser: RedisParser;
  #failure: KvError | null = null;

  /** Throws KvError UNAVAILABLE; INVALID when the password is wrong. */
  static async open(address: ServerAddress, user: string, password: string): Promise<ServerConnection> {
    const name = `${address.host}:${address.port}`;
    const socket = connect({ ...address, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (cause) =>
        reject(new KvError('UNAVAILABLE', `${name} can't be reached: ${cause.message}`, { cause })),
      );
    });
    const connection = new ServerConnection(socket, name);
    if (password !== '') await connection.call(user === '' ? ['AUTH', password] : ['AUTH', user, password]);
    return connection;
  }

  private constructor(socket: Socket, name: string) {
    this.#socket = socket;
    this.#name = name;
    this.#parser = new RedisParser({
      returnBuffers: false,
      returnReply: (reply: unknown) => this.#waiting.shift()?.resolve(reply),
      returnError: (error: Error) =>
        this.#waiting.shift()?.reject(new KvError('INVALID', `${name}: ${error.message}`)),
      returnFatalError: (error: Error) => this.#fail(error.message),
    });
    socket.on('data', (bytes: Buffer) => this.#parser.execute(bytes));
    socket.on('error', (error) => this.#fail(error.message));
    socket.on('close', () => this.#fail('the connection was closed'));
  }

  /** Rejects with KvError INVALID for an error reply, UNAVAILABLE when there is none any more. */
  call(args: readonly (string | Uint8Array)[]): Promise<unknown> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    this.#socket.write(encode(args));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** From now on the connection is a stream: its bytes, for whoever sends a last command. */
  stream(args: readonly string[]): AsyncIterable<Buffer> {
    this.#socket.removeAllListeners('data');
    this.#socket.write(encode(args));
    return this.#socket;
  }

  close(): void {
    this.#socket.destroy();
  }

  #fail(reason: string): void {
    this.#failure ??= new KvError('UNAVAILABLE', `${this.#name}: ${reason}`);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}

function encode(args: readonly (string | Uint8Array)[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = typeof arg === 'string' ? Buffer.from(arg) : arg;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}
