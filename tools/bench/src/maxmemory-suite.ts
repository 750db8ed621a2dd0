/**
 * What `maxmemory 200mb` promises: the process stays near the limit while far more is written than fits, and what is asked
 * for most is there. Both servers run at once under the same load, since nothing here is a matter of speed.
 */
import { type CacheLoad, runCache } from './cache-load.js';
import { limited, type RunningServer, startOurs, startRedis } from './servers.js';
import { formatRow } from './table.js';
import { runWrites, type WriteLoad } from './write-load.js';

const limitBytes = 200 * 1024 * 1024;
const policies = ['allkeys-lru', 'allkeys-lfu'] as const;

const writes = { writesPerSecond: 20_000, keys: 2_000_000 };

/** Some 2 GB in five minutes of the one, and 5 GB of the other. */
const sizes = [
  { what: 'writes', valueBytes: [[16, 1024]] },
  {
    what: 'writes of sizes that change',
    valueBytes: [
      [16, 64],
      [64, 512],
      [512, 4096],
      [16, 128],
      [16, 4096],
    ],
  },
] as const;

/** About a third of the keys fit. */
const cache: Omit<CacheLoad, 'port'> = {
  keys: 2_000_000,
  valueBytes: 200,
  warmUp: 2_000_000,
  requests: 2_000_000,
};

export async function maxmemory(pairs: number, seconds: number): Promise<void> {
  for (const { what, valueBytes } of sizes) await compareMemory(what, valueBytes, seconds);
  for (const policy of policies) {
    const hits = { redis: [] as number[], ours: [] as number[] };
    for (let pair = 0; pair < Math.min(pairs, 3); pair++) {
      const [redis, ours] = await withBoth(policy, ({ port }) => runCache({ ...cache, port }));
      hits.redis.push(redis);
      hits.ours.push(ours);
    }
    console.log(formatRow({ what: `2 M keys of 200 B by Zipf, 200mb, ${policy}`, ...hits, unit: '% hits' }));
  }
}

async function compareMemory(
  load: string,
  valueBytes: WriteLoad['valueBytes'],
  seconds: number,
): Promise<void> {
  const [redis, ours] = await withBoth('allkeys-lru', async (server) => {
    await runWrites({ ...writes, port: server.port, valueBytes, seconds });
    return { peak: server.residentPeakBytes(), end: server.residentBytes() };
  });
  const row = (what: string, of: 'peak' | 'end'): void => {
    const unit = 'x limit';
    const [a, b] = [redis[of] / limitBytes, ours[of] / limitBytes];
    console.log(formatRow({ what: `${what} ${seconds} s of ${load}, 200mb`, redis: [a], ours: [b], unit }));
  };
  row('most resident memory in', 'peak');
  row('resident memory after', 'end');
}

async function withBoth<T>(
  policy: string,
  measure: (server: RunningServer) => Promise<T>,
): Promise<readonly [redis: T, ours: T]> {
  const setup = limited('200mb', policy);
  const servers = await Promise.all([startRedis(setup), startOurs(setup)]);
  try {
    const [redis, ours] = await Promise.all(servers.map(measure));
    return [redis, ours];
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
