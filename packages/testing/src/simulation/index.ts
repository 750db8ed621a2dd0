export {
  type CallChannel,
  callChannel,
  type MessageChannel,
  messageChannel,
  type StreamChannel,
  streamChannel,
} from './channels.js';
export {
  type FaultProfile,
  type FaultRhythm,
  type NetworkFaults,
  noFaults,
  randomFaultProfile,
} from './fault-profile.js';
export type { LifeNetwork } from './life-network.js';
export { Nemesis } from './nemesis.js';
export type { SimulatedNetwork } from './network.js';
export type { NodeClock } from './node-clock.js';
export type { NodeLife } from './node-life.js';
export {
  assertDeterministic,
  type ExploreOptions,
  exploreSeeds,
  findFailure,
  type RunReport,
  runSeed,
  type Scenario,
  type ScenarioRun,
  SimulationFailure,
} from './scenario.js';
export type { CrashKind, NodeOptions, SimulatedDevice, SimulatedNode } from './simulated-node.js';
export { Simulation, type SimulationOptions } from './simulation.js';
export type { Stream, StreamClose } from './stream.js';
export type { Trace } from './trace.js';
