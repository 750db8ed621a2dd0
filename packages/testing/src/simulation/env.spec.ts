import { envConformance } from '@holdfast/common/testing';
import { describe, it } from 'vitest';
import { noFaults } from './fault-profile.js';
import { Simulation } from './simulation.js';

function makeSimulation(): Simulation {
  // Clocks that are wrong are clocks all the same.
  const clocks = { ...noFaults.clocks, skewMaxMs: 10_000, driftMaxPpm: 500 };
  return new Simulation({ seed: 1, profile: { ...noFaults, clocks } });
}

describe('the Env of a simulated node', () => {
  for (const { name, run } of envConformance) {
    it(name, () => {
      const simulation = makeSimulation();
      const { life } = simulation.addNode('a', { program: () => {} });
      return run({ env: life!.env, pass: (ms) => passOn(simulation, ms) });
    });
  }
});

describe('the Env beside the nodes', () => {
  for (const { name, run } of envConformance) {
    it(name, () => {
      const simulation = makeSimulation();
      return run({ env: simulation.env, pass: (ms) => passOn(simulation, ms) });
    });
  }
});

/** A clock that is slow needs a little longer. */
function passOn(simulation: Simulation, ms: number): Promise<void> {
  return simulation.run(ms * 1.001);
}
