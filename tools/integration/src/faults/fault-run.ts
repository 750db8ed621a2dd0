/** Faults one after the other, under load; then everything is well again, and what was seen is judged. */
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { pause } from '../server.js';
import type { ClusterUnderTest } from './cluster-under-test.js';
import type { Fault } from './nemesis.js';
import { Workload } from './workload.js';

export interface FaultRunOptions {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly clients?: number;
  readonly onFault?: (name: string, summary: string) => void;
}

/** How long the cluster may take to serve every key again once nothing is wrong any more, in ms. */
const recoveryMs = 20_000;

/** Each of `faults` in turn. Throws when what clients saw is not possible, or the cluster does not come back. */
export async function runFaults(cluster: ClusterUnderTest, options: FaultRunOptions): Promise<Workload> {
  const { seed, faults, clients = 12, onFault = () => {} } = options;
  const random: Random = new SeededRandom(seed);
  const ports = (): number[] => cluster.gateways.map(({ port }) => port);
  const workload = new Workload({ seed, clients, ports, prefix: 'faults:' });
  workload.start();
  try {
    await pause(500);
    for (const fault of faults) {
      await fault.run(cluster, random);
      cluster.heal();
      await comesBack(cluster, workload, fault);
      await pause(randomBelow(random, 300));
      onFault(fault.name, workload.summary());
    }
  } finally {
    await workload.stop();
  }
  workload.check();
  return workload;
}

/** Every key that was ever written is written again. */
async function comesBack(cluster: ClusterUnderTest, workload: Workload, fault: Fault): Promise<void> {
  const fromMs = Date.now();
  for (;;) {
    const late = [...workload.lastWriteMs].filter(([, ms]) => ms <= fromMs).map(([key]) => key);
    if (late.length === 0) return;
    if (Date.now() > fromMs + recoveryMs) {
      throw new Error(
        `after '${fault.name}' nothing is written to ${late.join(', ')}; ${workload.summary()}\n${cluster.logs()}`,
      );
    }
    await pause(20);
  }
}

/** In random order, each once. */
export function shuffled<T>(all: readonly T[], random: Random): T[] {
  const left = [...all];
  return all.map(() => left.splice(randomBelow(random, left.length), 1)[0]);
}
