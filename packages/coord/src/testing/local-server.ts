/**
 * A whole local server without sockets, on virtual time: for tests of commands and of what the
 * coordinator does around them.
 */
import assert from 'node:assert/strict';
import {
  DoubleReply,
  ErrorReply,
  MapReply,
  type ReplyValue,
  Request,
  SetReply,
  StatusReply,
  ValueReply,
} from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { type AclFile, Config, KV, parameters, type Session, type SessionSink } from '@holdfast/engine';
import { MemoryStorage, type Storage } from '@holdfast/storage';
import { outcomes } from '../coordinator.js';
import { LocalCoordinator } from '../local-coordinator.js';
import type { LocalCoordinatorOptions } from '../local-coordinator-options.js';

/** A reply in the plainest form: bulks and statuses as byte strings, errors as `Error`. */
export type Plain = null | boolean | number | bigint | string | Error | Plain[] | { [key: string]: Plain };

export class TestClient implements SessionSink {
  readonly reply: ValueReply;
  readonly outputBytes = 0;
  inputBytes = 0;
  session!: Session;
  isClosed = false;
  readonly #server: LocalServer;

  constructor(server: LocalServer, dialect: 2 | 3) {
    this.#server = server;
    this.reply = new ValueReply(dialect);
  }

  /** Runs a command; its reply in plain form, or undefined when it blocks: see `take`. */
  run(...args: (string | number | Uint8Array)[]): Plain | undefined {
    return this.ask(args.map((arg) => (typeof arg === 'number' ? String(arg) : arg)));
  }

  /** As `run`, with more arguments than a call can have. */
  ask(args: readonly (string | Uint8Array)[]): Plain | undefined {
    const { coordinator } = this.#server;
    coordinator.beginTurn();
    const request = new Request().assign(args);
    const outcome = coordinator.coordinate(this.session, request, this.reply);
    coordinator.settle();
    if (outcome === outcomes.close) this.isClosed = true;
    this.reply.dialect = this.session.dialect;
    return outcome === outcomes.pending ? undefined : this.take();
  }

  /** As `run`, with the words of a line: no quoting. */
  line(line: string): Plain | undefined {
    return this.run(...line.split(' '));
  }

  /** Runs lines, each of which must have this reply: throws at the first that has another one. */
  expectReplies(lines: readonly (readonly [line: string, reply: Plain | undefined])[]): void {
    for (const [line, reply] of lines) assert.deepStrictEqual([line, this.line(line)], [line, reply]);
  }

  /** The next reply or message that arrived; undefined when there is none. */
  take(): Plain | undefined {
    const value = this.reply.take();
    return value === undefined ? undefined : plainOf(value);
  }

  wake(): void {}
  resume(): void {}

  close(): void {
    this.isClosed = true;
    this.#server.coordinator.close(this.session);
  }
}

export interface LocalServerSettings {
  readonly aclFile?: AclFile | null;
  /** Parameters given at the start. */
  readonly settings?: Readonly<Record<string, string>>;
}

export class LocalServer {
  readonly env: SimulatedEnv;
  readonly storage: Storage;
  readonly kv: KV;
  readonly coordinator: LocalCoordinator;
  #clients = 0;

  constructor(
    seed = 1,
    storage?: Storage,
    around: Pick<LocalCoordinatorOptions, 'committer' | 'snapshots' | 'onShutdown'> = {},
    { aclFile = null, settings = {} }: LocalServerSettings = {},
  ) {
    this.env = new SimulatedEnv(seed);
    this.storage = storage ?? new MemoryStorage(this.env.random);
    let last = 0;
    const next = (count: number): number => {
      last += count;
      return last - count + 1;
    };
    const oracle = {
      next,
      fetch: async (count: number) => next(count),
      ready: async () => {},
      close: async () => {},
    };
    const config = new Config(parameters);
    for (const [name, value] of Object.entries(settings)) config.set(name, value);
    this.kv = new KV({ storage: this.storage, oracle, env: this.env, config, aclFile });
    this.kv.config.set('enable-debug-command', 'yes');
    this.coordinator = new LocalCoordinator({ kv: this.kv, env: this.env, ...around });
  }

  client(dialect: 2 | 3 = 2): TestClient {
    const client = new TestClient(this, dialect);
    const address = `127.0.0.1:${++this.#clients}`;
    const options = { protocol: 'redis', address, localAddress: '127.0.0.1:6379' };
    client.session = this.coordinator.open(client, options)!;
    client.session.dialect = dialect;
    return client;
  }

  /** All messages that a subscriber of keyspace events gets while `run` runs, as `event key`. */
  eventsOf(run: () => void): string[] {
    const subscriber = this.client();
    subscriber.line('CONFIG SET notify-keyspace-events KEA');
    subscriber.line('PSUBSCRIBE __keyevent@0__:*');
    run();
    const events: string[] = [];
    for (let message = subscriber.take(); message !== undefined; message = subscriber.take()) {
      const [, , channel, key] = message as string[];
      events.push(`${channel.slice(channel.indexOf(':') + 1)} ${key}`);
    }
    return events;
  }
}

export function plainOf(value: ReplyValue): Plain {
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (value instanceof StatusReply) return value.text;
  if (value instanceof ErrorReply) return new Error(value.message);
  if (value instanceof DoubleReply) return value.value;
  if (value instanceof MapReply) {
    return Object.fromEntries(value.entries.map(([key, each]) => [String(plainOf(key)), plainOf(each)]));
  }
  if (value instanceof SetReply) return value.members.map(plainOf);
  return Array.isArray(value) ? value.map(plainOf) : value;
}
