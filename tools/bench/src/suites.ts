/** What is measured: one suite after the other, each by itself on request. */
import { runClient } from './client-load.js';
import { cluster } from './cluster-suite.js';
import { cold } from './cold-suite.js';
import { compare, type Figures, leastOf } from './compare.js';
import { fill } from './fill.js';
import { maxmemory } from './maxmemory-suite.js';
import { type MixedLoad, runClosedLoop, runOpenLoop } from './mixed-load.js';
import { runPublish } from './publish-load.js';
import { type Load, measure, prepare } from './redis-benchmark.js';
import { restart } from './restart-suite.js';
import { inMemory, onDisk, type RunningServer } from './servers.js';
import { start } from './start-suite.js';
import { sustained } from './sustained-suite.js';

/** `seconds`: how long a load lasts, where that matters. */
export type Suite = (pairs: number, seconds: number) => Promise<void>;

const base = { clients: 50, keys: 1_000_000, valueBytes: 64 };

async function measureAll(server: RunningServer, loads: readonly Load[]): Promise<Figures> {
  const figures = new Map<string, number>();
  for (const load of loads) figures.set(load.title, await measure(server.port, load));
  return figures;
}

/**
 * As `measureAll`, each load after half as many requests of the same, to either server: what is measured is what a server
 * does for as long as it runs. How the first of them went, right after the start, is a row of its own.
 */
async function measureWarm(server: RunningServer, loads: readonly Load[]): Promise<Figures> {
  const figures = new Map<string, number>();
  for (const load of loads) {
    const requests = load.requests / 2;
    const rate = await measure(server.port, { ...load, requests });
    if (load === loads[0]) figures.set(`${load.title}, the first ${requests.toLocaleString('en-US')}`, rate);
    figures.set(`${load.title}, warm`, await measure(server.port, load));
  }
  return figures;
}

const warmUp: Load = { ...base, title: 'fill', requests: 2_000_000, pipeline: 64, test: 'set' };

const strings: Suite = (pairs) =>
  compare(inMemory, pairs, 'req/s', async (server) => {
    await measure(server.port, warmUp);
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

const threeCalls = `local count = redis.call('INCR', KEYS[1])
redis.call('SET', KEYS[2], ARGV[1])
return redis.call('GET', KEYS[2])`;
const library = `#!lua name=bench
redis.register_function('three_calls', function(KEYS, ARGV) ${threeCalls} end)`;

const scripts: Suite = (pairs) =>
  compare(inMemory, pairs, 'req/s', async (server) => {
    const sha = prepare(server.port, 'SCRIPT', 'LOAD', threeCalls);
    prepare(server.port, 'FUNCTION', 'LOAD', library);
    const load = { ...base, requests: 1_000_000, pipeline: 16 };
    const keys = ['2', 'count', 'key:__rand_int__', 'v'.repeat(base.valueBytes)];
    return measureWarm(server, [
      { ...load, title: 'EVALSHA, three calls, -P 16', test: ['evalsha', sha, ...keys] },
      { ...load, title: 'EVAL, three calls, -P 16', test: ['eval', threeCalls, ...keys] },
      { ...load, title: 'FCALL, three calls, -P 16', test: ['fcall', 'three_calls', ...keys] },
      {
        ...load,
        title: 'EVALSHA, three calls',
        requests: 200_000,
        pipeline: 1,
        test: ['evalsha', sha, ...keys],
      },
    ]);
  });

const pubsub: Suite = (pairs) =>
  compare(inMemory, pairs, 'messages/s', async ({ port }) => {
    const load = { port, messageBytes: base.valueBytes };
    const toOne = { ...load, subscribers: 1, messages: 500_000 };
    const toMany = { ...load, subscribers: 50, messages: 50_000 };
    const first = await runPublish(toMany);
    return new Map([
      ['PUBLISH to 50 subscribers, -P 16, the first 50,000', first],
      ['PUBLISH to 50 subscribers, -P 16, warm', await runPublish(toMany)],
      ['PUBLISH to 1 subscriber, -P 16, warm', await runPublish(toOne)],
    ]);
  });

/** A command of its own, 16 in a pipeline. */
function streamLoad(title: string, requests: number, command: string, keys = base.keys): Load {
  return { ...base, title: `${title} -P 16`, requests, pipeline: 16, test: command.split(' '), keys };
}

const streams: Suite = async (pairs) => {
  const sensor = 'temperature 21.5 humidity 40 station north status ok sequence __rand_int__';
  await compare(inMemory, pairs, 'req/s', async (server) => {
    const written = await measureWarm(server, [
      streamLoad('XADD f v', 1_000_000, 'xadd s * f v'),
      streamLoad('XADD of 5 fields, MAXLEN ~ 10000', 500_000, `xadd t MAXLEN ~ 10000 * ${sensor}`),
      streamLoad('XADD to 1,000 streams', 500_000, 'xadd s:__rand_int__ * f v', 1000),
      streamLoad('XRANGE COUNT 10', 200_000, 'xrange s - + COUNT 10'),
      streamLoad('XREVRANGE COUNT 1', 500_000, 'xrevrange s + - COUNT 1'),
    ]);
    prepare(server.port, 'XGROUP', 'CREATE', 's', 'g', '0');
    const read = await measureWarm(server, [
      streamLoad('XREADGROUP COUNT 1', 500_000, 'xreadgroup GROUP g c COUNT 1 STREAMS s >'),
      streamLoad('XREADGROUP COUNT 10', 40_000, 'xreadgroup GROUP g c COUNT 10 STREAMS s >'),
    ]);
    return new Map([...written, ...read]);
  });
  await compare(inMemory, Math.min(pairs, 3), 'B/entry', async (server) => {
    const before = server.residentBytes();
    const count = 2_000_000;
    await measure(server.port, streamLoad('', count, `xadd t * ${sensor}`));
    return new Map([['memory of an entry of 5 fields', (server.residentBytes() - before) / count]]);
  });
};

const memoryPairs = 2_000_000;

const memory: Suite = (pairs) =>
  compare(inMemory, Math.min(pairs, 3), 'B/pair', async (server) => {
    const before = server.residentBytes();
    await fill(server.port, memoryPairs, base.valueBytes);
    const after = server.residentBytes();
    return new Map([
      ['memory, 2 M pairs, above the empty server', (after - before) / memoryPairs],
      ['memory, 2 M pairs, the whole process', after / memoryPairs],
    ]);
  });

const mixed = { connections: 50, seconds: 20, keys: 5_000_000, valueBytes: 64, writes: 0.5 };

/** The rate is half of what the slower of the two can do, by the same generator: 5 M keys are in both. */
const warmUpSeconds = 10;

const latency: Suite = async (pairs) => {
  const loaded = async ({ port }: RunningServer): Promise<MixedLoad> => {
    await fill(port, mixed.keys, mixed.valueBytes);
    return { ...mixed, port };
  };
  const capacity = await leastOf(inMemory, async (server) =>
    runClosedLoop({ ...(await loaded(server)), seconds: 10 }),
  );
  const rate = Math.round(capacity / 2000) * 1000;
  process.stderr.write(`capacity of the slower server: ${Math.round(capacity)} requests/s\n`);
  await compare(inMemory, Math.min(pairs, 3), 'ms', async (server) => {
    const load = await loaded(server);
    // Both sides compile what is hot in their first seconds; what comes after that is what a server is like.
    await runOpenLoop({ ...load, seconds: warmUpSeconds }, rate);
    const { p50, p99, p999, max } = await runOpenLoop(load, rate);
    const what = `${rate / 1000} k/s, 5 M keys`;
    return new Map([
      [`p50 of ${what}`, p50],
      [`p99 of ${what}`, p99],
      [`p99.9 of ${what}`, p999],
      [`max of ${what}`, max],
    ]);
  });
};

const grpc: Suite = (pairs) =>
  compare(inMemory, pairs, 'cmd/s', async (server) => {
    const load = { keys: 10_000, valueBytes: 64, seconds: 5 };
    await runClient(server, { ...load, callers: 1000, seconds: 2 });
    return new Map([
      ['client library, 200 callers', await runClient(server, { ...load, callers: 200 })],
      ['client library, 1,000 callers', await runClient(server, { ...load, callers: 1000 })],
    ]);
  });

/** Each load lasts long enough that LevelDB is brought up to date several times within it: every four seconds or so. */
const onLog =
  (storage: 'memory' | 'level'): Suite =>
  async (pairs) => {
    const load = { ...base, test: 'set' };
    const warm: Load = { ...load, title: 'warm up', requests: 500_000, pipeline: 16 };
    await compare(onDisk('always', storage), pairs, 'req/s', async (server) => {
      await measure(server.port, warm);
      return measureAll(server, [
        { ...load, title: 'SET, 50 clients', requests: 1_000_000, pipeline: 1 },
        { ...load, title: 'SET, 500 clients', requests: 1_000_000, pipeline: 1, clients: 500 },
        { ...load, title: 'SET -P 16', requests: 2_000_000, pipeline: 16 },
      ]);
    });
    await compare(onDisk('everysec', storage), pairs, 'req/s', async (server) => {
      await measure(server.port, warm);
      return measureAll(server, [
        { ...load, title: 'SET', requests: 2_000_000, pipeline: 1 },
        { ...load, title: 'SET -P 16', requests: 2_000_000, pipeline: 16 },
      ]);
    });
  };

export const suites: Readonly<Record<string, Suite>> = {
  strings,
  types,
  scripts,
  pubsub,
  streams,
  memory,
  maxmemory,
  latency,
  grpc,
  logged: onLog('memory'),
  durable: onLog('level'),
  start,
  restart,
  sustained,
  cold,
  cluster,
};
