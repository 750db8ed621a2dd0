export { brokenHistories } from './broken-histories.js';
export {
  type CoordinatorCase,
  type CoordinatorStore,
  type CoordinatorUnderTest,
  coordinatorConformance,
} from './coordinator-conformance.js';
export { type HistoryCase, type HistoryUnderTest, historyConformance } from './history-conformance.js';
export { LocalServer, type Plain, plainOf, TestClient } from './local-server.js';
export { observeReadModes } from './read-modes.js';
export { simulatedCoordinators } from './simulated-coordinators.js';
export { StackClient } from './stack-client.js';
export { TestNode, type TestReplica, TestShard, testOracle } from './test-shards.js';
export { ToyCoordinator } from './toy-coordinator.js';
