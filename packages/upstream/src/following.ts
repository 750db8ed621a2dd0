/**
 * One server that is followed: connects, asks for what is missing, takes it, and begins again when the link breaks.
 *
 *     AUTH, PING, REPLCONF ... -> PSYNC id offset -> +FULLRESYNC id offset, an RDB file, writes ...
 *                                                 -> +CONTINUE, writes ...
 *
 * A command counts by its bytes: the sum of all is the offset, which both sides know.
 */
import { connect, type Socket } from 'node:net';
import { type Env, KvError, type Timer, valueBytesMax } from '@holdfast/common';
import type { Turns } from '@holdfast/coord';
import type { Config, UpstreamState, UpstreamStatus } from '@holdfast/engine';
import { needMore, RequestDecoder } from '@holdfast/protocol';
import { type RdbFileItem, RdbFileReader } from '@holdfast/storage';
import { Applier, type RefusingCoordinator } from './applier.js';
import { ByteSource } from './byte-source.js';

/** How long to wait before a link that broke is tried again, in ms. */
const retryDelayMs = 1000;
/** How often upstream is told how far we are, in ms. */
const acknowledgeMs = 1000;
const endMarkBytes = 40;

export interface FollowingOptions {
  readonly coordinator: RefusingCoordinator;
  readonly config: Config;
  readonly env: Env;
  readonly onLog: (level: 'notice' | 'warning', message: string) => void;
}

export class Following implements UpstreamStatus {
  readonly host: string;
  readonly port: number;
  readonly applier: Applier;
  state: UpstreamState = 'connect';
  offset = -1;
  lastHeardMs = 0;
  loadedBytes = 0;
  loadingBytes = 0;
  problem = '';
  readonly #options: FollowingOptions;
  /** The history that `offset` counts in; `?` while there is none. */
  #history = '?';
  #socket: Socket | null = null;
  #timer: Timer | null = null;
  #isEnded = false;

  constructor(host: string, port: number, turns: Turns, options: FollowingOptions) {
    this.host = host;
    this.port = port;
    this.#options = options;
    const { coordinator, env, onLog } = options;
    this.applier = new Applier({
      coordinator,
      turns,
      timers: env.timers,
      address: `${host}:${port}`,
      onRefusal: (refusal) => onLog('warning', `upstream ${host}:${port}: waits for the disk: ${refusal}`),
    });
  }

  /** Follows until `end`. */
  begin(): void {
    void this.#follow();
  }

  end(): void {
    this.#isEnded = true;
    this.#stopTimer();
    this.#socket?.destroy();
    this.applier.end();
  }

  async #follow(): Promise<void> {
    try {
      await this.#once();
    } catch (error) {
      if (this.#isEnded) return;
      this.#stopTimer();
      this.#socket?.destroy();
      this.problem = (error as Error).message;
      const isFinal = error instanceof Refused;
      this.state = isFinal ? 'stopped' : 'connect';
      this.#options.onLog('warning', `upstream ${this.host}:${this.port}: ${this.problem}`);
      if (!isFinal) this.#timer = this.#options.env.timers.setTimeout(() => this.begin(), retryDelayMs);
    }
  }

  async #once(): Promise<void> {
    const { config, env, onLog } = this.#options;
    this.state = 'connecting';
    const socket = connect({ host: this.host, port: this.port, noDelay: true });
    this.#socket = socket;
    socket.setTimeout(config.number('repl-timeout') * 1000, () =>
      socket.destroy(new KvError('UNAVAILABLE', 'nothing was heard for too long')),
    );
    const source = new ByteSource(socket, () => {
      this.lastHeardMs = env.clock.now();
    });
    const answer = await this.#introduce(source);
    if (answer.startsWith('+FULLRESYNC ')) {
      const [, history, offset] = answer.split(' ');
      onLog('notice', `upstream ${this.host}:${this.port}: takes everything, history ${history}`);
      await this.#load(source);
      this.#history = history;
      this.offset = Number(offset);
    } else if (answer.startsWith('+CONTINUE')) {
      this.#history = answer.split(' ')[1] ?? this.#history;
      onLog('notice', `upstream ${this.host}:${this.port}: goes on from ${this.offset}`);
    } else {
      throw new KvError('UNAVAILABLE', answer);
    }
    this.state = 'connected';
    this.problem = '';
    this.#acknowledge();
    await this.#stream(source);
  }

  /** Says who we are and how far; what upstream says to that. */
  async #introduce(source: ByteSource): Promise<string> {
    const { config } = this.#options;
    const user = config.text('masteruser');
    const password = config.text('masterauth');
    if (password !== '') await this.#ask(source, 'AUTH', ...(user === '' ? [] : [user]), password);
    await this.#ask(source, 'PING');
    await this.#ask(source, 'REPLCONF', 'listening-port', config.text('port'));
    await this.#ask(source, 'REPLCONF', 'capa', 'eof', 'capa', 'psync2');
    const from = this.#history === '?' ? -1 : this.offset + 1;
    this.#send('PSYNC', this.#history, String(from));
    return source.line();
  }

  async #ask(source: ByteSource, ...args: string[]): Promise<void> {
    this.#send(...args);
    const answer = await source.line();
    if (answer.startsWith('-')) throw new KvError('UNAVAILABLE', `${args[0]}: ${answer.slice(1)}`);
  }

  #send(...args: string[]): void {
    const frame = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('');
    this.#socket?.write(`*${args.length}\r\n${frame}`);
  }

  // Everything

  /** Replaces the data by those of the file that comes. */
  async #load(source: ByteSource): Promise<void> {
    const head = await source.line();
    if (!head.startsWith('$')) throw new KvError('UNAVAILABLE', head);
    const hasMark = head.startsWith('$EOF:');
    // From here on what we have is part of no history.
    this.#history = '?';
    this.state = 'sync';
    this.loadedBytes = 0;
    this.loadingBytes = hasMark ? 0 : Number(head.slice(1));
    await this.applier.abandon();
    await this.applier.run('FLUSHALL');
    await this.applier.run('FUNCTION', 'FLUSH');
    const reader = new RdbFileReader();
    while (!reader.isEnded) {
      const piece = await source.piece();
      const more = hasMark ? piece.length : Math.min(piece.length, this.loadingBytes - this.loadedBytes);
      if (more === 0) throw new KvError('UNAVAILABLE', 'the file ended too early');
      if (more < piece.length) source.unread(piece.subarray(more));
      this.loadedBytes += more;
      reader.push(piece.subarray(0, more));
      for (let item = refusing(() => reader.next()); item !== null; item = refusing(() => reader.next())) {
        await this.#take(item);
      }
    }
    if (!hasMark) return;
    source.unread(reader.rest);
    await this.#passMark(source);
  }

  async #passMark(source: ByteSource): Promise<void> {
    for (let left = endMarkBytes; left > 0; ) {
      const piece = await source.piece();
      const count = Math.min(left, piece.length);
      left -= count;
      if (count < piece.length) source.unread(piece.subarray(count));
    }
  }

  async #take(item: RdbFileItem): Promise<void> {
    if (item.kind === 'field') return;
    try {
      if (item.kind === 'library') {
        await this.applier.run('FUNCTION', 'LOAD', 'REPLACE', Buffer.from(item.code, 'latin1'));
        return;
      }
      const { database, expiryMs, name, payload } = item;
      await this.applier.select(database);
      await this.applier.run('RESTORE', name, String(expiryMs ?? 0), payload, 'REPLACE', 'ABSTTL');
    } catch (error) {
      throw refusedBy(error);
    }
  }

  // Writes

  async #stream(source: ByteSource): Promise<void> {
    const decoder = new RequestDecoder(valueBytesMax);
    let bytes: Buffer = Buffer.alloc(0);
    for (;;) {
      bytes = await moreOf(source, bytes, decoder.missingBytes);
      let at = 0;
      while (at < bytes.length) {
        const next = decoder.decode(bytes, at, bytes.length);
        if (next === needMore) break;
        if (next < 0) throw new KvError('UNAVAILABLE', decoder.error);
        await this.#write(decoder, next - at);
        at = next;
      }
      decoder.rebase(at);
      bytes = bytes.subarray(at);
    }
  }

  async #write({ request }: RequestDecoder, length: number): Promise<void> {
    if (request.count > 0 && request.is(0, 'REPLCONF')) {
      this.offset += length;
      if (request.count > 1 && request.is(1, 'GETACK')) this.#sendOffset();
      return;
    }
    try {
      const waits = request.count === 0 ? null : this.applier.apply(request);
      if (waits !== null) await waits;
    } catch (error) {
      throw refusedBy(error);
    }
    this.offset += length;
  }

  #acknowledge(): void {
    this.#sendOffset();
    this.#timer = this.#options.env.timers.setTimeout(() => this.#acknowledge(), acknowledgeMs);
  }

  #sendOffset(): void {
    this.#send('REPLCONF', 'ACK', String(this.offset));
  }

  #stopTimer(): void {
    if (this.#timer !== null) this.#options.env.timers.clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** What came from upstream is not taken here: asking for it again would not help. */
class Refused extends KvError {}

/** An error that an operator has to look at ends following; others are those of a link that breaks. */
function refusedBy(error: unknown): unknown {
  if (!(error instanceof KvError) || error.code === 'CLOSED') return error;
  return new Refused(error.code, error.message);
}

function refusing<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw refusedBy(error);
  }
}

/** `bytes` and what comes next, at least `missing` bytes of it. */
async function moreOf(source: ByteSource, bytes: Buffer, missing: number): Promise<Buffer> {
  const pieces = [bytes];
  let arrived = 0;
  do {
    const piece = await source.piece();
    pieces.push(piece);
    arrived += piece.length;
  } while (arrived < missing);
  return bytes.length === 0 && pieces.length === 2 ? pieces[1] : Buffer.concat(pieces);
}
