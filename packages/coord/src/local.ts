/** A whole server in this process, and who calls it: the part of `index.ts` that loads no gRPC. */
export { type Answer, Caller } from './caller.js';
export type { Commit, History, HistoryPage, ReadLimit } from './history/history.js';
export { historyBatches } from './history/history-batches.js';
export { allKeys, type KeyInterval, prefixInterval } from './key-interval.js';
export { type LocalStack, type LocalStackOptions, openLocalStack } from './local-stack.js';
export {
  deleteRange,
  entryOf,
  type RangeContext,
  type ScanEntry,
  type ScanOptions,
  type ScanPage,
  scanRange,
} from './range-scan.js';
export { ScanRoom } from './scan-room.js';
export { type Comparison, discardedBecause, transact } from './transact.js';
export { type TurnListener, Turns } from './turns.js';
export { unsupported, unsupportedArguments } from './unsupported.js';
