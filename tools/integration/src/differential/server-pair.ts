/** The reference and the server under test, each with a connection. */
import { rm } from 'node:fs/promises';
import type { WireReply } from '@holdfast/protocol/testing';
import {
  type GatewaySettings,
  type RunningServer,
  startGateway,
  startRedis,
  temporaryDirectory,
} from '../server.js';
import { type Address, WireClient } from '../wire-client.js';
import { encoded, type RandomRequest } from './request.js';

export type Replies = readonly [theirs: readonly WireReply[], ours: readonly WireReply[]];

/** Values stay small enough to be made in a moment. */
const valueBytesMax = String(1024 * 1024);
const replyTimeoutMs = 10_000;
/** Redis looks for waiters whose time is over so many times a second. */
const often = ['--hz', '500'];

export class ServerPair {
  #redis: Awaited<ReturnType<typeof startRedis>>;
  readonly #settings: GatewaySettings;
  readonly #directory: string | null;
  /** Without a process: it was there before, and stays. */
  #gateway: Pick<RunningServer, 'address'> & Partial<RunningServer>;
  #theirs?: WireClient;
  #ours?: WireClient;

  private constructor(
    redis: Awaited<ReturnType<typeof startRedis>>,
    gateway: Pick<RunningServer, 'address'> & Partial<RunningServer>,
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

  /** With a server that is there already: the gateway of a cluster, say. */
  static async at(address: Address): Promise<ServerPair> {
    const pair = new ServerPair(await startRedis(...often), { address }, {}, null);
    await pair.reconnect();
    return pair;
  }

  /** Where the reference and the server under test are. */
  get addresses(): readonly [theirs: Address, ours: Address] {
    return [this.#redis.address, this.#gateway.address];
  }

  /** Whether the server under test keeps its state over restarts. */
  get isKept(): boolean {
    return this.#directory !== null;
  }

  /** Sends requests to both in one go each; resolves with all replies, or throws when some don't come. */
  async ask(requests: readonly RandomRequest[], timeoutMs: number = replyTimeoutMs): Promise<Replies> {
    const bytes = encoded(requests);
    const both = Promise.all([
      this.#theirs!.exchange(bytes, requests.length),
      this.#ours!.exchange(bytes, requests.length),
    ]);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('no reply in time')), timeoutMs);
    });
    return Promise.race([both, late]).finally(() => clearTimeout(timer));
  }

  /** Kills the server under test at once and starts it again over what it left. */
  async restart(): Promise<void> {
    await this.#gateway.process?.kill();
    if (this.#gateway.process !== undefined) this.#gateway = await startGateway(this.#settings);
    this.#ours = await connect(this.#gateway);
  }

  /** Other connections to the same servers: whatever was on its way on these is forgotten. */
  async reconnect(): Promise<void> {
    for (const client of [this.#theirs, this.#ours]) client?.close();
    this.#theirs = await connect(this.#redis);
    this.#ours = await connect(this.#gateway);
  }

  /** After a reply that did not come: the server anew, connections too, and the reference when it is gone. */
  async recover(): Promise<void> {
    for (const client of [this.#theirs, this.#ours]) client?.close();
    this.#theirs = await connect(this.#redis).catch(async () => {
      await this.#redis.stop();
      this.#redis = await startRedis(...often);
      return connect(this.#redis);
    });
    await this.restart();
  }

  async stop(): Promise<void> {
    for (const client of [this.#theirs, this.#ours]) client?.close();
    await this.#gateway.process?.kill();
    await this.#redis.stop();
    if (this.#directory !== null) await rm(this.#directory, { recursive: true, force: true });
  }
}

async function connect({ address }: Pick<RunningServer, 'address'>): Promise<WireClient> {
  const client = await WireClient.connect(address);
  await client.call('CONFIG', 'SET', 'proto-max-bulk-len', valueBytesMax);
  return client;
}
