/** The reference and the server under test, each with a connection for RESP2 and one for RESP3. */
import { rm } from 'node:fs/promises';
import type { WireReply } from '@holdfast/protocol/testing';
import {
  type GatewaySettings,
  type RunningServer,
  startGateway,
  startRedis,
  temporaryDirectory,
} from '../server.js';
import { WireClient } from '../wire-client.js';
import { bytesOf, type RandomRequest } from './request.js';

export type Dialect = 2 | 3;
type Clients = Readonly<Record<Dialect, WireClient>>;
export type Replies = readonly [theirs: readonly WireReply[], ours: readonly WireReply[]];

/** Values stay small enough to be made in a moment. */
const valueBytesMax = String(1024 * 1024);
const replyTimeoutMs = 5_000;
/** Redis looks for waiters whose time is over so many times a second. */
const often = ['--hz', '500'];

export class ServerPair {
  readonly #redis: Awaited<ReturnType<typeof startRedis>>;
  readonly #settings: GatewaySettings;
  readonly #directory: string | null;
  #gateway: RunningServer;
  #theirs!: Clients;
  #ours!: Clients;

  private constructor(
    redis: Awaited<ReturnType<typeof startRedis>>,
    gateway: RunningServer,
    settings: GatewaySettings,
    directory: string | null,
  ) {
    this.#redis = redis;
    this.#gateway = gateway;
    this.#settings = settings;
    this.#directory = directory;
  }

  /** `settings` of the gateway; with a log it gets a directory of its own. */
  static async start(settings: GatewaySettings = {}): Promise<ServerPair> {
    const isKept = 'log' in settings || 'storage' in settings;
    const directory = isKept ? (await temporaryDirectory()).path : null;
    const all = directory === null ? settings : { ...settings, dir: directory };
    const [redis, gateway] = await Promise.all([startRedis(...often), startGateway(all)]);
    const pair = new ServerPair(redis, gateway, all, directory);
    pair.#theirs = await connect(redis);
    pair.#ours = await connect(gateway);
    return pair;
  }

  /** Whether the server under test keeps its state over restarts. */
  get isKept(): boolean {
    return this.#directory !== null;
  }

  /** Sends requests to both in one go each; resolves with all replies, or throws when some don't come. */
  async ask(dialect: Dialect, requests: readonly RandomRequest[]): Promise<Replies> {
    const encoded = requests.map(bytesOf);
    const both = Promise.all([
      Promise.all(this.#theirs[dialect].pipeline(encoded)),
      Promise.all(this.#ours[dialect].pipeline(encoded)),
    ]);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('no reply in time')), replyTimeoutMs);
    });
    return Promise.race([both, late]).finally(() => clearTimeout(timer));
  }

  /** Kills the server under test at once and starts it again over what it left. */
  async restart(): Promise<void> {
    await this.#gateway.process.kill();
    this.#gateway = await startGateway(this.#settings);
    this.#ours = await connect(this.#gateway);
  }

  /** After a reply that did not come: connections anew, and the server too when it is gone. */
  async recover(): Promise<void> {
    for (const client of [...Object.values(this.#theirs), ...Object.values(this.#ours)]) client.close();
    this.#theirs = await connect(this.#redis);
    await this.restart();
  }

  async stop(): Promise<void> {
    for (const client of [...Object.values(this.#theirs), ...Object.values(this.#ours)]) client.close();
    await this.#gateway.process.kill();
    await this.#redis.stop();
    if (this.#directory !== null) await rm(this.#directory, { recursive: true, force: true });
  }
}

async function connect({ address }: RunningServer): Promise<Clients> {
  const clients: Clients = { 2: await WireClient.connect(address), 3: await WireClient.connect(address) };
  await clients[3].call('HELLO', 3);
  await clients[2].call('CONFIG', 'SET', 'proto-max-bulk-len', valueBytesMax);
  return clients;
}
