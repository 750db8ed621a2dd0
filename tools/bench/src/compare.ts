/** Runs two servers in turn, pair by pair, and prints a row of the table for each figure. */
import { type RunningServer, type Setup, startOurs, startRedis } from './servers.js';
import { formatRow } from './table.js';

/** What was measured, by its name. */
export type Figures = ReadonlyMap<string, number>;

/** One server after the other, `pairs` times, the other one first in every second pair. */
export async function compare(
  setup: Setup,
  pairs: number,
  unit: string,
  measure: (server: RunningServer) => Promise<Figures>,
): Promise<void> {
  const rows = new Map<string, { redis: number[]; ours: number[] }>();
  for (let pair = 0; pair < pairs; pair++) {
    for (const start of pair % 2 === 0 ? [startRedis, startOurs] : [startOurs, startRedis]) {
      const { name, figures } = await withServer(start, setup, measure);
      for (const [what, value] of figures) {
        const row = rows.get(what) ?? { redis: [], ours: [] };
        rows.set(what, row);
        row[name].push(value);
      }
    }
    process.stderr.write(`${setup.title}: pair ${pair + 1} of ${pairs}\n`);
  }
  for (const [what, { redis, ours }] of rows) {
    console.log(formatRow({ what: `${what}, ${setup.title}`, redis, ours, unit }));
  }
}

/** The least that either server does. */
export async function leastOf(
  setup: Setup,
  measure: (server: RunningServer) => Promise<number>,
): Promise<number> {
  const values: number[] = [];
  for (const start of [startRedis, startOurs]) {
    const { figures } = await withServer(start, setup, measure);
    values.push(figures);
  }
  return Math.min(...values);
}

async function withServer<T>(
  start: (setup: Setup) => Promise<RunningServer>,
  setup: Setup,
  measure: (server: RunningServer) => Promise<T>,
): Promise<{ name: RunningServer['name']; figures: T }> {
  const server = await start(setup);
  try {
    return { name: server.name, figures: await measure(server) };
  } finally {
    await server.stop();
  }
}
