/** A cache before something slow: keys are asked for by Zipf's law, and what is missing is put in. */
import { Redis } from 'ioredis';

export interface CacheLoad {
  readonly port: number;
  readonly keys: number;
  readonly valueBytes: number;
  /** How many are asked for until the cache has settled, and how many are counted after that. */
  readonly warmUp: number;
  readonly requests: number;
}

const batchSize = 500;

/** Share of requests that were found, in percent. The same keys in the same order for every server. */
export async function runCache(load: CacheLoad): Promise<number> {
  const redis = new Redis({ port: load.port, host: '127.0.0.1' });
  const value = Buffer.alloc(load.valueBytes, 'v');
  const draw = zipf(load.keys);
  let counted = 0;
  let hits = 0;
  for (let asked = 0; asked < load.warmUp + load.requests; asked += batchSize) {
    const keys = Array.from({ length: batchSize }, () => `key:${String(draw()).padStart(12, '0')}`);
    const read = redis.pipeline();
    for (const key of keys) read.getBuffer(key);
    const replies = (await read.exec()) ?? [];
    const write = redis.pipeline();
    const isCounted = asked >= load.warmUp;
    for (const [i, [error, found]] of replies.entries()) {
      if (error !== null) throw error;
      if (found === null) write.set(keys[i], value);
      if (!isCounted) continue;
      counted++;
      if (found !== null) hits++;
    }
    await write.exec();
  }
  redis.disconnect();
  return (100 * hits) / counted;
}

/** Ranks from 0, the first one asked for most: rank r as often as 1 / (r + 1). Always the same ones. */
export function zipf(count: number): () => number {
  let state = 1;
  const sums = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i++) sums[i] = sum += 1 / (i + 1);
  return () => {
    // A linear congruential generator, with the constants of Numerical Recipes.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const wanted = (state / 0x100000000) * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] <= wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
