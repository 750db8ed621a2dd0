export { checksum } from '@holdfast/common';
export { AtomicFile } from './atomic-file.js';
export { activeOf, type Chain, readChain, type Segment } from './chain.js';
export type { Disk, DiskFile, DiskLock, OpenMode } from './disk.js';
export { FileHighWaterMark } from './file-high-water-mark.js';
export { FileLog } from './file-log.js';
export type { FileLogOptions } from './file-log-options.js';
export { FileRegister } from './file-register.js';
export type { FsyncPolicy } from './group-commit.js';
export { batchBytesMax, segmentBytesDefault, syncIntervalMs } from './limits.js';
export type {
  AppendOutcome,
  Committed,
  Log,
  LogEntry,
  LogState,
  Position,
  RefusalReason,
  Refused,
  Staged,
  Unknown,
} from './log.js';
export { checkLog, type LogSummary } from './log-check.js';
export { NodeDisk } from './node-disk.js';
export { isLockName } from './node-lock.js';
export type { Segments } from './open-segments.js';
export { PositionWaiters } from './position-waiters.js';
export type { Register, RegisterState } from './register.js';
export { readSmallFile, writeSmallFile } from './small-file.js';
export { VirtualLog, type VirtualLogOptions } from './virtual-log.js';
