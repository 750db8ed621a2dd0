import { describe, expect, it } from 'vitest';
import { callChannel } from './channels.js';
import { noFaults } from './fault-profile.js';
import type { NodeLife } from './node-life.js';
import { Simulation } from './simulation.js';

const seed = 1;
const idle = () => {};

/** Collects what is said, with the virtual time of each. */
function recorder(simulation: Simulation): { said: string[]; say: (text: string) => void } {
  const said: string[] = [];
  return { said, say: (text) => said.push(`${Math.round(simulation.nowMs)} ${text}`) };
}

describe('a simulation', () => {
  it('lets virtual time pass as its events say, hours in no time', async () => {
    const simulation = new Simulation({ seed });
    const { said, say } = recorder(simulation);
    simulation.addNode('a', {
      program: async (life) => {
        for (let i = 0; i < 3; i++) {
          await life.sleep(3_600_000);
          say(`hour ${i}`);
        }
      },
    });
    await simulation.run(10_000_000);
    expect(said).toEqual(['3600000 hour 0', '7200000 hour 1']);
    expect(simulation.nowMs).toBe(10_000_000);
    await simulation.run(10_000_000);
    expect(said).toHaveLength(3);
  });

  it('runs until something holds, and says when it did not in time', async () => {
    const simulation = new Simulation({ seed });
    let isThere = false;
    simulation.addNode('a', {
      program: async (life) => {
        await life.sleep(50);
        isThere = true;
      },
    });
    expect(await simulation.runUntil(() => isThere, 20)).toBe(false);
    expect(await simulation.runUntil(() => isThere, 1000)).toBe(true);
    expect(simulation.nowMs).toBe(50);
  });

  it('fires timers in order, immediates at once, and none that was cleared', async () => {
    const simulation = new Simulation({ seed });
    const { said, say } = recorder(simulation);
    simulation.addNode('a', {
      program: ({ env: { timers } }) => {
        timers.setTimeout(() => say('late'), 20);
        timers.setTimeout(() => say('first'), 10);
        timers.setTimeout(() => say('second'), 10);
        timers.clearTimeout(timers.setTimeout(() => say('never'), 15));
        timers.setImmediate(() => say('now'));
      },
    });
    await simulation.run(100);
    expect(said).toEqual(['0 now', '10 first', '10 second', '20 late']);
  });

  it('gives each node a clock of its own', async () => {
    const clocks = { ...noFaults.clocks, skewMaxMs: 500, driftMaxPpm: 100_000 };
    const simulation = new Simulation({ seed, profile: { ...noFaults, clocks } });
    const [a, b] = ['a', 'b'].map((name) => simulation.addNode(name, { program: idle }));
    const start = a.clock.now();
    expect(start).not.toBe(b.clock.now());
    await simulation.run(100_000);
    const [advancedA, advancedB] = [a, b].map(({ clock }) => clock.monotonic());
    expect(Math.abs(advancedA - advancedB)).toBeGreaterThan(100);
    expect(a.clock.now() - start).toBeCloseTo(advancedA, -1);
    a.clock.jump(-50_000);
    expect(a.clock.now()).toBeLessThan(start + advancedA - 49_000);
    expect(a.clock.monotonic()).toBe(advancedA);
  });

  it('counts timers by the clock of their node', async () => {
    const clocks = { ...noFaults.clocks, driftMaxPpm: 100_000 };
    const simulation = new Simulation({ seed, profile: { ...noFaults, clocks } });
    const slept: number[] = [];
    const program = async (life: NodeLife) => {
      const startMs = life.env.clock.monotonic();
      await life.sleep(1000);
      slept.push(life.env.clock.monotonic() - startMs, simulation.nowMs);
    };
    for (const name of ['a', 'b']) simulation.addNode(name, { program });
    await simulation.run(5000);
    const [oneMs, oneVirtualMs, otherMs, otherVirtualMs] = slept;
    expect(oneMs).toBeCloseTo(1000, 6);
    expect(otherMs).toBeCloseTo(1000, 6);
    expect(Math.abs(oneVirtualMs - otherVirtualMs)).toBeGreaterThan(1);
  });
});

describe('a clock that drifts', () => {
  it('never fires a timer before its time, not even by a rounding error', async () => {
    const clocks = { ...noFaults.clocks, driftMaxPpm: 200_000 };
    const early: number[] = [];
    for (let seed = 1; seed <= 20; seed++) {
      const simulation = new Simulation({ seed, profile: { ...noFaults, clocks } });
      simulation.addNode('a', {
        program: async (life) => {
          const { clock, random } = life.env;
          for (;;) {
            const delayMs = random.uint32() / 1e8;
            const dueMs = clock.monotonic() + delayMs;
            await life.sleep(delayMs);
            if (clock.monotonic() < dueMs) early.push(dueMs - clock.monotonic());
          }
        },
      });
      await simulation.run(10_000);
    }
    expect(early).toEqual([]);
  });
});

describe('a node that crashes', () => {
  it('does nothing more, and starts anew', async () => {
    const simulation = new Simulation({ seed });
    const { said, say } = recorder(simulation);
    const node = simulation.addNode('a', {
      program: async (life) => {
        for (;;) {
          say(`life ${life.number}`);
          await life.sleep(10);
        }
      },
    });
    await simulation.run(15);
    const { life } = node;
    node.crash('process');
    await simulation.run(15);
    expect([node.life, life?.isAlive]).toEqual([null, false]);
    node.start();
    expect(() => node.start()).toThrow('a runs already');
    await simulation.run(5);
    expect(said).toEqual(['0 life 1', '10 life 1', '30 life 2']);
  });

  it('takes its disks along as the crash is', async () => {
    const simulation = new Simulation({ seed });
    const happened: string[] = [];
    const disk = { crash: () => happened.push('crash'), kill: () => happened.push('kill') };
    const node = simulation.addNode('a', { program: idle, disks: [disk] });
    node.crash('process');
    node.crash('power');
    node.start();
    node.crash('power');
    expect(happened).toEqual(['kill', 'crash']);
  });

  it('in the middle of what it does sends nothing after that', async () => {
    const simulation = new Simulation({ seed });
    const ping = callChannel<string, string>('ping');
    const got: string[] = [];
    simulation.addNode('b', {
      program: ({ network }) => {
        network.serve(ping, (text) => {
          got.push(text);
          return text;
        });
      },
    });
    const node = simulation.addNode('a', {
      program: async (life) => {
        await life.network.call('b', ping, 'before', { timeoutMs: 100 });
        node.crash('power');
        await life.network.call('b', ping, 'after', { timeoutMs: 100 });
      },
    });
    await simulation.run(1000);
    expect(got).toEqual(['before']);
  });
});

describe('a node that is paused', () => {
  it('does later what came due, in order, while its clock goes on', async () => {
    const simulation = new Simulation({ seed });
    const { said, say } = recorder(simulation);
    const node = simulation.addNode('a', {
      program: async ({ env: { timers, clock } }) => {
        for (const ms of [10, 20, 30, 200]) timers.setTimeout(() => say(`${ms} at ${clock.monotonic()}`), ms);
      },
    });
    await simulation.run(15);
    node.pause();
    await simulation.run(85);
    expect(said).toEqual(['10 10 at 10']);
    node.resume();
    await simulation.run(200);
    expect(said).toEqual(['10 10 at 10', '100 20 at 100', '100 30 at 100', '200 200 at 200']);
  });

  it('and crashes then has nothing left to do', async () => {
    const simulation = new Simulation({ seed });
    const { said, say } = recorder(simulation);
    const node = simulation.addNode('a', {
      program: ({ number, env: { timers } }) => {
        timers.setTimeout(() => say(`life ${number}`), 10);
      },
    });
    node.pause();
    await simulation.run(50);
    node.crash('process');
    node.start();
    await simulation.run(50);
    expect(said).toEqual(['60 life 2']);
  });
});

describe('a simulation fails', () => {
  it.each<[string, (life: NodeLife) => void | Promise<void>]>([
    [
      'when a program throws',
      () => {
        throw new Error('wrong');
      },
    ],
    [
      'when a program rejects',
      async (life) => {
        await life.sleep(10);
        throw new Error('wrong');
      },
    ],
    [
      'when a timer throws',
      ({ env: { timers } }) => {
        timers.setTimeout(() => {
          throw new Error('wrong');
        }, 10);
      },
    ],
  ])('%s', async (_name, program) => {
    const simulation = new Simulation({ seed });
    simulation.addNode('a', { program });
    await expect(simulation.run(100)).rejects.toThrow('wrong');
    await expect(simulation.run(100)).rejects.toThrow('wrong');
  });

  it('when time stands still', async () => {
    const simulation = new Simulation({ seed });
    simulation.addNode('a', {
      program: ({ env: { timers } }) => {
        const again = () => timers.setImmediate(again);
        again();
      },
    });
    await expect(simulation.run(100)).rejects.toThrow('time stands still');
  });

  it.each<[string, () => unknown]>([
    ['now', () => Date.now()],
    ['now', () => performance.now()],
    ['random', () => Math.random()],
    ['setTimeout', () => setTimeout(idle, 0)],
    ['setImmediate', () => setImmediate(idle)],
  ])('when a program takes %s of the process, even if it does not say so', async (name, use) => {
    const simulation = new Simulation({ seed });
    simulation.addNode('a', {
      program: async (life) => {
        await life.sleep(10);
        try {
          use();
        } catch {}
        await life.sleep(10);
      },
    });
    await expect(simulation.run(100)).rejects.toThrow(`${name} of the process in a simulation: use Env`);
    use();
  });

  it('not when it is told to leave the process alone', async () => {
    const simulation = new Simulation({ seed, isGuarded: false });
    let now = 0;
    simulation.addNode('a', {
      program: () => {
        now = Date.now();
      },
    });
    await simulation.run(1);
    expect(now).toBeGreaterThan(0);
  });
});
