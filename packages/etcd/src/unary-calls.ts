/**
 * gRPC's unary calls to one member, over one connection of HTTP/2:
 *
 *     request    HEADERS :path, token      DATA  u8 0, u32 length, message
 *     response   HEADERS :status           DATA  u8 0, u32 length, message      HEADERS grpc-status, grpc-message
 *
 * A write waits for such a call, and few of them come in a second: so most of what it takes is code that the engine has
 * not compiled, of which grpc-js has a lot. At 300 transactions a second one takes 1.5 ms of CPU here in the first seconds
 * and 0.76 then; by grpc-js 3.2 and 1.4. A call without a status is UNAVAILABLE, whatever the reason.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { status } from '@grpc/grpc-js';
import type { Timers } from '@holdfast/common';
import { flowWindowBytes, messageBytesMax } from '@holdfast/rpc';
import { CallError } from './etcd-error.js';
import { pingTimeoutMs } from './limits.js';

/** As for `tls.connect`. */
export interface ConnectOptions {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export interface UnaryCallsOptions {
  /** `http://host:port`, or `https:`. */
  readonly url: string;
  /** Asked for each connection. */
  readonly tls: () => ConnectOptions;
  readonly timers: Timers;
}

const prefixBytes = 5;

export class UnaryCalls {
  readonly #options: UnaryCallsOptions;
  /** The one for what comes next. */
  #session: ClientHttp2Session | null = null;
  /** Of each connection, how many calls are under way: it keeps the process alive as long as there are any. */
  readonly #underWay = new Map<ClientHttp2Session, number>();

  constructor(options: UnaryCallsOptions) {
    this.#options = options;
  }

  /** Resolves with the message of the response, a view. Rejects with CallError. */
  call(path: string, message: Uint8Array, token: string | null, timeoutMs: number): Promise<Buffer> {
    const { timers } = this.#options;
    return new Promise((resolve, reject) => {
      const session = this.#connected();
      this.#count(session, 1);
      const stream = session.request(headersOf(path, token));
      const response = new UnaryResponse(stream, (outcome) => {
        timers.clearTimeout(timer);
        this.#count(session, -1);
        if (outcome instanceof CallError) reject(outcome);
        else resolve(outcome);
      });
      // Not gRPC's own deadline: that goes by the wall clock, which may jump.
      const timer = timers.setTimeout(() => {
        response.fail(status.CANCELLED, `no answer within ${timeoutMs} ms`);
        this.#doubt(session);
      }, timeoutMs);
      stream.end(framed(message));
    });
  }

  /**
   * Ends the connections, and what is under way with them, once the input that is being handled is behind us: who has just
   * got an answer is called from within nghttp2. If a session is destroyed there and a second call is under way, Node 20
   * sends what resets the first one while it resets the second one. That frees the stream with which nghttp2 goes on
   * then: it writes into memory that is somebody else's by now. Later versions of Node put resets off until they have read.
   */
  close(): void {
    const sessions = [...this.#underWay.keys()];
    this.#session = null;
    this.#options.timers.setImmediate(() => {
      for (const session of sessions) session.destroy();
    });
  }

  #count(session: ClientHttp2Session, change: number): void {
    const before = this.#underWay.get(session);
    if (before === undefined) return;
    this.#underWay.set(session, before + change);
    if (before === 0) session.ref();
    else if (before + change === 0) session.unref();
  }

  #connected(): ClientHttp2Session {
    const known = this.#session;
    if (known !== null && !known.closed && !known.destroyed) return known;
    const { tls, url } = this.#options;
    const session = connect(url, {
      ...tls(),
      settings: { initialWindowSize: flowWindowBytes, enablePush: false },
      // Node ends calls beyond 10 MB: what is under way is for whoever calls to limit.
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
    });
    session.once('connect', () => {
      // It says so, too, when it was destroyed in that very moment.
      if (!session.destroyed) session.setLocalWindowSize(flowWindowBytes);
    });
    // Every call hears of it.
    session.on('error', () => {});
    session.once('close', () => this.#underWay.delete(session));
    this.#session = session;
    this.#underWay.set(session, 0);
    return session;
  }

  /** A call was not answered: the connection is given up unless the other side shows that it is there. */
  #doubt(session: ClientHttp2Session): void {
    if (this.#session !== session || session.destroyed) return;
    if (session.connecting) return session.destroy();
    this.#session = null;
    const timer = this.#options.timers.setTimeout(() => session.destroy(), pingTimeoutMs);
    session.ping((error) => {
      this.#options.timers.clearTimeout(timer);
      if (error === null && this.#session === null) this.#session = session;
      else session.close();
    });
  }
}

/** One response, of which the end is told once. */
class UnaryResponse {
  readonly #stream: ClientHttp2Stream;
  readonly #onEnd: (outcome: Buffer | CallError) => void;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #hasStatus = false;
  #isRead = false;
  #isOver = false;
  #cause = 'the connection was closed';

  constructor(stream: ClientHttp2Stream, onEnd: (outcome: Buffer | CallError) => void) {
    this.#stream = stream;
    this.#onEnd = onEnd;
    stream.on('response', (headers) => this.#begin(headers));
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('trailers', (headers) => this.#conclude(headers));
    stream.on('end', () => {
      this.#isRead = true;
      this.#finish();
    });
    stream.on('error', (error) => {
      this.#cause = reasonOf(error);
    });
    stream.on('close', () => this.fail(status.UNAVAILABLE, this.#cause));
  }

  fail(code: status, message: string): void {
    if (this.#isOver) return;
    this.#end(new CallError(code, message));
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #begin(headers: Headers): void {
    if (headers['grpc-status'] !== undefined) this.#conclude(headers);
    else if (headers[':status'] !== 200) this.fail(status.UNAVAILABLE, `HTTP status ${headers[':status']}`);
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes <= prefixBytes + messageBytesMax) return;
    this.fail(status.RESOURCE_EXHAUSTED, `a response of more than ${messageBytesMax} bytes`);
  }

  /** The status has come, which may be ahead of the last bytes of the message. */
  #conclude(headers: Headers): void {
    const code = Number(headers['grpc-status']);
    this.#hasStatus = true;
    if (code === status.OK) this.#finish();
    else this.fail(code, decoded(String(headers['grpc-message'] ?? '')));
  }

  #finish(): void {
    if (!this.#hasStatus || !this.#isRead || this.#isOver) return;
    const bytes = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    const isWhole = bytes.length >= prefixBytes && bytes.length - prefixBytes === bytes.readUInt32BE(1);
    if (isWhole && bytes[0] === 0) this.#end(bytes.subarray(prefixBytes));
    else this.fail(status.INTERNAL, 'the response is not one message, or compressed');
  }

  #end(outcome: Buffer | CallError): void {
    this.#isOver = true;
    this.#onEnd(outcome);
  }
}

/** Of a connection that could not be made Node says that the stream was cancelled: the reason lies below. */
function reasonOf({ cause, message }: Error): string {
  // A name with several addresses, none of which answers.
  const below = cause instanceof AggregateError ? cause.errors.at(-1) : cause;
  return below instanceof Error && below.message !== '' ? below.message : message;
}

type Headers = Readonly<Record<string, string | string[] | number | undefined>>;

function headersOf(path: string, token: string | null): Record<string, string> {
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  return token === null ? headers : { ...headers, token };
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  return frame;
}

/** gRPC has what is not ASCII in a message as %XX. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
