/**
 * A cluster on this machine (three members of etcd, two timestamp services, three nodes, one gateway) against what
 * it stands on: the plain puts of the same etcd, and a whole server in one process.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DevCluster } from '@holdfast/cluster';
import { systemEnv } from '@holdfast/common';
import { Etcd, put } from '@holdfast/etcd';
import { RemoteOracle } from '@holdfast/tso/remote';
import { fill } from './fill.js';
import { type Load, measure } from './redis-benchmark.js';
import { inMemory, startOurs } from './servers.js';
import { formatRow, median } from './table.js';

const env = systemEnv();
const valueBytes = 100;
const seconds = 5;
/** One call after the other makes few calls a second, and the engine compiles what it has seen a lot of. */
const warmUpSeconds = 10;

const load: Load = {
  title: '',
  requests: 30_000,
  clients: 500,
  pipeline: 1,
  test: 'set',
  keys: 100_000,
  valueBytes,
};

export async function cluster(pairs: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-cluster-'));
  const dev = new DevCluster(directory, env, () => {});
  const end = async (): Promise<void> => {
    await dev.down();
    rmSync(directory, { recursive: true, force: true });
  };
  // Its processes outlive this one unless they are told.
  const interrupted = (): void => void end().finally(() => process.exit(1));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  try {
    const options = { nodes: 3, gateways: 1, shards: 1, replicas: 3, storage: 'memory' } as const;
    await dev.up(options, new Set());
    const states = await dev.states();
    const portOf = (kind: string, purpose: string): number[] =>
      states
        .filter((state) => state.kind === kind)
        .map(({ addresses }) => Number(addresses[purpose].split(':')[1]));
    const [gateway] = portOf('gateway', 'redis');
    await againstEtcd(dev.etcd.split(','), gateway, portOf('node', 'redis'), Math.min(pairs, 3));
    await againstWholeServer(dev.etcd, Math.min(pairs, 3));
    await timestamps(portOf('tso', 'grpc').map((port) => `127.0.0.1:${port}`));
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
    await end();
  }
}

/** Writes: what comes out of etcd through all layers, for what goes into it plainly. */
async function againstEtcd(
  endpoints: readonly string[],
  port: number,
  nodes: readonly number[],
  pairs: number,
): Promise<void> {
  const many: [number[], number[]] = [[], []];
  const piped: [number[], number[]] = [[], []];
  const single: [number[], number[]] = [[], []];
  const direct: [number[], number[]] = [[], []];
  const etcd = await Etcd.open({ env, endpoints, callTimeoutMs: 30_000 });
  const value = Buffer.alloc(valueBytes, 'v');
  let next = 0;
  const putOne = (): Promise<unknown> =>
    etcd.transact({ compare: [], success: [put(Buffer.from(`bench/${next++ % load.keys}`), value)] });
  const setOne = await caller(port, setRequest(value), ok);
  const setAtLeader = await leaderOf(nodes, setRequest(value));
  await measure(port, { ...load, requests: 5000 });
  for (const call of [putOne, setOne.call, setAtLeader.call]) await medianMs(call, warmUpSeconds);
  for (let pair = 0; pair < pairs; pair++) {
    const rate = await ratePerSecond(load.clients, putOne);
    many[0].push(rate);
    many[1].push(await measure(port, load));
    piped[0].push(rate);
    piped[1].push(await measure(port, { ...load, requests: 300_000, pipeline: 16 }));
    single[0].push(await medianMs(putOne));
    single[1].push(await medianMs(setOne.call));
    direct[0].push(single[0][pair]);
    direct[1].push(await medianMs(setAtLeader.call));
  }
  setOne.close();
  setAtLeader.close();
  etcd.close();
  const row = (what: string, [redis, ours]: [number[], number[]], unit: string): void =>
    console.log(formatRow({ what, redis, ours, unit }));
  row('SET, 500 clients / etcd puts, 500 callers', many, 'req/s');
  row('SET -P 16, 500 clients / the same puts', piped, 'req/s');
  row('p50 of one SET / of one etcd put, warm', single, 'ms');
  row("p50 of one SET at the leader's own port / the same puts", direct, 'ms');
}

/** The hop: reads that need no commit (by the lease), through a gateway and in one process, of the same keys and values. */
async function againstWholeServer(etcd: string, pairs: number): Promise<void> {
  const loads = [1, 16].map((pipeline) => ({
    ...load,
    title: `GET -P ${pipeline}, 50 clients, gateway / local`,
    test: 'get',
    clients: 50,
    pipeline,
    requests: pipeline === 1 ? 100_000 : 1_000_000,
  }));
  const figures = loads.map((): [number[], number[]] => [[], []]);
  const single: [number[], number[]] = [[], []];
  const door = { ...inMemory, ours: ['--mode', 'cluster', '--etcd', etcd, '--read-mode', 'lease'] };
  for (let pair = 0; pair < pairs; pair++) {
    for (const [column, setup] of [inMemory, door].entries()) {
      const server = await startOurs(setup);
      await fill(server.port, load.keys, valueBytes);
      for (const [i, each] of loads.entries()) figures[i][column].push(await measure(server.port, each));
      const getOne = await caller(server.port, getRequest, `$${valueBytes}\r\n${'x'.repeat(valueBytes)}\r\n`);
      await medianMs(getOne.call);
      single[column].push(await medianMs(getOne.call));
      getOne.close();
      await server.stop();
    }
  }
  for (const [i, { title }] of loads.entries()) {
    const [redis, ours] = figures[i];
    console.log(formatRow({ what: title, redis, ours, unit: 'req/s' }));
  }
  const [redis, ours] = single;
  console.log(formatRow({ what: 'p50 of one GET, gateway / local, warm', redis, ours, unit: 'ms' }));
}

async function timestamps(endpoints: readonly string[]): Promise<void> {
  const oracle = new RemoteOracle({ env, endpoints });
  await oracle.fetch(1);
  const rate = await ratePerSecond(1000, () => oracle.fetch(1));
  const p50 = await medianMs(() => oracle.fetch(1));
  await oracle.close();
  console.log(
    `timestamps, 1,000 callers: ${Math.round(rate).toLocaleString('en-US')}/s; p50 of one: ${p50.toFixed(3)} ms`,
  );
}

/** Callers that each wait for an answer before they call again; calls that fail do not count. */
async function ratePerSecond(callers: number, call: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const fromMs = performance.now();
  const untilMs = fromMs + seconds * 1000;
  const run = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      await call().then(
        () => count++,
        () => {},
      );
    }
  };
  await Promise.all(Array.from({ length: callers }, run));
  return (count * 1000) / (performance.now() - fromMs);
}

/** Of calls one after the other. */
async function medianMs(call: () => Promise<unknown>, forSeconds: number = seconds): Promise<number> {
  const times: number[] = [];
  const untilMs = performance.now() + forSeconds * 1000;
  while (performance.now() < untilMs) {
    const fromMs = performance.now();
    await call();
    times.push(performance.now() - fromMs);
  }
  return median(times);
}

const ok = '+OK\r\n';
const getRequest = Buffer.from('*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000001\r\n');

function setRequest(value: Buffer): Buffer {
  return Buffer.from(`*3\r\n$3\r\nSET\r\n$9\r\nbench:one\r\n$${value.length}\r\n${value}\r\n`);
}

interface Caller {
  call(): Promise<void>;
  close(): void;
}

/** A caller of the one node that does what it is asked for, and does not send it elsewhere. */
async function leaderOf(ports: readonly number[], request: Buffer): Promise<Caller> {
  for (const port of ports) {
    const candidate = await caller(port, request, ok);
    const isLeader = await candidate.call().then(
      () => true,
      () => false,
    );
    if (isLeader) return candidate;
    candidate.close();
  }
  throw new Error('no node leads');
}

/** A connection that makes the same request again and again, one at a time, and is always answered the same. */
async function caller(port: number, request: Buffer, expected: string): Promise<Caller> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const connecting = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(connecting));
    connecting.once('error', reject);
  });
  let answered: (reply: string) => void = () => {};
  socket.on('data', (bytes) => answered(bytes.toString()));
  return {
    async call() {
      const reply = await new Promise<string>((resolve) => {
        answered = resolve;
        socket.write(request);
      });
      if (reply !== expected) throw new Error(reply);
    },
    close: () => socket.destroy(),
  };
}
