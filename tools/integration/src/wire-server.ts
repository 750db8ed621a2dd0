/**
 * A whole server in this process, from bytes to bytes, on virtual time: decoder, coordinator, engine,
 * storage, encoder. What it writes is applied to a replica, as recovery would.
 */
import type { SimulatedEnv } from '@holdfast/common/testing';
import { outcomes, type Session, type SessionSink } from '@holdfast/coord';
import { LocalServer } from '@holdfast/coord/testing';
import {
  BufferPool,
  encodeRequest,
  malformed,
  needMore,
  ReplyReader,
  RequestDecoder,
  type RespArgument,
  RespReply,
  type WireReply,
} from '@holdfast/protocol/testing';
import { MutationWriter } from '@holdfast/storage';

const pool = new BufferPool();

export class WireSession implements SessionSink {
  readonly reply = new RespReply(pool);
  readonly inputBytes = 0;
  session!: Session;
  isClosed = false;
  readonly #server: LocalServer;
  readonly #decoder = new RequestDecoder(512 * 1024 * 1024);
  readonly #reader = new ReplyReader();

  constructor(server: LocalServer, dialect: 2 | 3) {
    this.#server = server;
    const options = { protocol: 'redis', address: '127.0.0.1:1', localAddress: '127.0.0.1:6379' };
    this.session = server.coordinator.open(this, options)!;
    this.session.dialect = dialect;
    this.reply.dialect = dialect;
  }

  /** Runs one request; its replies (none when it blocks or is quiet, several for subscriptions). */
  run(args: readonly RespArgument[]): WireReply[] {
    const bytes = encodeRequest(args);
    const { coordinator } = this.#server;
    const next = this.#decoder.decode(bytes, 0, bytes.length);
    if (next === malformed || next === needMore) throw new Error(`not decoded: ${this.#decoder.error}`);
    coordinator.beginTurn();
    const outcome = coordinator.coordinate(this.session, this.#decoder.request, this.reply);
    this.reply.dialect = this.session.dialect;
    coordinator.settle();
    if (outcome === outcomes.close) this.close();
    return this.take();
  }

  /** What was sent meanwhile; throws when it is not RESP. */
  take(): WireReply[] {
    const sent = Buffer.from(this.reply.bytes.subarray(0, this.reply.length));
    this.reply.consume(this.reply.length, false);
    const replies = this.#reader.push(sent);
    if (this.#reader.pendingBytes > 0)
      throw new Error(`half a reply: ${JSON.stringify(sent.toString('latin1'))}`);
    return replies;
  }

  get outputBytes(): number {
    return this.reply.length;
  }

  wake(): void {}
  resume(): void {}

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#server.coordinator.close(this.session);
  }
}

export class ReplicatedServer {
  readonly main: LocalServer;
  readonly replica: LocalServer;
  readonly #journal = new MutationWriter();
  #position = 0;

  constructor(seed: number) {
    this.main = new LocalServer(seed);
    this.replica = new LocalServer(seed + 1);
    this.main.storage.journal = this.#journal;
    // A replica removes nothing by itself: it is told of what expired as of any other write.
    this.replica.kv.expiry.isActive = false;
  }

  get env(): SimulatedEnv {
    return this.main.env;
  }

  /** Time goes on for both. */
  advance(ms: number): void {
    this.main.env.advance(ms);
    this.replica.env.advance(ms);
  }

  /** Brings the replica up to date. */
  replicate(): void {
    const journal = this.#journal;
    if (journal.length === 0) return;
    this.replica.storage.apply(Buffer.from(journal.bytes.subarray(0, journal.length)), ++this.#position);
    journal.clear();
  }
}
