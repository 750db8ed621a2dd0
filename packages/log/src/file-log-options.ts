/** How a log in segment files is opened. */
import type { Env } from '@holdfast/common';
import type { Disk } from './disk.js';
import type { FsyncPolicy } from './group-commit.js';
import type { Position } from './log.js';

export interface FileLogOptions {
  readonly disk: Disk;
  readonly env: Env;
  /** Belongs to the log alone; made when missing, locked while the log is open. */
  readonly directory: string;
  readonly fsync: FsyncPolicy;
  /** Usual size of a segment file. */
  readonly segmentBytes?: number;
  /** For a log that is new: the position its first entry follows. 0 when not given. */
  readonly startAfter?: Position;
  /** Whether a log with an unfinished end is refused, KvError CORRUPT, instead of cut; false when not given. */
  readonly refusesCut?: boolean;
  /** Whether a log that is not there is made; true when not given. */
  readonly create?: boolean;
  /**
   * Whether the file that is written first is filled with zeros before the log is open; true when not given. Without,
   * it opens at once, and syncs of that file take longer.
   */
  readonly isFilled?: boolean;
  /** No writer below it is taken, as if there were an entry of this epoch. 0 when not given. */
  readonly startEpoch?: number;
  /**
   * With `always`, `appendSync` syncs by itself, blocking, while that takes less than this on average, in ms:
   * see sync-gauge.ts. 0, the default: it never does.
   */
  readonly inlineSyncMsMax?: number;
}
