/**
 * What was written lately, by version: for whoever has the state of one moment and goes on from there, such as a watch
 * that resumes, a feed of changes, or a restore to a version.
 *
 *     versions        oldest                 newest
 *     ... dropped  |    |  kept                 |
 *                       '- read(oldest) gives the first write behind it, and then all
 *
 * A reader holds nothing here but the version that it has reached: one that is slow reads from the history again, and
 * never makes anybody buffer for it. If it is too slow it is told so, COMPACTED, and begins anew with a state that is not
 * older than `oldest`.
 *
 *     for (let at = version; ; ) {
 *       const { commits, version } = await history.read(at);
 *       for (const commit of commits) take(commit);
 *       at = version;
 *       await history.waitBeyond(at);
 *     }
 */

/** One write, as a whole: what a command, a transaction or a script changed. */
export interface Commit {
  readonly version: number;
  /** Its records: a batch of mutations, see `mutation.ts`. Owned by the receiver. */
  readonly mutations: Uint8Array;
}

export interface HistoryPage {
  readonly commits: readonly Commit[];
  /** Everything up to it was given: where the reader goes on. That of the last commit, or a later one. */
  readonly version: number;
}

export interface ReadLimit {
  /** At most so many, and one at least. */
  readonly commitsMax: number;
  /** At most so many bytes of mutations, unless the first commit has more. */
  readonly bytesMax: number;
}

export interface History {
  /** Everything that was written after this version is kept. Rises as what is older is dropped. */
  readonly oldest: number;
  /** Everything that was written up to this version is committed: see `Committer`. What is written later is above it. */
  readonly newest: number;
  /**
   * The commits after version `after`, in order, none skipped and none twice: up to `newest` at the time of the call,
   * or as many as `limit` lets. Any version will do, whether a write has it or not. Throws KvError COMPACTED when `after`
   * is below `oldest`, or was the version of a write that a power cut took; its `version` is `oldest`. UNAVAILABLE when it
   * is above the `newest` of a replica, that others may be ahead of; its `version` is `newest`. INVALID when no history is
   * kept, CORRUPT when the log is damaged.
   */
  read(after: number, limit?: ReadLimit): Promise<HistoryPage>;
  /**
   * Resolves once `newest` is above `version`, `signal` is aborted, or the history begins anew, so that a reader of
   * before is COMPACTED. A wake-up and no more: read to see what is there.
   */
  waitBeyond(version: number, signal?: AbortSignal): Promise<void>;
}

/** A history that is told what is committed. */
export interface KeptCommits extends History {
  /** In order. `version` is the last in the batch, which belongs to the caller. */
  committed(batch: Uint8Array, position: number, version: number): void;
  /** It is no longer kept: who waits is woken. */
  end(): void;
}
