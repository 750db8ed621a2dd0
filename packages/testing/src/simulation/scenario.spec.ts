/** The simulator finds what is wrong with a replicated register, and nothing wrong with one that is right. */
import { describe, expect, it } from 'vitest';
import type { Mistake } from '../testing/example/replica.js';
import { replicatedRegister } from '../testing/example/replicated-register.js';
import { assertDeterministic, exploreSeeds, findFailure, runSeed, type Scenario } from './scenario.js';

const { HOLDFAST_SEED, HOLDFAST_SEEDS } = process.env;
/** HOLDFAST_SEEDS runs that many, HOLDFAST_SEED that one. */
const count = HOLDFAST_SEED === undefined ? Number(HOLDFAST_SEEDS ?? 150) : 1;
const first = Number(HOLDFAST_SEED ?? 1);

describe('a replicated register', () => {
  it(
    `is right with ${count} seeds from ${first} on`,
    () => exploreSeeds(replicatedRegister(null), { count, first }),
    20_000 + count * 500,
  );

  it.each<Mistake>(['ack before commit', 'ignored lease', 'stale tail', 'skipped gap'])(
    'is found to be wrong with the mistake: %s',
    async (mistake) => {
      const failure = await findFailure(replicatedRegister(mistake), { count: 300 });
      expect(failure?.message).toContain(`fails with seed ${failure?.seed} after`);
      expect(failure?.message).toMatch(/register "k\d" is not linearizable: /);
      expect(failure?.message).not.toContain('not deterministic');
      expect(failure?.trace.length).toBeGreaterThan(500);
    },
  );

  it('runs the same way each time, to the byte, and in another way with another seed', async () => {
    const scenario = replicatedRegister(null, 3000);
    const traces = new Set<string>();
    for (let seed = 1; seed <= 10; seed++) {
      await assertDeterministic(scenario, seed);
      traces.add((await runSeed(scenario, seed, { isTraced: true })).trace.join('\n'));
    }
    expect(traces.size).toBe(10);
  });

  it('runs the same way with and without a trace', async () => {
    const scenario = replicatedRegister(null, 3000);
    const [plain, traced] = [await runSeed(scenario, 7), await runSeed(scenario, 7, { isTraced: true })];
    expect(plain.eventCount).toBe(traced.eventCount);
    expect(plain.trace).toEqual([]);
  });
});

describe('a scenario', () => {
  const idle: Scenario = {
    name: 'idle',
    faultsMs: 1000,
    quietMs: 1000,
    prepare: (simulation) => {
      for (const name of ['a', 'b', 'c']) simulation.addNode(name, { program: () => {} });
      return { isDone: () => true, check: () => {} };
    },
  };

  it('that is not done in the quiet phase fails', async () => {
    const stuck: Scenario = {
      ...idle,
      prepare: (simulation) => ({ ...idle.prepare(simulation), isDone: () => false }),
    };
    const failure = await findFailure(stuck, { count: 10 });
    expect(failure?.message).toContain(
      'idle fails with seed 1 after 2000 ms of virtual time: not done 1000 ms',
    );
  });

  it('that depends on more than its seed is found out', async () => {
    let runs = 0;
    const varying: Scenario = {
      ...idle,
      prepare: (simulation) => {
        const nth = ++runs;
        simulation.addNode('d', { program: (life) => life.log(`run ${nth}`) });
        return idle.prepare(simulation);
      },
    };
    await expect(assertDeterministic(varying, 1)).rejects.toThrow(
      /differ at line 4.*first: .*run 1.*second: .*run 2/s,
    );
    const flaky: Scenario = {
      ...idle,
      prepare: (simulation) => ({
        ...idle.prepare(simulation),
        check: () => {
          if (++runs % 2 === 1) throw new Error('sometimes');
        },
      }),
    };
    runs = 0;
    expect((await findFailure(flaky, { count: 1 }))?.message).toContain('the run is not deterministic');
  });

  it('has every kind of fault in some seeds, and everybody up and connected after them', async () => {
    const seen = new Map<string, number>();
    const kinds = ['is killed', 'loses power', 'is paused', 'goes on', 'parts', '->|', 'has its clock set'];
    for (let seed = 1; seed <= 40; seed++) {
      const checked: Scenario = {
        ...idle,
        faultsMs: 20_000,
        prepare: (simulation) => ({
          ...idle.prepare(simulation),
          check: () => {
            for (const node of simulation.nodes) {
              expect(node.life?.isAlive).toBe(true);
              expect(node.isPaused).toBe(false);
              for (const { name } of simulation.nodes)
                expect(simulation.network.isBlocked(node.name, name)).toBe(false);
            }
          },
        }),
      };
      const { error, trace } = await runSeed(checked, seed, { isTraced: true });
      expect(error).toBe(null);
      for (const kind of kinds) {
        if (trace.some((line) => line.includes(kind))) seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    }
    for (const kind of kinds) {
      expect(seen.get(kind), kind).toBeGreaterThan(2);
      expect(seen.get(kind), kind).toBeLessThan(40);
    }
  });
});
