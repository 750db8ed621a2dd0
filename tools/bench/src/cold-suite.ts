/**
 * Data ten times as large as what may stay in memory, against the same data all in memory: level storage both times, so
 * that the ratio is what cold reads cost. `COLD_KEYS` and `COLD_CACHE` change the scale.
 */
import { zipf } from './cache-load.js';
import { runCold } from './cold-load.js';
import { fill } from './fill.js';
import { measure } from './redis-benchmark.js';
import { type RunningServer, startOurs } from './servers.js';
import { formatRow, median } from './table.js';

const { COLD_KEYS = '2000000', COLD_CACHE: cache = '50mb' } = process.env;
const keys = Number(COLD_KEYS);
const load = { valueBytes: 200, connections: 50, seconds: 10 };
/** Of 300,000 reads each. */
const settlingRoundsMax = 20;

type Figures = Readonly<Record<string, readonly [value: number, unit: string]>>;

async function figuresWith(cacheBytes: string): Promise<Figures> {
  const title = `level storage, --cache-bytes ${cacheBytes}`;
  const ours = ['--storage', 'level', '--log', 'none', '--cache-bytes', cacheBytes];
  const server = await startOurs({ title, redis: [], ours });
  try {
    const startMs = performance.now();
    await fill(server.port, keys, load.valueBytes, true);
    const filled = (keys * 1000) / (performance.now() - startMs);
    return { 'SET of new keys, 1,000 in a pipeline': [filled, 'req/s'], ...(await read(server)) };
  } finally {
    await server.stop();
  }
}

async function read(server: RunningServer): Promise<Figures> {
  const [first, uniform] = await readUniformly(server);
  const figures: Record<string, readonly [number, string]> = {
    'GET, uniform, right after they were written': [first, 'req/s'],
    'GET, uniform': [uniform, 'req/s'],
  };
  const draws = { uniform: () => Math.floor(Math.random() * keys), zipf: zipf(keys) };
  for (const [name, draw] of Object.entries(draws)) {
    // What was asked for before is not what stays under this load.
    await runCold({ ...load, port: server.port, draw, seconds: 5 });
    const { rate, p99 } = await runCold({ ...load, port: server.port, draw });
    if (draw === draws.zipf) figures['GET, zipf, by a generator of ours'] = [rate, 'req/s'];
    figures[`p99 of GET, ${name}, by a generator of ours`] = [p99, 'ms'];
  }
  const { anonymous, mapped } = server.residentParts();
  figures['memory of the process'] = [anonymous / 1e6, 'MB'];
  figures['files that it maps, as far as in memory'] = [mapped / 1e6, 'MB'];
  return figures;
}

/**
 * At once, and when it does not get faster any more: LevelDB merges files that reads have to pass over, which takes it a minute
 * or two of a processor after that many writes. By redis-benchmark, which takes a third of the CPU that our generator does.
 */
async function readUniformly({ port }: RunningServer): Promise<[first: number, settled: number]> {
  const uniform = (): Promise<number> =>
    measure(port, {
      title: '',
      keys,
      valueBytes: load.valueBytes,
      test: 'get',
      clients: load.connections,
      requests: 300_000,
      pipeline: 1,
    });
  const first = await uniform();
  let best = first;
  for (let round = 0, since = 0; round < settlingRoundsMax && since < 3; round++) {
    const rate = await uniform();
    since = rate > best * 1.03 ? 0 : since + 1;
    best = Math.max(best, rate);
  }
  return [first, median([await uniform(), await uniform(), await uniform()])];
}

export async function cold(pairs: number): Promise<void> {
  const columns: { resident: Figures; bounded: Figures }[] = [];
  for (let pair = 0; pair < Math.min(pairs, 3); pair++) {
    columns.push({ resident: await figuresWith('0'), bounded: await figuresWith(cache) });
  }
  const what = `${keys.toLocaleString('en-US')} keys of 200 B over ${cache}; first column all resident`;
  console.log(what);
  for (const [name, [, unit]] of Object.entries(columns[0].bounded)) {
    const redis = columns.map(({ resident }) => resident[name][0]);
    console.log(formatRow({ what: name, redis, ours: columns.map(({ bounded }) => bounded[name][0]), unit }));
  }
}
