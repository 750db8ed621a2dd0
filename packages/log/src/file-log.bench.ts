/**
 * The append path against a real disk: a plain script, because what counts is time per sync under a
 * pattern of load, which a loop of iterations does not show. After a build:
 *
 *     node packages/log/dist/file-log.bench.js [directory]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemEnv } from '@holdfast/common';
import { FileLog } from './file-log.js';
import type { FsyncPolicy } from './group-commit.js';
import { NodeDisk } from './node-disk.js';

const parent = process.argv[2] ?? process.cwd();
const durationMs = 2000;

/** Keeps `inFlight` appends of `length` bytes under way, one per turn of the loop; prints what came of it. */
async function measure(fsync: FsyncPolicy, inFlight: number, length: number): Promise<void> {
  const directory = mkdtempSync(join(parent, '.bench-'));
  const log = await FileLog.open({ disk: new NodeDisk(), env: systemEnv(), directory, fsync });
  const batch = Buffer.alloc(length, 0x61);
  const latencies: number[] = [];
  const start = performance.now();
  let after = 0;
  const run = async () => {
    while (performance.now() - start < durationMs) {
      const began = performance.now();
      const outcome = log.appendSync(batch, after, 1) ?? (await log.append(batch, after++, 1));
      if (outcome.kind !== 'committed') throw new Error(JSON.stringify(outcome));
      if (fsync !== 'always') after = outcome.position;
      latencies.push(performance.now() - began);
      if (fsync !== 'always' && (after & 63) === 0) await new Promise(setImmediate);
      if (after % 5000 === 0) await log.trim(after - 2000);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, run));
  const seconds = (performance.now() - start) / 1000;
  await log.close();
  rmSync(directory, { recursive: true });
  latencies.sort((a, b) => a - b);
  const at = (share: number) => `${Math.round(latencies[Math.floor(latencies.length * share)] * 1000)} us`;
  console.log(
    `${fsync.padEnd(8)} ${String(inFlight).padStart(3)} in flight, ${String(length).padStart(6)} bytes: ` +
      `${Math.round(latencies.length / seconds)} appends/s, ` +
      `${((latencies.length * length) / seconds / 1e6).toFixed(0)} MB/s, p50 ${at(0.5)}, p99 ${at(0.99)}`,
  );
}

for (const length of [100, 2_000, 16_000, 100_000]) {
  for (const inFlight of [1, 2, 50]) await measure('always', inFlight, length);
}
for (const length of [100, 2_000, 16_000]) await measure('everysec', 1, length);
