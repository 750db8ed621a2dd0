/**
 * Commands a second over one Batch stream, half GET, half PUT, server and client in processes of their own.
 * After a build:
 *
 *     node packages/client/dist/batch.bench.js [callers at a time] [seconds]
 *
 * Says how much processor time a command takes on either side, too: that does not depend on what else the
 * machine does.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { systemEnv } from '@holdfast/common';
import { openLocalStack } from '@holdfast/coord';
import { GrpcExporter } from '@holdfast/protocol';
import { connect, type KeyValueStore } from './index.js';

const keyCount = 10_000;
const valueBytes = 64;

async function serve(): Promise<void> {
  const env = systemEnv();
  const { coordinator, config } = await openLocalStack({ env, storage: 'memory', log: 'none', fsync: 'no' });
  const exporter = new GrpcExporter({ coordinator, env, config });
  process.send!(await exporter.listen(0, '127.0.0.1'));
  process.on('message', () => process.send!(cpuMicros()));
  await once(process, 'disconnect');
  await exporter.close();
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** One caller after the other: `concurrency` of them at a time, each waits for its reply. */
async function work(store: KeyValueStore, seed: number, untilMs: number): Promise<number> {
  const value = Buffer.alloc(valueBytes, 'v');
  let done = 0;
  for (let i = seed; performance.now() < untilMs; i++) {
    const key = `key:${(i * 7919) % keyCount}`;
    if (i & 1) await store.put(key, value);
    else await store.get(key);
    done++;
  }
  return done;
}

async function measure(concurrency: number, seconds: number): Promise<void> {
  const server = fork(fileURLToPath(import.meta.url), ['serve'], { execArgv: process.execArgv });
  const [port] = await once(server, 'message');
  const store = connect({ address: `127.0.0.1:${port}` });
  await Promise.all(
    Array.from({ length: keyCount }, (_, i) => store.put(`key:${i}`, 'v'.repeat(valueBytes))),
  );
  const serverMicros = async (): Promise<number> => {
    server.send('cpu');
    const [micros] = await once(server, 'message');
    return micros;
  };
  for (const [name, lasting] of [
    ['warm-up', 2],
    ['measured', seconds],
  ] as const) {
    const startMs = performance.now();
    const before = [cpuMicros(), await serverMicros()];
    const untilMs = startMs + lasting * 1000;
    const workers = Array.from({ length: concurrency }, (_, i) => work(store, i * 31, untilMs));
    const done = (await Promise.all(workers)).reduce((sum, count) => sum + count, 0);
    const rate = Math.round((done / (performance.now() - startMs)) * 1000);
    const after = [cpuMicros(), await serverMicros()];
    const [client, served] = after.map((micros, i) => ((micros - before[i]) / done).toFixed(2));
    console.log(
      `${name}: ${rate} commands/s, ${concurrency} at a time; ${client} us client, ${served} us server each`,
    );
  }
  await store.close();
  server.disconnect();
}

if (process.argv[2] === 'serve') await serve();
else await measure(Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 5));
