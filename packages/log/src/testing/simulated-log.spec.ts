import { type Random, randomBelow } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import type { AppendOutcome, Committed, Refused } from '../log.js';
import { simulatedLogStore } from './broken-logs.js';
import { logConformance } from './log-conformance.js';
import { disruptedLogConformance, sharedLogConformance } from './shared-log-conformance.js';
import { SimulatedLog } from './simulated-log.js';
import { SimulatedLogServer } from './simulated-log-server.js';

describe('SimulatedLog without faults', () => {
  for (const { name, run } of [...logConformance, ...sharedLogConformance, ...disruptedLogConformance]) {
    it(name, () => run(simulatedLogStore()));
  }
});

/** Lets virtual time pass until `done` is settled. */
async function drive<T>(env: SimulatedEnv, done: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = done.finally(() => {
    isSettled = true;
  });
  while (!isSettled) {
    await new Promise(setImmediate);
    env.advance(1);
  }
  return settled;
}

const pause = (env: SimulatedEnv, ms: number): Promise<void> =>
  new Promise((resolve) => env.timers.setTimeout(resolve, ms));

/** What a writer was told of its appends: the position, or -1 for refused. Those not named are unknown. */
type Told = Map<string, number>;

async function persist<T>(env: SimulatedEnv, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch {
      await pause(env, 50);
    }
  }
}

/** Takes over, appends until somebody else did, and again; `told` gets every outcome. */
async function write(
  env: SimulatedEnv,
  random: Random,
  log: SimulatedLog,
  told: Told,
  untilMs: number,
): Promise<void> {
  let count = 0;
  const tell = (name: string, outcome: Committed | Refused): void => {
    told.set(name, outcome.kind === 'committed' ? outcome.position : -1);
  };
  while (env.clock.monotonic() < untilMs) {
    let { tail, epoch } = await persist(env, () => log.state());
    epoch++;
    for (let isLeader = true; isLeader && env.clock.monotonic() < untilMs; ) {
      const names = Array.from({ length: 1 + randomBelow(random, 4) }, () => `${log.name}:${count++}`);
      const outcomes: AppendOutcome[] = await Promise.all(
        names.map((name, i) => log.append(Buffer.from(name), tail + i, epoch)),
      );
      const unknown = names.filter((_, i) => outcomes[i].kind === 'unknown');
      const resolved = unknown.length > 0 ? await persist(env, () => log.resolve()) : [];
      expect(resolved.length).toBe(unknown.length);
      names.forEach((name, i) => {
        const outcome = outcomes[i];
        tell(name, outcome.kind === 'unknown' ? resolved[unknown.indexOf(name)] : outcome);
      });
      isLeader =
        names.every((name) => told.get(name)! > 0) || outcomes.some(({ kind }) => kind === 'unknown');
      tail = log.committedPosition;
      await pause(env, randomBelow(random, 5));
    }
    await pause(env, randomBelow(random, 200));
  }
}

describe('SimulatedLog with faults', () => {
  it('keeps what it called committed, and nothing that it called refused', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const env = new SimulatedEnv(seed);
      const server = new SimulatedLogServer({ env, timeoutMs: 100, pollMs: 100 });
      server.setFaults({ delayMs: [0, 30], loss: 0.05, duplication: 0.1, lateness: 0.05 });
      const names = ['a', 'b', 'c'];
      const told: Told = new Map();
      const writers = names.map((name) => write(env, env.random, new SimulatedLog(server, name), told, 5000));
      const partitions = (async () => {
        for (let i = 0; i < 10; i++) {
          const name = names[randomBelow(env.random, names.length)];
          server.partition(name);
          await pause(env, randomBelow(env.random, 400));
          server.heal(name);
        }
      })();
      await drive(env, Promise.all([...writers, partitions]));
      env.advance(10_000);
      const { entries } = server.store;
      const found = entries.map(({ batch }) => Buffer.from(batch).toString());
      expect(new Set(found).size, `seed ${seed}`).toBe(found.length);
      const committed = [...told].filter(([, position]) => position > 0);
      expect(committed.length, `seed ${seed}`).toBeGreaterThan(20);
      expect(new Map(found.map((name, i) => [name, i + 1])), `seed ${seed}`).toEqual(new Map(committed));
    }
  });

  it('wakes a follower though notifications are lost, and leaves nothing out', async () => {
    const env = new SimulatedEnv(7);
    const server = new SimulatedLogServer({ env, timeoutMs: 100, pollMs: 100 });
    server.setFaults({ delayMs: [0, 30], loss: 0.3 });
    const follower = new SimulatedLog(server, 'follower');
    const follow = async (): Promise<number[]> => {
      const positions: number[] = [];
      while (positions.length < 50) {
        await follower.waitBeyond(positions.length);
        await persist(env, async () => {
          for await (const { position } of follower.read(positions.length + 1)) positions.push(position);
        });
      }
      return positions;
    };
    const append = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) {
        server.append({ batches: [new Uint8Array(1)], after: i, epoch: 1, writer: 99, sequence: i + 1 });
        await pause(env, 20);
      }
    };
    const [positions] = await drive(env, Promise.all([follow(), append()]));
    expect(positions).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });
});
