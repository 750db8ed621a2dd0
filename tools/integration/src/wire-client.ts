/** A client of a plain socket: requests out, replies in the order they come, types kept. */
import { connect, type Socket } from 'node:net';
import { encodeRequest, ReplyReader, type RespArgument, type WireReply } from '@holdfast/protocol/testing';

export type Address = { readonly host: string; readonly port: number } | { readonly path: string };

interface Waiting {
  /** Whether it has all that it waits for. */
  take(reply: WireReply): boolean;
  reject(error: Error): void;
}

export class WireClient {
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  /** Messages that no request asked for. */
  readonly pushes: WireReply[] = [];
  readonly #socket: Socket;
  readonly #reader = new ReplyReader();
  readonly #waiting: Waiting[] = [];
  #isClosed = false;

  private constructor(socket: Socket, hear?: (message: WireReply) => void) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      for (const reply of this.#reader.push(bytes)) {
        if (hear !== undefined) hear(reply);
        else if (reply.type === '>') this.pushes.push(reply);
        else if (this.#waiting[0]?.take(reply)) this.#waiting.shift();
      }
    });
    socket.on('error', () => {});
    // The server takes nothing more: what is sent from now on would not be answered.
    socket.once('end', () => {
      this.#isClosed = true;
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        for (const waiting of this.#waiting.splice(0)) waiting.reject(new Error('the connection was closed'));
        resolve();
      });
    });
  }

  /** With `hear` all that comes goes there, replies as well. */
  static connect(address: Address, hear?: (message: WireReply) => void): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(address);
      socket.setNoDelay(true);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new WireClient(socket, hear));
      });
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends a request; rejects when the connection is closed before its reply. */
  call(...args: RespArgument[]): Promise<WireReply> {
    return this.pipeline([args])[0];
  }

  /** Sends requests in one write; a promise for each. */
  pipeline(requests: readonly (readonly RespArgument[])[]): Promise<WireReply>[] {
    const replies = requests.map(() => this.#nextReplies(1).then(([reply]) => reply));
    for (const reply of replies) reply.catch(() => {});
    if (!this.#isClosed) this.#socket.write(Buffer.concat(requests.map(encodeRequest)));
    return replies;
  }

  /** Sends requests as they are on the wire; resolves with the replies to all of them. */
  exchange(bytes: Buffer, count: number): Promise<WireReply[]> {
    const replies = this.#nextReplies(count);
    if (!this.#isClosed) this.#socket.write(bytes);
    return replies;
  }

  /** Sends bytes as they are; what comes back is not waited for. */
  write(bytes: Buffer): void {
    if (!this.#isClosed) this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.destroy();
  }

  #nextReplies(count: number): Promise<WireReply[]> {
    const replies = new Promise<WireReply[]>((resolve, reject) => {
      if (this.#isClosed) {
        reject(new Error('the connection was closed'));
        return;
      }
      const taken: WireReply[] = [];
      const take = (reply: WireReply): boolean => {
        taken.push(reply);
        if (taken.length === count) resolve(taken);
        return taken.length === count;
      };
      this.#waiting.push({ take, reject });
    });
    // Whoever looks at them later sees the rejection; nobody has to.
    replies.catch(() => {});
    return replies;
  }
}
