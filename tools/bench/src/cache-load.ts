/** A cache before something slow: keys are asked for by Zipf's law, and what is missing is put in. */
import { connect, type Socket } from 'node:net';
import Parser from 'redis-parser';
import { encoded } from './write-load.js';

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
  const pipe = await Pipe.connect(load.port);
  const value = 'v'.repeat(load.valueBytes);
  const draw = zipf(load.keys);
  let hits = 0;
  for (let asked = 0; asked < load.warmUp + load.requests; asked += batchSize) {
    const keys = Array.from({ length: batchSize }, () => `key:${String(draw()).padStart(12, '0')}`);
    const found = await pipe.run(keys.map((key) => ['GET', key]));
    const missing = keys.filter((_, i) => found[i] === null);
    await pipe.run(missing.map((key) => ['SET', key, value]));
    if (asked >= load.warmUp) hits += batchSize - missing.length;
  }
  pipe.close();
  return (100 * hits) / load.requests;
}

/** Sends many commands in one write; nothing else is on its way meanwhile. */
class Pipe {
  readonly #socket: Socket;
  #replies: unknown[] = [];
  #onReply: () => void = () => {};
  #onError: (error: Error) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    const parser = new Parser({
      returnReply: (reply) => {
        this.#replies.push(reply);
        this.#onReply();
      },
      returnError: (error) => this.#onError(error),
    });
    socket.on('data', (chunk: Buffer) => parser.execute(chunk));
    socket.on('error', (error) => this.#onError(error));
  }

  static connect(port: number): Promise<Pipe> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Pipe(socket)));
      socket.once('error', reject);
    });
  }

  /** Rejects when one of the replies is an error. */
  run(commands: readonly (readonly string[])[]): Promise<readonly unknown[]> {
    if (commands.length === 0) return Promise.resolve([]);
    this.#replies = [];
    return new Promise((resolve, reject) => {
      this.#onReply = () => {
        if (this.#replies.length === commands.length) resolve(this.#replies);
      };
      this.#onError = reject;
      this.#socket.write(commands.map(encoded).join(''));
    });
  }

  close(): void {
    this.#socket.destroy();
  }
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
