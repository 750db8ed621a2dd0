/**
 * Data ten times as large as what may stay in memory, against the same data all in memory: level storage both times, so
 * that the ratio is what cold reads cost. `COLD_KEYS` and `COLD_CACHE` change the scale.
 */
import { runCold } from './cold-load.js';
import { fill } from './fill.js';
import { type RunningServer, startOurs } from './servers.js';
import { formatRow } from './table.js';

const { COLD_KEYS = '2000000', COLD_CACHE: cache = '50mb' } = process.env;
const keys = Number(COLD_KEYS);
const load = { keys, valueBytes: 200, connections: 50, seconds: 10 };

type Figures = Readonly<Record<string, readonly [value: number, unit: string]>>;

async function measure(cacheBytes: string): Promise<Figures> {
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
  const figures: Record<string, readonly [number, string]> = {};
  for (const draw of ['uniform', 'zipf'] as const) {
    // What was asked for before is not what stays under this load.
    await runCold({ ...load, port: server.port, draw, seconds: 5 });
    const { rate, p99 } = await runCold({ ...load, port: server.port, draw });
    figures[`GET, ${draw}`] = [rate, 'req/s'];
    figures[`p99 of GET, ${draw}`] = [p99, 'ms'];
  }
  const { anonymous, mapped } = server.residentParts();
  figures['memory of the process'] = [anonymous / 1e6, 'MB'];
  figures['files that it maps, as far as in memory'] = [mapped / 1e6, 'MB'];
  return figures;
}

export async function cold(pairs: number): Promise<void> {
  const columns: { resident: Figures; bounded: Figures }[] = [];
  for (let pair = 0; pair < Math.min(pairs, 3); pair++) {
    columns.push({ resident: await measure('0'), bounded: await measure(cache) });
  }
  const what = `${keys.toLocaleString('en-US')} keys of 200 B over ${cache}; first column all resident`;
  console.log(what);
  for (const [name, [, unit]] of Object.entries(columns[0].bounded)) {
    const redis = columns.map(({ resident }) => resident[name][0]);
    console.log(formatRow({ what: name, redis, ours: columns.map(({ bounded }) => bounded[name][0]), unit }));
  }
}
