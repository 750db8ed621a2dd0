/**
 * The one error class that crosses package borders. Expected outcomes (a missing key, a wrong type)
 * are replies, not exceptions; a KvError is thrown where an operation of a contract cannot be done.
 */

export const errorCodes = {
  /** The caller asked for something that makes no sense here. */
  INVALID: { retryable: false },
  /** The directory, file or record is damaged: what to do is in the message. */
  CORRUPT: { retryable: false },
  /** Another process holds the directory. */
  LOCKED: { retryable: false },
  /** The component is closed or closing. */
  CLOSED: { retryable: false },
  /** The disk refused: full, or failing. */
  DISK: { retryable: true },
  /** The entry that an append must follow is not the last one, or its writer is no longer the leader. */
  REFUSED: { retryable: true },
  /** Whether the operation took effect is not known. */
  UNDETERMINED: { retryable: false },
  /** A limit was reached: which one is in the message. */
  LIMIT: { retryable: false },
  /** The other side can't be reached, or did not answer in time. */
  UNAVAILABLE: { retryable: true },
  /** The key holds a value of another type. */
  WRONGTYPE: { retryable: false },
  /** The key is not at the version that was expected: read it again, then decide. */
  VERSION_MISMATCH: { retryable: false },
  /** What is asked for is older than what is kept: `version` is the oldest that a reader can go on from. */
  COMPACTED: { retryable: false },
  /** No credentials, wrong ones, or this user may not do that. */
  DENIED: { retryable: false },
  /** A command was answered with another error: `reply` is its first word. */
  COMMAND: { retryable: false },
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** What is said of whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export class KvError extends Error {
  readonly code: ErrorCode;
  /** Of an error that a command replied: its first word, such as `NOSCRIPT`. Empty otherwise. */
  readonly reply: string;
  /**
   * With VERSION_MISMATCH: the version that the key is at, 0 when it is not there. With COMPACTED: the oldest that can
   * be gone on from. With UNAVAILABLE, of a history: the newest that is there.
   */
  readonly version: number;

  constructor(
    code: ErrorCode,
    message: string,
    options?: { cause?: unknown; reply?: string; version?: number },
  ) {
    super(message, options);
    this.name = 'KvError';
    this.code = code;
    this.reply = options?.reply ?? '';
    this.version = options?.version ?? 0;
  }

  /** Whether the same call may succeed later without being changed. */
  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }
}
