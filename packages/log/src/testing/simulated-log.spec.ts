import { randomBelow } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { simulatedLogStore } from './broken-logs.js';
import { Contest } from './contest.js';
import { logConformance } from './log-conformance.js';
import { disruptedLogConformance, sharedLogConformance } from './shared-log-conformance.js';
import { SimulatedLog } from './simulated-log.js';
import { SimulatedLogServer } from './simulated-log-server.js';
import { SimulatedNetwork } from './simulated-network.js';

describe('SimulatedLog without faults', () => {
  for (const { name, run } of [...logConformance, ...sharedLogConformance, ...disruptedLogConformance]) {
    it(name, () => run(simulatedLogStore()));
  }
});

describe('SimulatedLog with faults', () => {
  it('keeps what it called committed, and nothing that it called refused', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const env = new SimulatedEnv(seed);
      const network = new SimulatedNetwork(env, 100);
      const server = new SimulatedLogServer({ network, pollMs: 100 });
      network.setFaults({ delayMs: [0, 30], loss: 0.05, duplication: 0.1, lateness: 0.05 });
      const contest = new Contest({
        random: env.random,
        pause: (ms) => env.sleep(ms),
        isOver: () => env.clock.monotonic() > 5000,
        title: `seed ${seed}`,
      });
      const names = ['a', 'b', 'c'];
      const writers = names.map((name) => contest.write(name, new SimulatedLog(server, name)));
      const partitions = (async () => {
        for (let i = 0; i < 10; i++) {
          const name = names[randomBelow(env.random, names.length)];
          network.partition(name);
          await env.sleep(randomBelow(env.random, 400));
          network.heal(name);
        }
      })();
      await env.until(Promise.all([...writers, partitions]));
      env.advance(10_000);
      contest.assertKept(server.store.entries);
      expect(contest.committedCount).toBeGreaterThan(20);
      expect(contest.unknownCount).toBeGreaterThan(5);
    }
  });

  it('wakes a follower though notifications are lost, and leaves nothing out', async () => {
    const env = new SimulatedEnv(7);
    const network = new SimulatedNetwork(env, 100);
    const server = new SimulatedLogServer({ network, pollMs: 100 });
    network.setFaults({ delayMs: [0, 30], loss: 0.3 });
    const follower = new SimulatedLog(server, 'follower');
    const follow = async (): Promise<number[]> => {
      const positions: number[] = [];
      while (positions.length < 50) {
        await follower.waitBeyond(positions.length);
        try {
          for await (const { position } of follower.read(positions.length + 1)) positions.push(position);
        } catch {
          // Lost on its way: asked again.
        }
      }
      return positions;
    };
    const append = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) {
        server.append({ batches: [new Uint8Array(1)], after: i, epoch: 1, writer: 99, sequence: i + 1 });
        await env.sleep(20);
      }
    };
    const [positions] = await env.until(Promise.all([follow(), append()]));
    expect(positions).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });
});
