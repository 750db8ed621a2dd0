/**
 * `npm run bench -- [suite ...] [--pairs N]`: both servers in turn, pair by pair, in one run.
 *
 *     strings   GET and SET, with 1, 16 and 64 commands in a pipeline
 *     types     INCR, LPUSH, LPOP, HSET, SADD, ZADD, 16 in a pipeline
 *     streams   XADD, XRANGE, XREADGROUP, 16 in a pipeline; bytes per entry
 *     memory    resident memory per pair, 2 M pairs
 *     latency   p99.9 under a mixed open load at half of the capacity, 5 M keys
 *     durable   SET with a log on disk, against the append-only file
 */
import { cpus } from 'node:os';
import { runOpenLoop } from './open-loop.js';
import { type Load, measure, prepare } from './redis-benchmark.js';
import { inMemory, onDisk, type RunningServer, type Setup, startOurs, startRedis } from './servers.js';
import { formatRow, header, type Row } from './table.js';

type Suite = (pairs: number) => Promise<void>;

const base = { clients: 50, keys: 1_000_000, valueBytes: 64 };

/** One server after the other, `pairs` times; `warm` fills each before it is measured. */
async function compare(
  setup: Setup,
  pairs: number,
  unit: string,
  figures: (server: RunningServer) => Promise<Map<string, number>>,
): Promise<void> {
  const rows = new Map<string, { redis: number[]; ours: number[] }>();
  for (let pair = 0; pair < pairs; pair++) {
    for (const start of pair % 2 === 0 ? [startRedis, startOurs] : [startOurs, startRedis]) {
      const server = await start(setup);
      try {
        for (const [what, value] of await figures(server)) {
          const row = rows.get(what) ?? { redis: [], ours: [] };
          rows.set(what, row);
          row[server.name].push(value);
        }
      } finally {
        await server.stop();
      }
    }
    process.stderr.write(`${setup.title}: pair ${pair + 1} of ${pairs}\n`);
  }
  for (const [what, { redis, ours }] of rows) {
    const row: Row = { what: `${what}, ${setup.title}`, redis, ours, unit };
    console.log(formatRow(row));
  }
}

async function measureAll(server: RunningServer, loads: readonly Load[]): Promise<Map<string, number>> {
  const figures = new Map<string, number>();
  for (const load of loads) figures.set(load.title, await measure(server.port, load));
  return figures;
}

const fill: Load = { ...base, title: 'fill', requests: 2_000_000, pipeline: 64, test: 'set' };

const strings: Suite = (pairs) =>
  compare(inMemory, pairs, 'req/s', async (server) => {
    await measure(server.port, fill);
    const loads: Load[] = [];
    for (const pipeline of [1, 16, 64]) {
      const requests = pipeline === 1 ? 200_000 : 2_000_000;
      for (const test of ['set', 'get']) {
        loads.push({ ...base, title: `${test.toUpperCase()} -P ${pipeline}`, requests, pipeline, test });
      }
    }
    return measureAll(server, loads);
  });

const types: Suite = (pairs) =>
  compare(inMemory, pairs, 'req/s', async (server) => {
    const tests = ['incr', 'lpush', 'lpop', 'hset', 'sadd', 'zadd'];
    const loads = tests.map(
      (test): Load => ({
        ...base,
        title: `${test.toUpperCase()} -P 16`,
        requests: 1_000_000,
        pipeline: 16,
        test,
      }),
    );
    return measureAll(server, loads);
  });

/** A command of its own, 16 in a pipeline. */
function streamLoad(title: string, requests: number, command: string, keys = base.keys): Load {
  return { ...base, title: `${title} -P 16`, requests, pipeline: 16, test: command.split(' '), keys };
}

const streams: Suite = async (pairs) => {
  const sensor = 'temperature 21.5 humidity 40 station north status ok sequence __rand_int__';
  await compare(inMemory, pairs, 'req/s', async (server) => {
    const figures = await measureAll(server, [
      streamLoad('XADD f v', 1_000_000, 'xadd s * f v'),
      streamLoad('XADD of 5 fields, MAXLEN ~ 10000', 500_000, `xadd t MAXLEN ~ 10000 * ${sensor}`),
      streamLoad('XADD to 1,000 streams', 500_000, 'xadd s:__rand_int__ * f v', 1000),
      streamLoad('XRANGE COUNT 10', 200_000, 'xrange s - + COUNT 10'),
      streamLoad('XREVRANGE COUNT 1', 500_000, 'xrevrange s + - COUNT 1'),
    ]);
    prepare(server.port, 'xgroup create s g 0');
    const read = streamLoad('XREADGROUP COUNT 1', 500_000, 'xreadgroup GROUP g c COUNT 1 STREAMS s >');
    figures.set(read.title, await measure(server.port, read));
    const readMore = streamLoad('XREADGROUP COUNT 10', 40_000, 'xreadgroup GROUP g c COUNT 10 STREAMS s >');
    figures.set(readMore.title, await measure(server.port, readMore));
    return figures;
  });
  await compare(inMemory, Math.min(pairs, 3), 'B/entry', async (server) => {
    const before = server.residentBytes();
    const count = 2_000_000;
    await measure(server.port, streamLoad('', count, `xadd t * ${sensor}`));
    return new Map([['memory of an entry of 5 fields', (server.residentBytes() - before) / count]]);
  });
};

const memory: Suite = (pairs) =>
  compare(inMemory, Math.min(pairs, 3), 'B/pair', async (server) => {
    const before = server.residentBytes();
    const count = 2_000_000;
    // Every key once: the counter of redis-benchmark is random, so keys are set by DEBUG-free means.
    await loadSequentially(server.port, count, base.valueBytes);
    return new Map([
      ['memory above the empty server', (server.residentBytes() - before) / count],
      ['memory, the whole process', server.residentBytes() / count],
    ]);
  });

const latency: Suite = (pairs) =>
  compare(inMemory, Math.min(pairs, 3), 'ms', async (server) => {
    const keys = 5_000_000;
    await loadSequentially(server.port, keys, base.valueBytes);
    const load = { port: server.port, connections: 50, seconds: 20, keys, valueBytes: 64, writes: 0.5 };
    const { p50, p99, p999, max } = await runOpenLoop({ ...load, requestsPerSecond: 20_000 });
    return new Map([
      ['p50 of 20,000/s, 5 M keys', p50],
      ['p99 of 20,000/s, 5 M keys', p99],
      ['p99.9 of 20,000/s, 5 M keys', p999],
      ['max of 20,000/s, 5 M keys', max],
    ]);
  });

const durable: Suite = async (pairs) => {
  const load = { ...base, test: 'set' };
  const warm: Load = { ...load, title: 'warm up', requests: 500_000, pipeline: 16 };
  await compare(onDisk('always', 'level'), pairs, 'req/s', async (server) => {
    await measure(server.port, warm);
    return measureAll(server, [
      { ...load, title: 'SET, 50 clients', requests: 100_000, pipeline: 1 },
      { ...load, title: 'SET, 500 clients', requests: 200_000, pipeline: 1, clients: 500 },
      { ...load, title: 'SET -P 16', requests: 1_000_000, pipeline: 16 },
    ]);
  });
  await compare(onDisk('everysec', 'level'), pairs, 'req/s', async (server) => {
    await measure(server.port, warm);
    return measureAll(server, [
      { ...load, title: 'SET', requests: 200_000, pipeline: 1 },
      { ...load, title: 'SET -P 16', requests: 1_000_000, pipeline: 16 },
    ]);
  });
};

/** Sets keys 0 to count - 1 over one connection, a thousand at a time. */
async function loadSequentially(port: number, count: number, valueBytes: number): Promise<void> {
  const { connect } = await import('node:net');
  const value = 'x'.repeat(valueBytes);
  await new Promise<void>((resolve, reject) => {
    let next = 0;
    let answered = 0;
    const socket = connect(port, '127.0.0.1');
    const send = (): void => {
      let text = '';
      for (let end = Math.min(next + 1000, count); next < end; next++) {
        text += `*3\r\n$3\r\nSET\r\n$16\r\nkey:${String(next).padStart(12, '0')}\r\n$${valueBytes}\r\n${value}\r\n`;
      }
      socket.write(text);
    };
    socket.on('connect', send);
    socket.on('data', (chunk: Buffer) => {
      // Each reply is `+OK\r\n`.
      answered += chunk.length / 5;
      if (answered >= count) socket.end(resolve);
      else if (Math.round(answered) >= next) send();
    });
    socket.on('error', reject);
  });
}

const suites: Readonly<Record<string, Suite>> = { strings, types, streams, memory, latency, durable };

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const pairsAt = args.indexOf('--pairs');
  const pairs = pairsAt < 0 ? 5 : Number(args.splice(pairsAt, 2)[1]);
  const wanted = args.length === 0 ? Object.keys(suites) : args;
  const unknown = wanted.filter((name) => !(name in suites));
  if (unknown.length > 0 || !(pairs > 0)) {
    console.error(`usage: npm run bench -- [${Object.keys(suites).join('|')}] ... [--pairs N]`);
    process.exit(2);
  }
  console.log(`${new Date().toISOString()}  ${cpus().length} x ${cpus()[0].model}  Node ${process.version}`);
  console.log(header);
  for (const name of wanted) await suites[name](pairs);
}

await main();
