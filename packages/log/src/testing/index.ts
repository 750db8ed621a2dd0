export { brokenLogStores } from './broken-logs.js';
export { batchOf, entriesOf, type LogCase, type LogStore, logConformance } from './log-conformance.js';
export { MemoryLog, MemoryLogStore } from './memory-log.js';
export { type DiskFault, type DiskOperation, SimulatedDisk } from './simulated-disk.js';
