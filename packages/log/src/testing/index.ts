export { batchOf, entriesOf } from './assertions.js';
export { brokenLogStores, brokenSharedLogStores } from './broken-logs.js';
export { type LogCase, type LogStore, logConformance } from './log-conformance.js';
export { MemoryLog, MemoryLogStore } from './memory-log.js';
export {
  type DisruptableLogStore,
  type DisruptedLogCase,
  disruptedLogConformance,
  sharedLogConformance,
} from './shared-log-conformance.js';
export { type DiskFault, type DiskOperation, SimulatedDisk } from './simulated-disk.js';
export type { PowerLoss } from './simulated-file.js';
export { SimulatedLog } from './simulated-log.js';
export {
  type AppendRequest,
  type SimulatedLogClient,
  SimulatedLogServer,
  type SimulatedLogServerOptions,
} from './simulated-log-server.js';
export { type SimulatedFaults, SimulatedNetwork } from './simulated-network.js';
export { SimulatedRegister, SimulatedRegisterServer } from './simulated-register.js';
