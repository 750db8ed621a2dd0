/**
 * What one client gets from the service in a process of its own, over a real etcd. After a build:
 *
 *     node apps/tso-service/dist/tso-service.bench.js
 *
 * Two patterns: many callers that each want one timestamp, gathered by the client; and one caller, as a storage node
 * is, that wants as many as its turn has writes.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { systemEnv } from '@holdfast/common';
import { EtcdCluster } from '@holdfast/etcd/testing';
import { RemoteOracle } from '@holdfast/tso/remote';

const main = fileURLToPath(new URL('./main.js', import.meta.url));
const durationMs = 3000;

async function measure(oracle: RemoteOracle, callers: number, count: number): Promise<void> {
  const latencies: number[] = [];
  const startMs = performance.now();
  const run = async (): Promise<void> => {
    for (;;) {
      const beganMs = performance.now();
      if (beganMs - startMs > durationMs) return;
      await oracle.fetch(count);
      latencies.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, run));
  const seconds = (performance.now() - startMs) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number): string => `${latencies[Math.floor(latencies.length * share)].toFixed(2)} ms`;
  console.log(
    `${String(callers).padStart(5)} callers, ${String(count).padStart(5)} each: ` +
      `${Math.round((latencies.length * count) / seconds).toLocaleString('en')} timestamps/s, ` +
      `${Math.round(latencies.length / seconds).toLocaleString('en')} calls/s, p50 ${at(0.5)}, p99 ${at(0.99)}`,
  );
}

const etcd = await EtcdCluster.start();
const flags = [
  '--grpc-port',
  '0',
  '--http-port',
  '-1',
  '--log-level',
  'error',
  '--etcd',
  etcd.endpoints.join(','),
];
const service = spawn(process.execPath, [main, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
const line = await new Promise<string>((resolve) =>
  service.stdout.once('data', (chunk) => resolve(String(chunk))),
);
const oracle = new RemoteOracle({
  env: systemEnv(),
  endpoints: [(JSON.parse(line) as { grpc: string }).grpc],
});
await oracle.fetch(1);
for (const callers of [1, 10, 100, 400, 1000]) await measure(oracle, callers, 1);
for (const count of [10, 100, 1000]) await measure(oracle, 1, count);
await oracle.close();
service.kill('SIGTERM');
await new Promise((resolve) => service.once('exit', resolve));
await etcd.stop();
