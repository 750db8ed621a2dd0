/**
 * The directory of a log in files, taken for this process: its lock, the files ahead of their use, and those that hold
 * the log. Opening it recovers what a former process left, or begins a log. Nothing below it is touched any more once
 * it is closed, because another process may have it then.
 */
import { KvError, type Random } from '@holdfast/common';
import type { Disk, DiskLock } from './disk.js';
import { segmentBytesMin } from './limits.js';
import type { Position } from './log.js';
import { type RecoveredLog, recoverLog, startLog } from './recovery.js';
import { SegmentPool } from './segment-pool.js';
import { SegmentWriter } from './segment-writer.js';

export interface LogDirectoryOptions {
  readonly disk: Disk;
  readonly random: Random;
  readonly path: string;
  /** Usual size of a segment file. */
  readonly segmentBytes: number;
  /** For a log that is new: the position its first entry follows. */
  readonly startAfter: Position;
  /** Whether a log with an unfinished end is refused, KvError CORRUPT, instead of cut. */
  readonly refusesCut: boolean;
  /** Whether a log that is not there is made. */
  readonly create: boolean;
}

export class LogDirectory {
  readonly path: string;
  readonly pool: SegmentPool;
  readonly writer: SegmentWriter;
  /** What was there at opening. */
  readonly sealed: boolean;
  readonly cutFrames: number;
  readonly #lock: DiskLock;

  /** Throws KvError LOCKED, CORRUPT, DISK, INVALID. */
  static async open(options: LogDirectoryOptions): Promise<LogDirectory> {
    const { disk, path, random, segmentBytes } = options;
    if (!options.create && !(await disk.exists(path))) {
      throw new KvError('INVALID', `there is no log in ${path}`);
    }
    if (!(segmentBytes >= segmentBytesMin)) {
      throw new KvError('INVALID', `segmentBytes must be at least ${segmentBytesMin}, not ${segmentBytes}`);
    }
    await disk.makeDirectory(path);
    const lock = await disk.lock(path);
    const pool = new SegmentPool({ disk, directory: path, random, segmentBytes });
    try {
      const names = await disk.list(path);
      await pool.adopt(names);
      const recovered =
        (await recoverLog(disk, path, names, pool, options.refusesCut)) ??
        (await startLog(disk, path, pool, options.startAfter));
      return new LogDirectory(options, lock, pool, recovered);
    } catch (error) {
      await pool.close();
      await lock.release();
      throw error;
    }
  }

  private constructor(
    options: LogDirectoryOptions,
    lock: DiskLock,
    pool: SegmentPool,
    recovered: RecoveredLog,
  ) {
    const { disk, path, segmentBytes } = options;
    this.path = path;
    this.pool = pool;
    this.writer = new SegmentWriter({ disk, directory: path, segmentBytes, pool, recovered });
    this.sealed = recovered.sealed;
    this.cutFrames = recovered.cutFrames;
    this.#lock = lock;
  }

  async close(): Promise<void> {
    try {
      await this.pool.close();
      await this.writer.close();
    } finally {
      await this.#lock.release();
    }
  }
}
