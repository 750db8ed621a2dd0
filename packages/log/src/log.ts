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
 */

/** Position of an entry; 0 is the position before the first. */
export type Position = number;

export interface LogEntry {
  readonly position: Position;
  readonly epoch: number;
  /** Owned by the receiver. */
  readonly batch: Uint8Array;
}

/**
 * Why an append was not done: `after` is not the last entry that was appended, the epoch is older than the
 * last one, the log is sealed, or the log can't be written (a full or failing disk; see `cause`).
 */
export type RefusalReason = 'position' | 'epoch' | 'sealed' | 'disk';

/**
 * What became of an append.
 * - `committed`: committed at `position`.
 * - `refused`: not appended and never will be. `tail` is the last entry that was appended.
 * - `unknown`: it may or may not be there. Read the tail before anything else is appended or answered.
 */
export type AppendOutcome =
  | { readonly kind: 'committed'; readonly position: Position }
  | {
      readonly kind: 'refused';
      readonly reason: RefusalReason;
      readonly tail: Position;
      readonly cause?: unknown;
    }
  | { readonly kind: 'unknown'; readonly cause: unknown };

export interface Log {
  /**
   * Appends one batch after position `after`. `batch` may be used again by the caller once the call
   * has returned (not: once the promise resolves). Appends may be issued before earlier ones resolve,
   * each following the one before; they resolve in order, and if one is not committed, none after
   * it is. An epoch above the last one takes over: from then on lower epochs are refused.
   * Rejects only for misuse: KvError LIMIT (a batch too long), CLOSED.
   */
  append(batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome>;
  /**
   * The road without a promise, for logs that can commit without waiting (a file whose data only has to
   * reach the operating system). As `append`, with the outcome at once; null when this append would have to
   * wait, and then nothing was appended: use `append`. What it says may change from call to call, so ask
   * every time: `log.appendSync?.(...) ?? (await log.append(...))`. Throws where `append` rejects.
   */
  appendSync?(batch: Uint8Array, after: Position, epoch: number): AppendOutcome | null;
  /** Position of the last committed entry, known without waiting; never falls while the log is open. */
  readonly committedPosition: Position;
  /**
   * Entries from `from` on, in order, without gaps, up to the tail at the time of the call. Throws
   * KvError INVALID when `from` is below the head, CORRUPT when an entry is damaged.
   */
  read(from: Position): AsyncIterable<LogEntry>;
  /** Position of the last committed entry; 0 when there is none. */
  tail(): Promise<Position>;
  /** First position that `read` can still give: everything before was trimmed. 1 for a new log. */
  head(): Promise<Position>;
  /**
   * Ends the log for appends, also after it is opened again: resolves with its last position, which never
   * changes again. Appends issued before are committed first. Sealing twice is no error.
   */
  seal(): Promise<Position>;
  /** Entries before `before` are no longer needed; the log may drop them, as a hint. */
  trim(before: Position): Promise<void>;
  /** Waits for appends under way. The log can't be used afterwards. Closing twice is no error. */
  close(): Promise<void>;
}
