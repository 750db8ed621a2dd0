export { checksum } from '@holdfast/common';
export type { Disk, DiskFile, DiskLock, OpenMode } from './disk.js';
export { EtcdLog, type EtcdLogOptions } from './etcd-log.js';
export { FileHighWaterMark } from './file-high-water-mark.js';
export { FileLog, type FileLogOptions, type FsyncPolicy } from './file-log.js';
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
  Unknown,
} from './log.js';
export { NodeDisk } from './node-disk.js';
export { readSmallFile, writeSmallFile } from './small-file.js';
