/**
 * Clients that write and read through the gateways, everything recorded: registers (SET, GET, GETSET, DEL), counters
 * (INCR, GET) and transactions over two keys of a slot (MULTI). Each of them has one request under way.
 */
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { RespArgument, WireReply } from '@holdfast/protocol/testing';
import {
  assertLinearizable,
  counter,
  type Failure,
  History,
  type Json,
  register,
  transactions,
} from '@holdfast/testing';
import { pause } from '../server.js';
import { WireClient } from '../wire-client.js';

export interface WorkloadOptions {
  readonly seed: number;
  readonly clients: number;
  /** Ports of gateways; asked again for each connection. */
  readonly ports: () => readonly number[];
  /** What its keys begin with: no two workloads of a cluster may share keys. */
  readonly prefix: string;
  /** How long a client waits between two requests, in ms. */
  readonly pauseMs?: number;
}

/** What a client was told that is no reply: by its first word, or `closed` and `timeout` for connections. */
export type ErrorCounts = Map<string, number>;

const registerCount = 8;
const counterCount = 4;
const pairCount = 4;
/** Longer than a gateway tries by itself. */
const answerTimeoutMs = 12_000;

/** Errors that say that nothing was done. */
const notDone = new Set(['TRYAGAIN', 'CLUSTERDOWN', 'LOADING', 'MISCONF', 'EXECABORT']);
/** Errors after which it is not known. */
const notKnown = new Set(['UNDETERMINED', 'closed', 'timeout']);

class Refusal extends Error {
  readonly word: string;

  constructor(text: string) {
    super(text);
    this.word = text.split(' ', 1)[0];
  }
}

export class Workload {
  readonly registers = new History();
  readonly counters = new History();
  readonly pairs = new History();
  readonly errors: ErrorCounts = new Map();
  /** When the last write was acknowledged, by its key. */
  readonly lastWriteMs = new Map<string, number>();
  acknowledged = 0;
  /** How long the slowest request was waited for, in ms; whoever reads it may begin anew. */
  longestMs = 0;
  /** Errors that no client should see. */
  readonly unexpected: string[] = [];
  readonly #options: WorkloadOptions;
  #isEnding = false;
  #running: Promise<void>[] = [];

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = Array.from({ length: this.#options.clients }, (_, i) => this.#runClient(i));
  }

  /** Lets every client finish what it asked. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#running);
  }

  /** Throws with the operations that can't be put in an order, and for errors that should not have been. */
  check(): void {
    if (this.unexpected.length > 0) throw new Error(`unexpected: ${this.unexpected.slice(0, 5).join('; ')}`);
    assertLinearizable(this.registers, register);
    assertLinearizable(this.counters, counter);
    assertLinearizable(this.pairs, transactions(register));
  }

  /** In a line, for people. */
  summary(): string {
    const errors = [...this.errors].map(([word, count]) => `${count} ${word}`).join(', ') || 'no errors';
    return `${this.acknowledged} acknowledged, ${errors}`;
  }

  async #runClient(number: number): Promise<void> {
    const random = new SeededRandom(this.#options.seed * 1000 + number);
    let connection: WireClient | null = null;
    let sequence = 0;
    while (!this.#isEnding) {
      connection = connection === null || connection.isClosed ? await this.#connect(random) : connection;
      if (connection === null) continue;
      const client = connection;
      const value = `${number}:${++sequence}`;
      const kind = randomBelow(random, 10);
      if (kind < 6) await this.#touchRegister(client, `client ${number}`, value, random);
      else if (kind < 8) await this.#touchCounter(client, `client ${number}`, random);
      else await this.#touchPair(client, `client ${number}`, value, random);
      await pause(randomBelow(random, this.#options.pauseMs ?? 10));
    }
    connection?.close();
  }

  async #connect(random: Random): Promise<WireClient | null> {
    const ports = this.#options.ports();
    try {
      return await WireClient.connect({ host: '127.0.0.1', port: ports[randomBelow(random, ports.length)] });
    } catch {
      this.#count('refused');
      await pause(20);
      return null;
    }
  }

  async #touchRegister(client: WireClient, name: string, value: string, random: Random): Promise<void> {
    const key = `${this.#options.prefix}r${randomBelow(random, registerCount)}`;
    const pick = randomBelow(random, 10);
    const record = (input: Json, args: RespArgument[], read: (reply: WireReply) => Json): Promise<unknown> =>
      this.registers.record(name, key, input, () => this.#ask(client, key, args, read), this.#classify);
    if (pick < 4) await record({ op: 'get' }, ['GET', key], textOf);
    else if (pick < 8) await record({ op: 'set', value }, ['SET', key, value], () => null);
    else if (pick < 9) await record({ op: 'swap', value }, ['GETSET', key, value], textOf);
    else await record({ op: 'delete' }, ['DEL', key], (reply) => reply.text === '1');
  }

  async #touchCounter(client: WireClient, name: string, random: Random): Promise<void> {
    const key = `${this.#options.prefix}c${randomBelow(random, counterCount)}`;
    const isWrite = randomBelow(random, 2) === 0;
    const input = isWrite ? { op: 'add', by: 1 } : { op: 'get' };
    const args = isWrite ? ['INCR', key] : ['GET', key];
    const read = (reply: WireReply): Json => Number(reply.text ?? 0);
    await this.counters.record(name, key, input, () => this.#ask(client, key, args, read), this.#classify);
  }

  async #touchPair(client: WireClient, name: string, value: string, random: Random): Promise<void> {
    const tag = `{${this.#options.prefix}t${randomBelow(random, pairCount)}}`;
    const [a, b] = [`${tag}a`, `${tag}b`];
    const input = [
      { key: a, input: { op: 'swap', value } },
      { key: b, input: { op: 'get' } },
      { key: b, input: { op: 'set', value } },
    ];
    const requests = [['MULTI'], ['GETSET', a, value], ['GET', b], ['SET', b, value], ['EXEC']];
    const call = async (): Promise<Json> => {
      const replies = await this.#within(client, () => Promise.all(client.pipeline(requests)));
      const result = this.#checked(replies.find(({ type }) => type === '-') ?? replies[4]);
      if (result.items === null) throw new Refusal('EXECABORT');
      const inner = result.items.find(({ type }) => type === '-');
      if (inner !== undefined) this.#checked(inner);
      this.#written(tag);
      return [textOf(result.items[0]), textOf(result.items[1]), null];
    };
    await this.pairs.record(name, tag, input, call, this.#classify);
  }

  async #ask(
    client: WireClient,
    key: string,
    args: readonly RespArgument[],
    read: (reply: WireReply) => Json,
  ): Promise<Json> {
    const reply = this.#checked(await this.#within(client, () => client.call(...args)));
    if (args[0] !== 'GET') this.#written(key);
    else this.acknowledged++;
    return read(reply);
  }

  #written(key: string): void {
    this.acknowledged++;
    this.lastWriteMs.set(key, Date.now());
  }

  /** A client that is not answered in time gives the connection up. */
  async #within<T>(client: WireClient, call: () => Promise<T>): Promise<T> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      client.close();
    }, answerTimeoutMs);
    const beganMs = performance.now();
    try {
      return await call();
    } catch {
      throw new Refusal(isLate ? 'timeout' : 'closed');
    } finally {
      clearTimeout(timer);
      this.longestMs = Math.max(this.longestMs, performance.now() - beganMs);
    }
  }

  #checked(reply: WireReply): WireReply {
    if (reply.type === '-') throw new Refusal(reply.text ?? '');
    return reply;
  }

  readonly #classify = (error: unknown): Failure => {
    const word = error instanceof Refusal ? error.word : 'defect';
    this.#count(word);
    if (notDone.has(word)) return 'fail';
    if (!notKnown.has(word)) this.unexpected.push(String(error));
    return 'unknown';
  };

  #count(word: string): void {
    this.errors.set(word, (this.errors.get(word) ?? 0) + 1);
  }
}

function textOf({ text }: WireReply): Json {
  return text;
}
