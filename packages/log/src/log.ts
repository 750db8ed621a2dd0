/**
 * What makes a write durable: an ordered, gapless sequence of batches.
 *
 *     position   1        2        3                    (0 = before the first)
 *             [batch]  [batch]  [batch] ...
 *
 * A batch is opaque bytes, kept or lost as a whole. Positions are contiguous, start at 1 and never
 * repeat. One writer appends at a time; each append names the entry it must follow and the writer's
 * epoch, so that a stale writer fences itself.
 *
 * "Committed" is what the log promises: on this disk, handed to this operating system, or in a majority
 * of members, as the implementation and its configuration say.
 *
 * A log may be shared: opened by several processes at once, of which one writes and the others follow.
 * What a follower knows then lags behind, and a read of the tail is never a fence, for it may be old
 * when it is used: only an append, which is conditional, says who the writer is.
 *
 *     follower:   for (;;) { read(applied + 1) ... ; await waitBeyond(applied) }
 *     new writer: read to the tail, append a first entry after it with an epoch above the last
 */

/** Position of an entry; 0 is the position before the first. */
export type Position = number;

export interface LogEntry {
  readonly position: Position;
  readonly epoch: number;
  /** Owned by the receiver. */
  readonly batch: Uint8Array;
}

/** What a log was at one moment between call and answer. */
export interface LogState {
  /** First position that `read` can still give: everything before was trimmed. 1 for a new log. */
  readonly head: Position;
  /** Position of the last committed entry; the one before `head` when there is none. */
  readonly tail: Position;
  /** Epoch of the last entry; 0 before the first. */
  readonly epoch: number;
  readonly isSealed: boolean;
}

/**
 * Why an append was not done.
 * - `position`: `after` is not the last entry that was appended.
 * - `epoch`: the epoch is older than the last one: another writer has taken over.
 * - `sealed`: the log is sealed.
 * - `disk`: there is no room, or the disk fails; see `cause`. May be tried again.
 * - `unavailable`: an append before it is `unknown` and not yet resolved, or it was lost on its way, which
 *   `resolve` found out. May be tried again.
 */
export type RefusalReason = 'position' | 'epoch' | 'sealed' | 'disk' | 'unavailable';

/** `position` is where the batch is. */
export interface Committed {
  readonly kind: 'committed';
  readonly position: Position;
}

/** Not appended, and never will be. */
export interface Refused {
  readonly kind: 'refused';
  readonly reason: RefusalReason;
  /** The last entry that was appended, as far as is known. */
  readonly tail: Position;
  readonly cause?: unknown;
}

/** It may be there, may yet arrive, or may be lost: see `Log.resolve`. */
export interface Unknown {
  readonly kind: 'unknown';
  readonly cause: unknown;
}

/** What `Log.stage` stored: a batch that needs only a place in the log. Of use to the log that gave it. */
export interface Staged {
  readonly batch: Uint8Array;
}

/** What became of an append. */
export type AppendOutcome = Committed | Refused | Unknown;

export interface Log {
  /** The longest batch that it takes, in bytes. */
  readonly batchBytesMax: number;
  /**
   * Appends one batch after position `after`. `batch` may be used again by the caller once the call
   * has returned (not: once the promise resolves). Appends may be issued before earlier ones resolve,
   * each following the one before; they resolve in order, and if one is not committed, none after
   * it is. An epoch above the last one takes over: from then on lower epochs are refused.
   * Rejects only for misuse: KvError LIMIT (longer than `batchBytesMax`, or far too much waits), CLOSED.
   * `staged` is what `stage` gave for this batch, which is then not stored again where that can be helped; it is not to
   * be changed until the outcome is there. What was refused as `unavailable` may be appended again with it.
   */
  append(batch: Uint8Array, after: Position, epoch: number, staged?: Staged): Promise<AppendOutcome>;
  /**
   * Stores a batch that is so long that its append would take a while, and says nothing of it in the log: others are
   * appended meanwhile, by this log too. Null when it is not that long. The batch is not to be changed until then.
   * When it resolves the append is as quick as any other. What fails is tried again until `signal` is aborted, which
   * leaves nothing behind where that can be helped. Rejects: KvError DISK, LIMIT, CLOSED, and UNAVAILABLE when aborted.
   */
  stage?(batch: Uint8Array, signal: AbortSignal): Promise<Staged> | null;
  /**
   * Removes what `stage` stored for a batch that was never appended, and never will be. A hint: never rejects, and what is
   * left goes with a trim.
   */
  unstage?(staged: Staged): Promise<void>;
  /**
   * The road without a promise, for logs that can commit without waiting (a file whose data only has to
   * reach the operating system). As `append`, with the outcome at once; null when this append would have to
   * wait, and then nothing was appended: use `append`. What it says may change from call to call, so ask
   * every time: `log.appendSync?.(...) ?? (await log.append(...))`. Throws where `append` rejects.
   */
  appendSync?(batch: Uint8Array, after: Position, epoch: number): AppendOutcome | null;
  /**
   * Resolves when everything that was appended before is on the disk; for logs where what is committed may not be there
   * yet. No append waits for it. Throws KvError DISK.
   */
  sync?(): Promise<void>;
  /**
   * What became of the appends of this log whose outcome was `unknown`, in their order, each exactly once;
   * empty when there are none. What is found missing is fenced before this resolves, so that it can't arrive
   * later. Until then every append is refused as `unavailable`. Never rests on a read of the tail alone.
   * Throws KvError UNAVAILABLE while it can't be known yet (call again), DISK when only closing and opening
   * the log can tell, UNDETERMINED when it can never be known any more.
   */
  resolve(): Promise<(Committed | Refused)[]>;
  /**
   * Position of the last committed entry that this log knows of, without waiting; never falls while the log
   * is open. Of a shared log others may have appended more: `state` and `tail` ask.
   */
  readonly committedPosition: Position;
  /**
   * Entries from `from` on, in order, without gaps, up to the `committedPosition` at the time of the call. A
   * reading under way is not disturbed by appends; nor by a trim, as long as it takes less than a minute.
   * Throws KvError INVALID when `from` is below the head, CORRUPT when an entry is damaged or missing,
   * UNAVAILABLE when the log can't be reached.
   */
  read(from: Position): AsyncIterable<LogEntry>;
  /** Throws KvError UNAVAILABLE when the log can't be reached. */
  state(): Promise<LogState>;
  /** The tail of `state`, which `committedPosition` has reached then. */
  tail(): Promise<Position>;
  /** The head of `state`. */
  head(): Promise<Position>;
  /**
   * Resolves, with `committedPosition`, once an entry after `position` is known to be committed; also once the
   * log is known to be sealed, or `signal` is aborted. A wake-up and no more: read to see what is there.
   * Throws KvError CLOSED when the log is closed before, INVALID when it is gone.
   */
  waitBeyond(position: Position, signal?: AbortSignal): Promise<Position>;
  /**
   * Ends the log for appends, also after it is opened again: resolves with its last position, which never
   * changes again. Appends issued before are committed first. Sealing twice is no error.
   * Throws KvError UNAVAILABLE or DISK when it may not be sealed: call again.
   */
  seal(): Promise<Position>;
  /** Entries before `before` are no longer needed; the log may drop them, as a hint. */
  trim(before: Position): Promise<void>;
  /** Waits for appends under way. The log can't be used afterwards. Closing twice is no error. */
  close(): Promise<void>;
}
