/**
 * Calls of a client library, each awaited by its caller, many callers at a time: ours over gRPC's Batch stream, and
 * ioredis with automatic pipelining over the Redis protocol. The client's own work counts.
 */
import { connect } from '@holdfast/client';
import { Redis } from 'ioredis';
import type { RunningServer } from './servers.js';

export interface ClientLoad {
  readonly callers: number;
  readonly seconds: number;
  readonly keys: number;
  readonly valueBytes: number;
}

interface Client {
  get(key: string): Promise<unknown>;
  put(key: string, value: Buffer): Promise<unknown>;
  close(): Promise<unknown>;
}

function clientOf(server: RunningServer): Client {
  if (server.name === 'ours') return connect({ address: server.grpc });
  const redis = new Redis({ port: server.port, host: '127.0.0.1', enableAutoPipelining: true });
  return {
    get: (key) => redis.getBuffer(key),
    put: (key, value) => redis.set(key, value),
    close: async () => redis.disconnect(),
  };
}

/** Commands per second, half GET, half SET. */
export async function runClient(server: RunningServer, load: ClientLoad): Promise<number> {
  const client = clientOf(server);
  const value = Buffer.alloc(load.valueBytes, 'v');
  const untilMs = performance.now() + load.seconds * 1000;
  const call = async (first: number): Promise<number> => {
    let done = 0;
    for (let i = first; performance.now() < untilMs; i++, done++) {
      const key = `key:${String((i * 7919) % load.keys).padStart(12, '0')}`;
      if (i & 1) await client.put(key, value);
      else await client.get(key);
    }
    return done;
  };
  const startMs = performance.now();
  const counts = await Promise.all(Array.from({ length: load.callers }, (_, i) => call(i * 31)));
  const rate = (counts.reduce((sum, count) => sum + count, 0) * 1000) / (performance.now() - startMs);
  await client.close();
  return rate;
}
