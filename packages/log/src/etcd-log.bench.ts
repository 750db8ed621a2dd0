/**
 * Appends to a log in three real members of etcd on this machine: a plain script, after a build:
 *
 *     node packages/log/dist/etcd-log.bench.js
 */
import { systemEnv } from '@holdfast/common';
import { EtcdCluster } from '@holdfast/etcd/testing';
import { EtcdLog } from './etcd-log.js';

const durationMs = 2000;
const env = systemEnv();
const cluster = await EtcdCluster.start({ members: 3 });
const etcd = await cluster.connect();

/** Keeps `inFlight` appends of `length` bytes under way; prints what came of it. */
async function measure(inFlight: number, length: number): Promise<void> {
  const prefix = `bench/${inFlight}-${length}/`;
  const log = await EtcdLog.open({ etcd, env, prefix });
  const batch = Buffer.alloc(length, 0x61);
  const latencies: number[] = [];
  const startMs = performance.now();
  let after = 0;
  const run = async (): Promise<void> => {
    while (performance.now() - startMs < durationMs) {
      const beganMs = performance.now();
      const outcome = await log.append(batch, after++, 1);
      if (outcome.kind !== 'committed') throw new Error(JSON.stringify(outcome));
      latencies.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, run));
  const seconds = (performance.now() - startMs) / 1000;
  await log.close();
  await EtcdLog.drop(etcd, prefix);
  latencies.sort((a, b) => a - b);
  const at = (share: number): string => `${latencies[Math.floor(latencies.length * share)].toFixed(1)} ms`;
  console.log(
    `${String(inFlight).padStart(3)} in flight, ${String(length).padStart(7)} bytes: ` +
      `${Math.round(latencies.length / seconds)} appends/s, ` +
      `${((latencies.length * length) / seconds / 1e6).toFixed(1)} MB/s, p50 ${at(0.5)}, p99 ${at(0.99)}`,
  );
}

for (const length of [100, 10_000, 100_000, 256 * 1024, 1024 * 1024]) await measure(1, length);
for (const length of [100, 10_000]) await measure(50, length);
await measure(1, 8 * 1024 * 1024);
etcd.close();
await cluster.stop();
