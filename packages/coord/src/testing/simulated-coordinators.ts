/** LocalCoordinators over virtual time and a simulated disk, for the conformance suite. */
import { SimulatedEnv } from '@holdfast/common/testing';
import { SimulatedDisk } from '@holdfast/log/testing';
import type { Coordinator } from '../coordinator.js';
import { openLocalStack } from '../local-stack.js';
import type { CoordinatorStore, CoordinatorUnderTest } from './coordinator-conformance.js';

/** Turns of the event loop in which the disk does what it was told. */
const diskTurns = 4;

/** Memory storage, over a log that syncs every batch, or none. `change` puts something around each coordinator. */
export function simulatedCoordinators(
  log: 'none' | 'file',
  change: (coordinator: Coordinator) => Coordinator = (coordinator) => coordinator,
): CoordinatorStore {
  const env = new SimulatedEnv();
  const disk = new SimulatedDisk();
  return {
    isDurable: log === 'file',
    async open(): Promise<CoordinatorUnderTest> {
      const stack = await openLocalStack({
        env,
        disk,
        storage: 'memory',
        log,
        fsync: 'always',
        directory: '/data',
        segmentBytes: 1 << 20,
        inlineSyncMsMax: 0,
      });
      return {
        coordinator: change(stack.coordinator),
        close: () => stack.close(),
        async pass(ms) {
          env.advance(ms);
          for (let turn = 0; turn < diskTurns; turn++) await new Promise((resolve) => setImmediate(resolve));
        },
      };
    },
    async crash() {
      disk.crash();
    },
  };
}
