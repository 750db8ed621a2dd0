/** What a server's persistence works with. */
import type { Env, KvError } from '@holdfast/common';
import type { Storage } from '@holdfast/storage';
import type { Committer } from './committer.js';
import type { KeptHistory } from './history/kept-history.js';
import type { KeptLog } from './kept-log.js';
import type { LocalCommitter } from './local-committer.js';
import type { SavePoint } from './save-points.js';
import type { SnapshotFiles } from './snapshot-files.js';

export interface PersistenceOptions {
  readonly env: Env;
  readonly storage: Storage;
  readonly committer: LocalCommitter;
  /** Goes with the log: where that changes, it begins anew. */
  readonly history: KeptHistory;
  /** The log that is on from the start. */
  readonly log: KeptLog | null;
  /** Null for a storage that writes its own disk. */
  readonly snapshots: SnapshotFiles | null;
  /** When to take a copy without being asked, without a log. */
  readonly savePoints: () => readonly SavePoint[];
  /** Makes the directory this server's own, where it is not yet. Throws KvError when it can't be. */
  readonly claim: () => Promise<void>;
  /** Opens the log of the directory. Throws KvError. */
  readonly openLog: () => Promise<KeptLog>;
  /** From now on what is written is committed this way. */
  readonly commitThrough: (committer: Committer) => void;
  /** The data was replaced: calls `body` in a turn of its own, and whoever keeps something derived from data. */
  readonly replaceData: (body: () => void) => void;
  readonly onFatal: (error: KvError) => void;
  readonly onError: (error: unknown) => void;
}

/** What is saved for Redis. */
export interface RedisFile {
  /**
   * Puts all data as of one moment in place of what it had, right after `settled` resolved: no write is half done then.
   * Resolves when it is on the disk. Throws KvError.
   */
  write(settled: () => Promise<void>): Promise<void>;
}
