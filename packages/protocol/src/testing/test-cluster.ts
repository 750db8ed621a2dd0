/**
 * A whole cluster in this process, on virtual time: a gateway's coordinator, streams of messages, nodes with replicas.
 * What a client sends and gets is bytes.
 */
import type { Env } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import {
  ClusterCoordinator,
  type Coordinator,
  type NodeConnector,
  type NodeRecord,
  outcomes,
  Router,
  type Session,
  type SessionSink,
  ShardMap,
  StaticMeta,
} from '@holdfast/coord';
import { TestNode, type TestReplica, TestShard, testOracle } from '@holdfast/coord/testing';
import { type StreamPair, streamPair } from '@holdfast/rpc';
import { NodeExporter } from '../node/exporter.js';
import { BufferPool } from '../resp/buffer-pool.js';
import { RequestDecoder } from '../resp/decoder.js';
import { RespReply } from '../resp/reply.js';
import { encodeRequest, type RespArgument } from './encode-request.js';
import { ReplyReader, renderReply } from './reply-reader.js';

/** A Redis client without a socket. */
export class PipeClient implements SessionSink {
  readonly reply = new RespReply(new BufferPool());
  readonly takesLater: boolean;
  /** It does not read before `take`, and the gateway knows. */
  saysWhenRead = false;
  session!: Session;
  isClosed = false;
  /** Requests that were sent while the session waited. */
  #input = Buffer.alloc(0);
  readonly #coordinator: Coordinator;
  readonly #decoder = new RequestDecoder(512 * 1024 * 1024);
  readonly #reader = new ReplyReader();
  readonly #env: SimulatedEnv;

  constructor(coordinator: Coordinator, env: SimulatedEnv, dialect: 2 | 3, takesLater: boolean) {
    this.#coordinator = coordinator;
    this.#env = env;
    this.takesLater = takesLater;
    const options = { protocol: 'redis', address: '127.0.0.1:1', localAddress: '127.0.0.1:6379' };
    this.session = coordinator.open(this, options)!;
    this.session.dialect = dialect;
    this.reply.dialect = dialect;
  }

  /** Sends requests, words of a line each, in one go. */
  send(...lines: (string | readonly RespArgument[])[]): void {
    const requests = lines.map((line) => encodeRequest(typeof line === 'string' ? line.split(' ') : line));
    this.#input = Buffer.concat([this.#input, ...requests]);
    this.#execute();
  }

  /** Sends requests and lets everything happen that does not need time; what came back, as `renderReply` has it. */
  run(...lines: (string | readonly RespArgument[])[]): string[] {
    this.send(...lines);
    this.#env.advance(0);
    return this.take();
  }

  /** What arrived since the last call. */
  take(): string[] {
    const bytes = Buffer.from(this.reply.bytes.subarray(0, this.reply.length));
    this.reply.consume(this.reply.length, false);
    if (this.session.awaitsOutput) this.session.outputLeft();
    return this.#reader.push(bytes).map(renderReply);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#coordinator.close(this.session);
  }

  get outputBytes(): number {
    return this.reply.length;
  }

  get inputBytes(): number {
    return this.#input.length;
  }

  wake(): void {}

  resume(): void {
    this.#env.timers.setImmediate(() => this.#execute());
  }

  #execute(): void {
    this.#coordinator.beginTurn();
    while (this.#input.length > 0 && !this.session.isBlocked && !this.isClosed) {
      const next = this.#decoder.decode(this.#input, 0, this.#input.length);
      if (next < 0) throw new Error('not a request');
      const outcome = this.#coordinator.coordinate(this.session, this.#decoder.request, this.reply);
      this.reply.dialect = this.session.dialect;
      this.#input = Buffer.from(this.#input.subarray(next));
      if (outcome === outcomes.close) this.close();
    }
    this.#coordinator.settle();
  }
}

/** A node: its replicas, and what serves them to gateways. */
export class ClusterNode {
  readonly replicas: TestNode;
  readonly exporter: NodeExporter;
  isReachable = true;
  readonly #env: Env;
  #streams: StreamPair[] = [];

  constructor(replicas: TestNode, env: Env) {
    this.replicas = replicas;
    this.exporter = new NodeExporter({ replicas, env });
    this.#env = env;
  }

  connector(): NodeConnector {
    return {
      whenReachable: (ready) => {
        const error = this.isReachable ? undefined : new Error('unreachable');
        this.#env.timers.setImmediate(() => ready(error));
      },
      open: () => {
        const pair = streamPair(this.#env.timers);
        this.#streams.push(pair);
        this.exporter.accept(pair.server);
        return pair.client;
      },
      close: () => {},
    };
  }

  /** Cuts all streams, at once. What was on the way is lost. */
  cut(): void {
    for (const { client, server } of this.#streams) {
      client.emit('error', new Error('cut'));
      server.emit('cancelled');
      client.cancel();
    }
    this.#streams = [];
  }
}

export interface TestClusterOptions {
  readonly shards: number;
  readonly nodes: number;
  readonly seed?: number;
}

export class TestCluster {
  readonly env: SimulatedEnv;
  readonly shards: TestShard[];
  readonly nodes: ClusterNode[];
  readonly meta: StaticMeta;
  readonly router: Router;
  readonly coordinator: ClusterCoordinator;

  /** Each node has a replica of each shard; shard i is led by node i, or the last one. */
  constructor({ nodes, seed = 1, shards }: TestClusterOptions) {
    this.env = new SimulatedEnv(seed);
    const { env } = this;
    const oracle = testOracle();
    const map = ShardMap.even(shards, nodeNames(nodes), nodes);
    this.shards = map.shards.map(({ shard, slots }) => new TestShard(shard, slots));
    const testNodes = nodeNames(nodes).map((name) => new TestNode(name, oracle));
    for (const node of testNodes) for (const shard of this.shards) node.add(shard, env);
    this.nodes = testNodes.map((replicas) => new ClusterNode(replicas, env));
    for (const [i, shard] of this.shards.entries()) shard.lead(`n${Math.min(i, nodes - 1)}`);
    this.meta = new StaticMeta(map, this.#records());
    this.router = this.#newRouter();
    this.coordinator = new ClusterCoordinator({ env, router: this.router });
    env.advance(0);
  }

  /** A client of the gateway, or with `home` of that node. */
  client(dialect: 2 | 3 = 2, takesLater = true, home?: string): PipeClient {
    const coordinator = home === undefined ? this.coordinator : this.gateway(home);
    return this.clientOf(coordinator, dialect, takesLater);
  }

  /** A client of one of several gateways. */
  clientOf(coordinator: ClusterCoordinator, dialect: 2 | 3 = 2, takesLater = true): PipeClient {
    return new PipeClient(coordinator, this.env, dialect, takesLater);
  }

  /** Another gateway of the same cluster, or what a node has for clients of Redis Cluster. */
  gateway(home?: string): ClusterCoordinator {
    const at = home === undefined ? {} : { home };
    const coordinator = new ClusterCoordinator({ env: this.env, router: this.#newRouter(home), ...at });
    this.env.advance(0);
    return coordinator;
  }

  /** The leader of a shard. */
  leader(shard: number): TestReplica {
    return this.shards[shard].leader!;
  }

  #newRouter(home?: string): Router {
    const byName = new Map(this.nodes.map((node) => [node.replicas.node, node]));
    return new Router({
      meta: this.meta,
      env: this.env,
      connect: ({ node }) => byName.get(node)!.connector(),
      ...(home !== undefined && { home }),
    });
  }

  #records(): NodeRecord[] {
    return this.nodes.map(({ replicas: { addresses, node } }) => ({ node, addresses }));
  }
}

function nodeNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `n${i}`);
}
