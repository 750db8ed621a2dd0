export { brokenStoragePlaces } from './broken-storages.js';
export { digestOf, stateOf } from './digest.js';
export { emptyKeptIn } from './empty-kept.js';
export { type ChosenWrite, RandomWrites, type RandomWritesOptions } from './random-writes.js';
export {
  SeededScheduler,
  SimulatedContent,
  SimulatedOrderedStore,
} from './simulated-ordered-store.js';
export { type StorageCase, type StoragePlace, storageConformance } from './storage-conformance.js';
export { bytesOfText, StorageDriver } from './storage-driver.js';
