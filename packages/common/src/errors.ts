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
} as const;

export type ErrorCode = keyof typeof errorCodes;

export class KvError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'KvError';
    this.code = code;
  }

  /** Whether the same call may succeed later without being changed. */
  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }
}
